//! Random logs and random queries about them.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use tamarin::log::{Field, Kind};
use tamarin::query::filter::{Filter, Subject, Test};
use tamarin::query::{Ask, Counting, Dimension, Measure, Query, Sort, TimeRange, Value};

use super::filling::file_name;
use super::lines::{self, START};

/// Measures that the engine may estimate.
pub(crate) const DISTINCT_COUNTS: [Measure; 3] = [Measure::Objects, Measure::Addresses, Measure::UserAgents];

pub(crate) const SOURCES: [&str; 3] = ["s3://acme-logs/media/", "/var/log/acme", "demo:1:10"];

/// A source and the lines to append to it, whether to commit them, and whether to reopen the writer.
pub(crate) type Step = (usize, Vec<String>, bool, bool);

pub(crate) fn step() -> impl Strategy<Value = Step> {
    (0..SOURCES.len(), lines::lines(0..70), any::<bool>(), prop::bool::weighted(0.2))
}

fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => (-10i64..270).prop_map(|step| START + step * 677),
        1 => Just(-10),
        1 => Just(0),
        1 => select(vec![i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]),
    ]
}

fn time_range() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        2 => Just(TimeRange::default()),
        2 => (prop::option::of(instant()), prop::option::of(instant()))
            .prop_map(|(start, end)| TimeRange { start, end }),
    ]
}

/// A value that the field has in these logs, or a similar value.
fn value_of(field: Field) -> impl Strategy<Value = String> {
    if field == Field::LogFile {
        return select((1..5).map(file_name).collect::<Vec<_>>());
    }
    let pool: &[&str] = match field {
        Field::Source => &SOURCES,
        Field::Bucket => lines::BUCKETS,
        Field::RemoteIp => lines::ADDRESSES,
        Field::Requester => lines::REQUESTERS,
        Field::RequestId => lines::REQUEST_IDS,
        Field::Operation => lines::OPERATIONS,
        Field::Key => &["films/2026/a.mp4", "a b.txt", "a+b.txt", "caf\u{e9}/", "index", "a%20b.txt"],
        Field::KeyLogged => &["a%2520b.txt", "caf%25C3%25A9/", "films/2026/a.mp4"],
        Field::RequestUri => &["GET / HTTP/1.1", "GET /films/2026/a.mp4 HTTP/1.1", "GET /index HTTP/1.1"],
        Field::HttpStatus => &["200", "404", "403", "999"],
        Field::ErrorCode => lines::ERRORS,
        Field::Referer => &["https://example.com/", "https://example.com/a?b"],
        Field::UserAgent => &["aws-cli/2.15", "Mozilla/5.0 (X11; Linux)"],
        Field::VersionId => lines::VERSIONS,
        Field::HostId => lines::HOST_IDS,
        Field::Extra => &["new fields", "many", "18446744073709551615"],
        Field::TlsVersion => &["TLSv1.2", "TLSv1.3"],
        Field::BytesSent | Field::ObjectSize | Field::TotalTime | Field::TurnAroundTime => {
            &["0", "1", "7", "1234", "9007199254740993"]
        }
        Field::Line => &["0", "1", "2", "7", "30"],
        _ => &["SigV4", "AuthHeader", "Yes", "eu-west-1", "no such value"],
    };
    select(pool.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

fn range() -> impl Strategy<Value = Test> {
    let edge = || {
        prop::option::of(prop_oneof![
            select(vec![i64::MIN, -1, 0, 1, 2, 7, 8, 200, 206, 400, 404, 499, 1234, 1 << 20, i64::MAX]),
            instant(),
        ])
    };
    (edge(), edge()).prop_map(|(from, to)| Test::Range(from, to))
}

fn text_test() -> impl Strategy<Value = Test> {
    prop_oneof![
        select(vec!["*.mp4", "films/*", "*", "a?b.txt", "4[0-9]?", "*example*", ""])
            .prop_map(|pattern| Test::Glob(pattern.to_owned())),
        select(vec!["^a", "mp4$", "(?i)BOT", "", "0+", r"\d{3}"])
            .prop_map(|pattern| Test::Regex(pattern.to_owned())),
        select(vec!["bot", "FILMS", "203", "", "\u{e9}"]).prop_map(|text| Test::Contains(text.to_owned())),
        select(vec!["role/etl", "user/ann@example.com", "123456789012"])
            .prop_map(|part| Test::PathPart(part.to_owned())),
        select(vec!["203.0.113.0/24", "0.0.0.0/0", "2001:db8:1::/48"])
            .prop_map(|network| Test::Network(network.parse().unwrap())),
    ]
}

fn test_of_field(field: Field) -> BoxedStrategy<Test> {
    let equals = value_of(field).prop_map(|value| Test::Equals(value.into_bytes()));
    match field.kind() {
        Kind::Time => prop_oneof![
            instant().prop_map(|at| Test::Equals(at.to_string().into_bytes())),
            range(),
            Just(Test::Absent),
        ]
        .boxed(),
        Kind::Measure => prop_oneof![equals, range(), Just(Test::Absent)].boxed(),
        _ => prop_oneof![2 => equals, 1 => range(), 1 => Just(Test::Absent), 2 => text_test()].boxed(),
    }
}

fn derived() -> impl Strategy<Value = Dimension> {
    let more = [
        Dimension::Network { v4: 16, v6: 48 },
        Dimension::Network { v4: 0, v6: 0 },
        Dimension::Network { v4: 24, v6: 64 },
        Dimension::Network { v4: 32, v6: 64 },
        Dimension::Prefix { depth: 2 },
        Dimension::Prefix { depth: 9 },
        Dimension::Path { depth: 1 },
        Dimension::Path { depth: 2 },
        param("x-app"),
        param("x-app"),
        param("versionId"),
    ];
    let all = Dimension::all().into_iter().chain(more);
    select(all.filter(|dimension| !matches!(dimension, Dimension::Field(_))).collect::<Vec<_>>())
}

pub(crate) fn param(name: &str) -> Dimension {
    Dimension::QueryParam { name: name.to_owned() }
}

fn dimension() -> impl Strategy<Value = Dimension> {
    prop_oneof![select(Dimension::all()), derived()]
}

fn derived_value() -> impl Strategy<Value = String> {
    select(vec![
        "4xx",
        "2xx",
        "GET",
        "role/etl",
        "films/",
        "gz",
        "mp4",
        "203.0.113.0/24",
        "3",
        "7",
        "14",
        "",
        "web",
        "iOs app",
    ])
    .prop_map(str::to_owned)
}

fn term() -> impl Strategy<Value = Filter> {
    let equals = derived_value().prop_map(|value| Test::Equals(value.into_bytes()));
    let derived_test = prop_oneof![3 => equals, 1 => range(), 1 => Just(Test::Absent), 1 => text_test()];
    prop_oneof![
        6 => select(Field::all().collect::<Vec<_>>())
            .prop_flat_map(|field| (Just(field), test_of_field(field)))
            .prop_map(|(field, test)| Filter::Term(Subject::Field(field), test)),
        2 => (derived(), derived_test).prop_map(|(by, test)| Filter::Term(Subject::Derived(by), test)),
        1 => text_test().prop_map(|test| Filter::Term(Subject::Anywhere, test)),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let any = term().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Any),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    });
    prop_oneof![1 => Just(Filter::everything()), 3 => any]
}

/// A value of a group that may exist.
fn group_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Absent),
        select(vec![0, 3, 7, 14, 23, 200, 404]).prop_map(Value::Integer),
        select(vec![
            "203.0.113.7",
            "films/",
            "role/etl",
            "4xx",
            "GET",
            "mp4",
            "",
            "REST.GET.OBJECT",
            "web",
            "iOs app"
        ])
        .prop_map(Value::from),
    ]
}

/// The measures that the engine computes exactly.
fn measures() -> Vec<Measure> {
    Measure::ALL
        .into_iter()
        .filter(|measure| *measure == Measure::Cost || !measure.is_approximate())
        .collect()
}

fn groups_of_each() -> impl Strategy<Value = Ask> {
    let sorts: Vec<Measure> = Measure::ALL.into_iter().filter(|measure| !measure.is_extra()).collect();
    let by = prop::collection::vec(dimension(), 0..5);
    (by, select(sorts), any::<bool>(), select(vec![0, 1, 2, 5, 100])).prop_map(
        |(by, sorted_by, descending, limit)| Ask::GroupsOfEach {
            by,
            sort: Sort { by: sorted_by, descending },
            limit,
        },
    )
}

fn pairs() -> impl Strategy<Value = Ask> {
    let sorts: Vec<Measure> = Measure::ALL.into_iter().filter(|measure| !measure.is_extra()).collect();
    let by = prop::array::uniform2(dimension());
    (by, select(sorts), any::<bool>(), select(vec![0, 1, 2, 5, 100])).prop_map(
        |(by, sorted_by, descending, limit)| Ask::Pairs {
            by,
            sort: Sort { by: sorted_by, descending },
            limit,
        },
    )
}

fn comparison() -> impl Strategy<Value = Ask> {
    let by = prop::collection::vec(dimension(), 0..5);
    (by, time_range(), filter(), select(vec![0, 1, 2, 5]), select(vec![0, 1, 2, 5])).prop_map(
        |(by, time, filter, at_least, limit)| Ask::Compare { by, with: (time, filter), at_least, limit },
    )
}

fn distribution() -> impl Strategy<Value = Ask> {
    (dimension(), select(vec![Measure::Requests, Measure::BytesSent, Measure::Errors]))
        .prop_map(|(by, of)| Ask::Distribution { by, of })
}

fn profiles() -> impl Strategy<Value = Ask> {
    let two = prop::array::uniform2(dimension());
    (two, prop::collection::vec((any::<bool>(), group_value(), time_range()), 0..7)).prop_map(|(by, of)| {
        let client = |(is_second, value, time)| (by[usize::from(is_second)].clone(), value, time);
        Ask::Profiles { of: of.into_iter().map(client).collect() }
    })
}

pub(crate) fn random_query() -> impl Strategy<Value = Query> {
    let groups = (
        dimension(),
        prop::collection::vec(select(measures()), 0..5),
        select(measures()),
        any::<bool>(),
        select(vec![0, 1, 2, 3, 5, 100]),
    )
        .prop_map(|(by, more, sorted_by, descending, limit)| Ask::Groups {
            by,
            more,
            sort: Sort { by: sorted_by, descending },
            limit,
        });
    let each = (dimension(), prop::collection::vec(group_value(), 0..5));
    let series = (select(vec![50_000, 86_400, 604_800, u32::MAX]), prop::option::of(each))
        .prop_map(|(bucket, each)| Ask::Series { bucket, each });
    let of = prop::collection::vec((dimension(), prop::collection::vec(group_value(), 0..5)), 0..4);
    let activity = (select(vec![50_000, 86_400, 604_800, u32::MAX]), of)
        .prop_map(|(bucket, of)| Ask::Activity { bucket, of });
    let requests = (
        select(Field::all().collect::<Vec<_>>()),
        any::<bool>(),
        select(vec![0, 0, 1, 10, 1000]),
        select(vec![0, 1, 2, 10, 50]),
        prop::collection::vec(select(Field::all().collect::<Vec<_>>()), 0..3),
    )
        .prop_map(|(by, descending, offset, limit, fields)| Ask::Requests {
            sort: Sort { by, descending },
            offset,
            limit,
            fields,
        });
    let numbered = prop::collection::vec((1..5u32, 0..300u64), 0..4).prop_map(Ask::RequestsById);
    let sources = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(select(SOURCES.to_vec()).prop_map(str::to_owned), 1..3),
        1 => Just(vec!["s3://unknown-source".to_owned()]),
    ];
    let counting = select(vec![Counting::AsLogged, Counting::AsLogged, Counting::Requests]);
    let ask = prop_oneof![
        1 => Just(Ask::Totals),
        1 => Just(Ask::Cost),
        4 => groups,
        2 => groups_of_each(),
        2 => pairs(),
        2 => comparison(),
        1 => distribution(),
        2 => profiles(),
        2 => series,
        2 => activity,
        3 => requests,
        1 => numbered,
    ];
    (sources, time_range(), filter(), counting, ask, any::<Index>()).prop_map(
        |(sources, time, filter, counting, mut ask, narrow)| {
            // The number of narrow buckets in a day is below the limit.
            if let (Some(start), Some(end), Ask::Series { bucket, .. } | Ask::Activity { bucket, .. }) =
                (time.start, time.end, &mut ask)
                && start > START - 100_000
                && end.checked_sub(start).is_some_and(|length| length < 86_400)
            {
                *bucket = [1, 60, 3600, *bucket][narrow.index(4)];
            }
            Query { sources, time, filter, counting, ask }
        },
    )
}
