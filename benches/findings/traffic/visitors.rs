//! Visitors of sites and users of apps.

use super::World;
use super::stream::Visit;
use crate::month::Month;
use crate::random::Random;
use crate::record::{ABSENT, Object, Request, Signature, Text};

pub(super) fn visitors(
    month: &mut Month,
    world: &World,
    name: &str,
    sessions: f64,
    visit: &Visit,
    random: &mut Random,
) {
    let number = month.stream(name);
    let people = month.people.clone();
    let dead: Vec<Text> = (0..40).map(|at| month.text(&format!("images/old/{at:03}.jpg"))).collect();
    for start in month.times(sessions, Some(&people), name, random) {
        let mut client = world.people.visitor(start, random);
        let mut time = f64::from(start);
        let add = |month: &mut Month, request: Request| month.push(Request { stream: number, ..request });
        match visit {
            Visit::Pages { requests } => {
                let mut left = random.geometric(*requests);
                while left > 0 {
                    let referer = page(month, world.site, random);
                    for _ in 0..left.min(2 + random.below(8)) {
                        left -= 1;
                        let mut request = Request::get(time as u32, client, world.popular(random));
                        request.operation = world.get;
                        request = as_usual(request, random);
                        request.referer = match random.unit() {
                            at if at < 0.05 => ABSENT,
                            at if at < 0.09 => other_referer(month, random),
                            _ => referer,
                        };
                        if random.chance(0.012) {
                            request.key = *random.pick(&dead);
                            request = request.failed(404, "NoSuchKey");
                        } else if random.chance(0.002) {
                            request = request.failed(403, "AccessDenied");
                        }
                        add(month, request);
                        time += random.exponential(0.6);
                    }
                    time += random.exponential(50.0);
                }
            }
            Visit::Film(films) => {
                let film = films[(random.unit().powi(3) * films.len() as f64) as usize].clone();
                let first = if random.chance(0.7) { 0 } else { random.index(film.len()) };
                let referer = page(month, world.site, random);
                let watched = random.geometric(film.len() as f64 * 0.5) as usize;
                for index in film.skip(first).take(watched) {
                    let mut request = Request::get(time as u32, client, world.objects[index]);
                    request.referer = referer;
                    add(month, request);
                    time += random.range(3.0, 7.0);
                }
            }
            Visit::Parts => {
                let object = world.objects[*random.pick(&world.large)];
                let referer = page(month, world.site, random);
                for _ in 0..random.geometric(9.0) {
                    let bytes = random.between(512 << 10, 4 << 20);
                    let mut request = Request::part(time as u32, client, object, bytes);
                    request.referer = referer;
                    add(month, request);
                    time += random.exponential(9.0);
                }
            }
            Visit::Downloads { requests } => {
                for _ in 0..random.geometric(*requests) {
                    let object = world.objects[*random.pick(&world.large)];
                    let mut request = as_usual(Request::get(time as u32, client, object), random);
                    request.referer = page(month, world.site, random);
                    if random.chance(0.02) {
                        request.key = *random.pick(&dead);
                        request = request.failed(404, "NoSuchKey");
                    }
                    add(month, request);
                    time += random.exponential(40.0);
                }
            }
            Visit::App { requests, requester } => {
                client = world.people.app_user(start, random);
                if let Some(requester) = requester {
                    client.requester = *requester;
                    client.signature = Signature::Presigned;
                }
                for _ in 0..random.geometric(*requests) {
                    let request = as_usual(Request::get(time as u32, client, world.popular(random)), random);
                    add(month, request);
                    time += random.exponential(4.0);
                }
            }
            Visit::Build { packages, descriptions, archives } => {
                let mut left = random.geometric(*packages).min(400);
                while left > 0 {
                    left -= 1;
                    // What is popular is a dependency of much else.
                    let package = (world.zipf.draw(random)).min(descriptions.len() - 1);
                    let object = world.objects[descriptions.start + package];
                    let mut request = Request::get(time as u32, client, object);
                    if random.chance(0.012) {
                        request.key = *random.pick(&dead);
                        add(month, request.failed(404, "NoSuchKey"));
                        continue;
                    }
                    if random.chance(0.5) {
                        request = request.not_modified();
                    }
                    add(month, as_usual(request, random));
                    time += random.exponential(0.3);
                    if random.chance(0.45) {
                        let object = world.objects[archives.start + package % archives.len()];
                        add(month, as_usual(Request::get(time as u32, client, object), random));
                        time += random.exponential(0.8);
                    }
                }
            }
            Visit::Presigned { requester, tenants, uploads } => {
                client.requester = *requester;
                client.signature = Signature::Presigned;
                let tenant = (random.unit().powi(2) * *tenants as f64) as usize;
                let of_tenant = world.objects.len() / tenants;
                for _ in 0..random.geometric(5.0) {
                    let request = if random.chance(*uploads) {
                        let id = random.next() >> 24;
                        let key = month.text(&format!("tenants/t-{tenant:04}/uploads/{id:010x}.pdf"));
                        let size = (180_000.0 * random.spread(1.3)) as u64;
                        Request::put(time as u32, client, Object { key, size })
                    } else {
                        let index = tenant * of_tenant + (random.unit().powi(2) * of_tenant as f64) as usize;
                        let request = Request::get(time as u32, client, world.objects[index]);
                        if random.chance(0.012) { request.failed(403, "AccessDenied") } else { request }
                    };
                    let referer = month.text(&format!("{}/app", world.site));
                    add(
                        month,
                        Request {
                            referer,
                            query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900",
                            ..request
                        },
                    );
                    time += random.exponential(30.0);
                }
            }
        }
    }
}

/// A page of the site.
fn page(month: &mut Month, site: &str, random: &mut Random) -> Text {
    let page = (random.unit().powi(3) * 120.0) as u32;
    match page {
        0 => month.text(&format!("{site}/")),
        page => month.text(&format!("{site}/stories/{page}")),
    }
}

/// The referer of a request that did not come from the site itself.
fn other_referer(month: &mut Month, random: &mut Random) -> Text {
    const OTHERS: [&str; 8] = [
        "https://www.google.com/",
        "https://www.google.com/",
        "https://www.google.com/",
        "https://www.bing.com/",
        "https://duckduckgo.com/",
        "https://t.co/",
        "https://news.ycombinator.com/",
        "https://partner.example.org/catalogue",
    ];
    month.text(OTHERS[random.index(OTHERS.len())])
}

/// Makes a request fail or need no body as often as in ordinary traffic.
pub(crate) fn as_usual(request: Request, random: &mut Random) -> Request {
    match random.unit() {
        at if at < 0.07 => request.not_modified(),
        at if at < 0.0715 => request.failed(503, "SlowDown"),
        at if at < 0.0718 => request.failed(500, "InternalError"),
        _ => request,
    }
}
