//! Incidents about permissions: misuse of credentials, deletions, changes of the configuration, insecure access.

use std::collections::BTreeSet;

use super::clients::{few_objects, small_read};
use super::{Planted, new_principal, role_of, spread_over, start, strangers, subjects_of, tool, unused};
use crate::agents::hosting_address;
use crate::month::{DAY, HOUR, Month};
use crate::random::Random;
use crate::record::{ABSENT, Client, Object, Request, Signature, Text, Tls};
use crate::traffic::World;
use crate::truth::{Incident, Kind, Strength};

const CLI: &str = "aws-cli/2.11.2 Python/3.11.2 Windows/10 exe/AMD64 prompt/off command/s3api";

/// Operations with which an intruder explores what credentials allow: operation, query.
const EXPLORED: [(&str, &str); 30] = [
    ("REST.GET.BUCKET", "list-type=2"),
    ("REST.GET.BUCKETPOLICY", "policy"),
    ("REST.GET.ACL", "acl"),
    ("REST.GET.LOCATION", "location"),
    ("REST.GET.VERSIONING", "versioning"),
    ("REST.GET.BUCKETVERSIONS", "versions"),
    ("REST.GET.LIFECYCLE", "lifecycle"),
    ("REST.GET.LOGGING_STATUS", "logging"),
    ("REST.GET.ENCRYPTION", "encryption"),
    ("REST.GET.CORS", "cors"),
    ("REST.GET.WEBSITE", "website"),
    ("REST.GET.NOTIFICATION", "notification"),
    ("REST.GET.REPLICATION", "replication"),
    ("REST.GET.TAGGING", "tagging"),
    ("REST.GET.PUBLIC_ACCESS_BLOCK", "publicAccessBlock"),
    ("REST.GET.POLICY_STATUS", "policyStatus"),
    ("REST.GET.OWNERSHIP_CONTROLS", "ownershipControls"),
    ("REST.GET.INVENTORY", "inventory"),
    ("REST.GET.ANALYTICS", "analytics"),
    ("REST.GET.METRICS", "metrics"),
    ("REST.GET.UPLOADS", "uploads"),
    ("REST.GET.ACCELERATE", "accelerate"),
    ("REST.GET.REQUEST_PAYMENT", "requestPayment"),
    ("REST.PUT.OBJECT", ""),
    ("REST.GET.OBJECT", ""),
    ("REST.HEAD.OBJECT", ""),
    ("REST.DELETE.OBJECT", ""),
    ("REST.PUT.ACL", "acl"),
    ("REST.PUT.BUCKETPOLICY", "policy"),
    ("REST.HEAD.BUCKET", ""),
];

/// A principal that is denied on many operations, or one that suddenly works from elsewhere.
pub(super) fn credential_misuse(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    if random.chance(0.5) {
        denied(month, world, strength, random)
    } else {
        elsewhere(month, world, strength, random)
    }
}

fn denied(month: &mut Month, world: &World, strength: Strength, random: &mut Random) -> Planted {
    let operations = strength.of([6, 14, 26]);
    let (low, high) = strength.of([(12, 20), (60, 120), (300, 600)]);
    let count = random.between(low, high) as usize;
    let agent = unused(
        month,
        &[CLI, "Boto3/1.26.90 Python/3.9.2 Linux/6.1 Botocore/1.29.90", "python-requests/2.28.1"],
        random,
    );
    let is_known = random.chance(0.4);
    let address = hosting_address(random);
    let client = if is_known {
        let member = *random.pick(&world.members);
        Client { ip: month.text(&address), agent: month.text(&agent), in_region: false, ..member }
    } else {
        let principal = new_principal(month, random);
        month.client(&address, &principal, &agent)
    };
    let duration = random.between(5, 180) as u32 * 60;
    let start = start(month, duration, random);
    let mut tried = EXPLORED.to_vec();
    random.shuffle(&mut tried);
    tried.truncate(operations);
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .enumerate()
        .map(|(at, time)| {
            let (operation, query) = tried[at % tried.len()];
            let request = if operation.ends_with(".OBJECT") {
                let index = random.index(world.objects.len().min(50));
                Request { operation, ..Request::get(time, client, world.objects[index]) }
            } else {
                Request::of_bucket(time, client, operation, query, 0)
            };
            let is_read = !operation.contains("PUT") && !operation.contains("DELETE");
            if is_read && random.chance(0.04) { request } else { request.failed(403, "AccessDenied") }
        })
        .collect();
    let who = if is_known { "a known principal from a new address" } else { "a new principal" };
    let about = format!("{count} denied requests, {operations} operations, {who}");
    let mut incident = Incident::new(Kind::CredentialMisuse, strength, about);
    incident.subjects = subjects_of(month, &[client], true);
    Planted { incident, requests }
}

fn elsewhere(month: &mut Month, world: &World, strength: Strength, random: &mut Random) -> Planted {
    let (low, high) = strength.of([(25, 40), (150, 300), (800, 1500)]);
    let count = random.between(low, high) as usize;
    let member = *random.pick(&world.members);
    let address = hosting_address(random);
    let agent = unused(
        month,
        &[
            CLI,
            "Boto3/1.26.90 Python/3.9.2 Linux/6.1 Botocore/1.29.90",
            "S3 Browser/11.6.7 (https://s3browser.com)",
            "Cyberduck/8.7.1.40770 (Windows 10/10.0) (x86)",
        ],
        random,
    );
    let duration = random.between(1, 12) as u32 * HOUR;
    let start = start(month, duration, random);
    // A principal that was never seen before is not a known one.
    let known: Vec<Client> = (world.members.iter().copied())
        .filter(|member| is_known(month, *member, start.saturating_sub(4 * DAY)))
        .collect();
    let member = if known.iter().any(|known| known.requester == member.requester) {
        member
    } else {
        known.first().copied().unwrap_or(member)
    };
    let client = Client { ip: month.text(&address), agent: month.text(&agent), in_region: false, ..member };
    // Some objects, several times each, as in a manual exploration.
    let objects: Vec<Object> = (0..40).map(|_| *random.pick(&world.objects)).collect();
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .map(|time| match random.below(10) {
            0..3 => Request::list(time, client),
            3..5 => Request::operation(time, client, "REST.HEAD.OBJECT", *random.pick(&objects)),
            _ => Request::get(time, client, *random.pick(&objects)),
        })
        .collect();
    let requester = month.texts.get(client.requester);
    let about = format!("{count} requests of {requester} from {address} with a new agent");
    let mut incident = Incident::new(Kind::CredentialMisuse, strength, about);
    incident.subjects = vec![
        ("remote_ip", address),
        ("user_agent", agent),
        ("requester", requester.to_owned()),
        ("role", role_of(requester)),
    ];
    Planted { incident, requests }
}

/// Whether the role or user of a client has sent requests before a time.
fn is_known(month: &Month, client: Client, before: u32) -> bool {
    let role = role_of(month.texts.get(client.requester));
    let earlier = month.requests.iter().filter(|request| request.time < before);
    let requesters: BTreeSet<Text> = earlier.map(|request| request.client.requester).collect();
    requesters.into_iter().any(|requester| role_of(month.texts.get(requester)) == role)
}

/// A requester that deletes objects of other requesters.
pub(super) fn mass_deletion(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(100, 200), (600, 1500), (4000, 8000)]);
    let count = random.between(low, high) as usize;
    let client = if random.chance(0.4) {
        let member = *random.pick(&world.members);
        let agent =
            unused(month, &[CLI, "aws-cli/1.22.34 Python/3.10.6 Linux/5.15 botocore/1.23.34"], random);
        Client { agent: month.text(&agent), ..member }
    } else {
        let (principal, agent) = (new_principal(month, random), tool(month, true, random));
        let address = hosting_address(random);
        month.client(&address, &principal, &agent)
    };
    let duration = random.between(5, 90) as u32 * 60;
    let start = start(month, duration, random);
    let first = random.index(world.objects.len());
    let in_batches = random.chance(0.5);
    let mut requests = Vec::new();
    for (at, time) in spread_over(start, duration, count, random).into_iter().enumerate() {
        let object = if at < world.objects.len() {
            world.objects[(first + at) % world.objects.len()]
        } else {
            let key = month.text(&format!("archive/more/{at:06}.bin"));
            Object { key, size: 40_000 }
        };
        if in_batches {
            if at % 500 == 0 {
                requests.push(Request::of_bucket(
                    time,
                    client,
                    "REST.POST.MULTI_OBJECT_DELETE",
                    "delete",
                    9_000,
                ));
            }
            let request = Request::operation(time, client, "BATCH.DELETE.OBJECT", object);
            requests.push(Request { status: 204, ..request });
        } else {
            let request = Request::operation(time, client, "REST.DELETE.OBJECT", object);
            requests.push(Request { status: 204, ..request });
        }
    }
    let how = if in_batches { "in batches" } else { "one by one" };
    let about = format!("{count} objects {how} by {}", month.texts.get(client.requester));
    let mut incident = Incident::new(Kind::MassDeletion, strength, about);
    incident.subjects = subjects_of(month, &[client], true);
    Planted { incident, requests }
}

/// A change of the configuration of the bucket by a requester that usually makes none.
pub(super) fn config_change(
    month: &mut Month,
    _world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    const CHANGES: [(&str, &str); 6] = [
        ("REST.DELETE.PUBLIC_ACCESS_BLOCK", "publicAccessBlock"),
        ("REST.PUT.BUCKETPOLICY", "policy"),
        ("REST.PUT.ACL", "acl"),
        ("REST.PUT.LOGGING_STATUS", "logging"),
        ("REST.PUT.VERSIONING", "versioning"),
        ("REST.PUT.REPLICATION", "replication"),
    ];
    let (client, operations) = match strength {
        Strength::Weak => {
            // An employee who is often in the console.
            let user = "arn:aws:iam::123456789012:user/ann.lee@acme.example";
            let known = month.requests.iter().map(|request| request.client);
            let office = known.into_iter().find(|client| month.texts.get(client.requester) == user);
            let operation = *random.pick(&[
                ("REST.PUT.LIFECYCLE", "lifecycle"),
                ("REST.PUT.CORS", "cors"),
                ("REST.PUT.LOGGING_STATUS", "logging"),
            ]);
            (office.unwrap_or_else(|| month.client("198.51.100.77", user, CLI)), vec![operation])
        }
        Strength::Medium => {
            let (principal, agent) = (
                new_principal(month, random),
                unused(month, &[CLI, "aws-cli/1.22.34 Python/3.10.6"], random),
            );
            let address = hosting_address(random);
            let change = CHANGES[random.index(4)];
            (month.client(&address, &principal, &agent), vec![("REST.GET.BUCKETPOLICY", "policy"), change])
        }
        Strength::Strong => {
            let (principal, agent) = (
                new_principal(month, random),
                unused(month, &[CLI, "aws-cli/1.22.34 Python/3.10.6"], random),
            );
            let address = hosting_address(random);
            let mut changes = CHANGES.to_vec();
            changes.truncate(3 + random.index(4));
            (month.client(&address, &principal, &agent), changes)
        }
    };
    let duration = 60 + random.below(900) as u32;
    let mut start = start(month, duration, random);
    if strength == Strength::Weak {
        start = start / DAY * DAY + random.between(9, 17) as u32 * HOUR;
    }
    let times = spread_over(start, duration, operations.len(), random);
    let requests = operations.iter().zip(times).map(|((operation, query), time)| {
        let request = Request::of_bucket(time, client, operation, query, 0);
        Request { status: if operation.contains("DELETE") { 204 } else { 200 }, ..request }
    });
    let requests: Vec<Request> = requests.collect();
    let about = format!(
        "{} by {}",
        operations.iter().map(|(operation, _)| *operation).collect::<Vec<_>>().join(", "),
        month.texts.get(client.requester)
    );
    let mut incident = Incident::new(Kind::ConfigChange, strength, about);
    incident.subjects = subjects_of(month, &[client], false);
    incident.subjects.extend(operations.iter().map(|(operation, _)| ("operation", (*operation).to_owned())));
    Planted { incident, requests }
}

/// Old encryption, old signatures, none of either, or anonymous uploads.
pub(super) fn insecure_access(
    month: &mut Month,
    world: &World,
    strength: Strength,
    random: &mut Random,
) -> Planted {
    let (low, high) = strength.of([(12, 25), (100, 200), (600, 1200)]);
    let count = random.between(low, high) as usize;
    let duration = random.between(6, 72) as u32 * HOUR;
    let start = start(month, duration, random);
    let variant = random.below(4);
    let agent = tool(month, !world.is_public && variant != 3, random);
    let (mut clients, from) = strangers(month, world, &agent, true, random);
    for client in &mut clients {
        match variant {
            0 => client.tls = if random.chance(0.5) { Tls::V10 } else { Tls::V11 },
            1 => {
                client.requester = month.text("arn:aws:iam::123456789012:user/legacy-batch");
                client.signature = Signature::V2;
                client.tls = Tls::V12;
            }
            2 => client.tls = Tls::Plain,
            _ => {
                client.requester = ABSENT;
                client.signature = Signature::Anonymous;
            }
        }
    }
    let objects = few_objects(world, random);
    let what = ["TLS 1.0 or 1.1", "SigV2", "plain HTTP", "anonymous uploads"][variant as usize];
    let requests = spread_over(start, duration, count, random)
        .into_iter()
        .map(|time| {
            let client = *random.pick(&clients);
            if variant == 3 {
                let key = month.text(&format!("uploads/{:08x}.bin", random.next() >> 32));
                Request::put(time, client, Object { key, size: random.between(1_000, 400_000) })
            } else {
                small_read(world, time, client, *random.pick(&objects), random)
            }
        })
        .collect();
    let mut incident =
        Incident::new(Kind::InsecureAccess, strength, format!("{count} requests, {what}, {from}"));
    incident.subjects = subjects_of(month, &clients, true);
    match variant {
        0 => incident
            .subjects
            .extend([("tls_version", "TLSv1".to_owned()), ("tls_version", "TLSv1.1".to_owned())]),
        1 => incident.subjects.push(("signature_version", "SigV2".to_owned())),
        2 => incident.subjects.push(("tls_version", "-".to_owned())),
        _ => incident.subjects.push(("requester", "-".to_owned())),
    }
    Planted { incident, requests }
}
