//! A shop's pictures: what a content delivery network fetches, and what sellers upload.

use super::World;
use super::stream::{Origin, Uploads};
use super::visitors::as_usual;
use crate::month::Month;
use crate::random::{Random, Zipf};
use crate::record::{ABSENT, Client, Object, Request, Signature, Text};

/// What the network fetches again although it has it: its caches are many.
const SECOND_CACHE: f64 = 0.14;
/// Pictures of products that are no longer sold. Without permission to list, a missing key is denied.
const MISSING: f64 = 0.012;

/// Requests of the network for what is not in its caches.
pub(super) fn origin(month: &mut Month, world: &World, plan: &Origin, random: &mut Random) {
    let number = month.stream(plan.name);
    let people = month.people.clone();
    // Caches answer most requests of popular pictures.
    let zipf = Zipf::new(world.popular.len(), 0.35);
    let dead: Vec<Text> =
        (0..260).map(|at| month.text(&format!("img/p/{:05}/800.webp", 90_000 + at))).collect();
    for time in month.times(plan.per_day, Some(&people), plan.name, random) {
        let object = world.objects[world.popular[zipf.draw(random)]];
        let request = Request::get(time, plan.client, object);
        let request = if random.chance(MISSING) {
            Request { key: dead[(random.unit().powi(2) * dead.len() as f64) as usize], ..request }
                .failed(403, "AccessDenied")
        } else {
            as_usual(request, random)
        };
        month.push(Request { stream: number, ..request });
        if random.chance(SECOND_CACHE) {
            let time = time + random.exponential(20.0) as u32;
            month.push(Request { stream: number, ..Request::get(time, plan.client, object) });
        }
    }
}

const PRESIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300";

/// Sellers upload pictures with presigned URLs; a function makes smaller ones of each.
pub(super) fn uploads(month: &mut Month, world: &World, plan: &Uploads, random: &mut Random) {
    let number = month.stream(plan.name);
    let resized = month.stream(plan.resized);
    let people = month.people.clone();
    let referer = month.text(plan.site);
    for start in month.times(plan.sessions, Some(&people), plan.name, random) {
        let visitor = world.people.visitor(start, random);
        let seller = (random.unit().powi(2) * plan.sellers as f64) as usize;
        let mut time = f64::from(start);
        // Browsers ask first whether another origin may upload.
        let preflight = Request::of_bucket(start, visitor, "REST.OPTIONS.PREFLIGHT", "", 0);
        month.push(Request { stream: number, referer, ..preflight });
        let client = Client { requester: plan.requester, signature: Signature::Presigned, ..visitor };
        for _ in 0..random.geometric(4.0).min(40) {
            time += random.exponential(9.0);
            let id = random.next() >> 16;
            let key = month.text(&format!("incoming/seller-{seller:04}/{id:012x}.jpg"));
            let object = Object { key, size: (1_900_000.0 * random.spread(0.6)) as u64 };
            let request = Request { query: PRESIGNED, referer, ..Request::put(time as u32, client, object) };
            // The seller took too long.
            if random.chance(0.008) {
                month.push(Request { stream: number, ..request.failed(403, "AccessDenied") });
                continue;
            }
            month.push(Request { stream: number, ..request });
            let product = random.between(20_000, 80_000);
            resize(month, *random.pick(&plan.functions), resized, time, (object, product), random);
        }
    }
}

fn resize(
    month: &mut Month,
    function: Client,
    number: u16,
    uploaded: f64,
    (original, product): (Object, u64),
    random: &mut Random,
) {
    let mut time = uploaded + random.range(1.0, 5.0);
    month.push(Request { stream: number, ..Request::get(time as u32, function, original) });
    for (width, bytes) in [(200, 9e3), (480, 3.2e4), (800, 7.5e4), (1600, 2.1e5)] {
        time += random.range(0.2, 1.0);
        let key = month.text(&format!("img/p/{product:05}/{width}.webp"));
        let object = Object { key, size: (bytes * random.spread(0.4)) as u64 };
        let request = Request { referer: ABSENT, ..Request::put(time as u32, function, object) };
        month.push(Request { stream: number, ..request });
    }
}
