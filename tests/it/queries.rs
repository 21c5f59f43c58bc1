//! Compares all answers of the local engine with the naive reference engine, on random logs and random queries.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use tamarin::cache::{Cache, CacheError};
use tamarin::log::Field;
use tamarin::query::filter::Filter;
use tamarin::query::{
    Answer, Ask, Counting, Dimension, Engine, LocalEngine, Measure, Query, QueryError, Sort, TimeRange, Value,
};
use tokio_util::sync::CancellationToken;

use crate::support::cases;
use crate::support::filling::Filling;
use crate::support::lines::{self, START};
use crate::support::naive_cache::NaiveCache;
use crate::support::random_queries::{DISTINCT_COUNTS, SOURCES, param, random_query, step};

fn ask(engine: &LocalEngine, query: &Query) -> Result<Answer, QueryError> {
    engine
        .ask(query, &CancellationToken::new(), &mut |_, share| assert!((0.0..=1.0).contains(&share)))
        .map(|reply| reply.answer)
}

proptest! {
    #![proptest_config(cases(50))]

    #[test]
    fn answers_equal_those_of_the_naive_reference(
        segment_rows in select(vec![20, 100, 200, 300, 1000]),
        phases in prop::collection::vec(prop::collection::vec(step(), 1..5), 1..4),
        queries in prop::collection::vec(random_query(), 30),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.tamarin");
        let mut naive = NaiveCache::default();
        let mut filling = Filling::new(&path, segment_rows);
        let sources = SOURCES.map(|uri| {
            let number = filling.writer.source(uri).unwrap();
            naive.add_source(number.get() as u32, uri);
            number
        });
        let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));

        for phase in phases {
            for (source, lines, commit, reopen) in phase {
                let appended = filling.append(sources[source], &lines);
                let expected = naive.push_lines(sources[source].get() as u32, &filling.last_file(), &lines);
                prop_assert_eq!((appended.requests, appended.duplicates), expected);
                if commit || reopen {
                    filling.writer.commit().unwrap();
                }
                if reopen {
                    let files = filling.files;
                    drop(filling);
                    filling = Filling::new(&path, segment_rows);
                    filling.files = files;
                }
            }
            filling.writer.commit().unwrap();
            let answers: Vec<Answer> = queries.iter().map(|query| naive.answer(query)).collect();
            for (query, expected) in queries.iter().zip(&answers) {
                for repetition in ["first", "repeated"] {
                    let answer = ask(&engine, query).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    prop_assert_eq!(&answer, expected, "{} {:?}", repetition, query);
                }
            }
            // With little memory, the rows of a table are exact unless an estimate decides their order.
            let with_few_pairs = LocalEngine::new(Arc::new(Cache::open(&path).unwrap())).with_max_distinct_pairs(3);
            for (query, expected) in queries.iter().zip(&answers) {
                let Ask::Groups { sort, limit: 1.., .. } = query.ask else { continue };
                if !DISTINCT_COUNTS.contains(&sort.by) {
                    prop_assert_eq!(&ask(&with_few_pairs, query).unwrap(), expected, "{:?}, with little memory", query);
                }
            }
            let with_few_pairs = LocalEngine::new(Arc::new(Cache::open(&path).unwrap())).with_max_pairs(3);
            for (query, expected) in queries.iter().zip(&answers) {
                if let Ask::Pairs { .. } = query.ask {
                    prop_assert_eq!(&ask(&with_few_pairs, query).unwrap(), expected, "{:?}, in parts", query);
                }
            }
            // Several threads query the same engine.
            std::thread::scope(|scope| {
                for thread in 0..3 {
                    let (engine, queries, answers) = (&engine, &queries, &answers);
                    scope.spawn(move || {
                        for index in 0..queries.len() {
                            let index = (index + thread * 7) % queries.len();
                            assert_eq!(ask(engine, &queries[index]).unwrap(), answers[index]);
                        }
                    });
                }
            });
        }
    }
}

/// A cache with these lines, and a naive cache with the same lines.
fn caches_of(lines: &[String]) -> (tempfile::TempDir, LocalEngine, NaiveCache) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut filling = Filling::new(&path, 100);
    let mut naive = NaiveCache::default();
    let source = filling.writer.source(SOURCES[0]).unwrap();
    naive.add_source(source.get() as u32, SOURCES[0]);
    filling.append(source, lines);
    filling.writer.commit().unwrap();
    naive.push_lines(source.get() as u32, &filling.last_file(), lines);
    (folder, LocalEngine::new(Arc::new(Cache::open(&path).unwrap())), naive)
}

/// Lines that differ in their time and in one field, which has the value with each of these numbers.
fn lines_with(field: usize, picks: &[u8]) -> Vec<String> {
    let line = |(index, pick): (usize, &u8)| {
        let mut all = [0; 28];
        all[2] = index as u8;
        all[field] = *pick;
        lines::line_of(&all)
    };
    picks.iter().enumerate().map(line).collect()
}

fn query(ask: Ask) -> Query {
    let filter = Filter::everything();
    Query { sources: Vec::new(), time: TimeRange::default(), filter, counting: Counting::AsLogged, ask }
}

fn groups_by(by: Dimension, sorted_by: Measure) -> Query {
    let sort = Sort { by: sorted_by, descending: true };
    query(Ask::Groups { by, more: Vec::new(), sort, limit: 0 })
}

#[test]
fn after_a_pull_only_new_segments_are_profiled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut filling = Filling::new(&path, 100);
    let mut naive = NaiveCache::default();
    let source = filling.writer.source(SOURCES[0]).unwrap();
    naive.add_source(source.get() as u32, SOURCES[0]);
    let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
    let lines = lines_with(7, &(0..=249).collect::<Vec<u8>>());
    // The clients of the second time are others in part.
    let of = |days: std::ops::Range<i64>| {
        let client = |day| (Dimension::Weekday, Value::Integer(day), TimeRange::default());
        query(Ask::Profiles { of: days.map(client).collect() })
    };
    for (new, query, is_repeated) in [
        (&lines[..220], of(1..7), false),
        (&lines[220..], of(1..7), true),
        (&[][..], of(3..8), false),
        (&[][..], of(3..8), true),
    ] {
        let finals = |engine: &LocalEngine| {
            let segments = engine.cache().snapshot().unwrap().segments.clone();
            segments.iter().filter(|segment| segment.is_final).map(|segment| segment.rows as u64).sum::<u64>()
        };
        let known = if is_repeated { finals(&engine) } else { 0 };
        // A full segment, and one that grows.
        for lines in new.chunks(150) {
            filling.append(source, lines);
            naive.push_lines(source.get() as u32, &filling.last_file(), lines);
        }
        filling.writer.commit().unwrap();
        let reply = engine.ask(&query, &CancellationToken::new(), &mut |_, _| {}).unwrap();
        assert_eq!(reply.answer, naive.answer(&query));
        assert_eq!(reply.statistics.rows_scanned, reply.statistics.rows - known);
        assert!(!is_repeated || known > 0);
    }
}

#[test]
fn rows_sorted_by_an_estimate_have_exact_counts_and_are_marked() {
    // 200 addresses request one object each, and one address requests all of them.
    let log: Vec<String> = (0..200u8)
        .flat_map(|number| {
            let line = lines_with(3, &[0]).remove(0);
            let line = line.replace("films/2026/a.mp4", &format!("films/{number}.mp4"));
            [line.replace("203.0.113.7", &format!("198.51.100.{number}")), line]
        })
        .collect();
    let (_folder, engine, naive) = caches_of(&log);
    let engine = engine.with_max_distinct_pairs(20);
    let sort = Sort { by: Measure::Objects, descending: true };
    let more = vec![Measure::Objects, Measure::Addresses];
    let by = Dimension::Field(Field::RemoteIp);
    let query_of = |limit| query(Ask::Groups { by: by.clone(), more: more.clone(), sort, limit });
    let Answer::Groups(top) = ask(&engine, &query_of(2)).unwrap() else { panic!() };
    let Answer::Groups(exact) = naive.answer(&query_of(0)) else { panic!() };
    assert_eq!(top.approximate, [Measure::Objects]);
    assert_eq!((top.rows.len(), top.group_count), (2, 201));
    assert_eq!(top.rows[0], exact.rows[0]);
    assert_eq!(top.rows[0].more, [Some(200.0), Some(1.0)]);
    assert!(exact.rows.contains(&top.rows[1]));

    // Without a limit the counts are estimates, and at least 1 for a group that has an object.
    let Answer::Groups(all) = ask(&engine, &query_of(0)).unwrap() else { panic!() };
    assert_eq!(all.rows.len(), 201);
    assert!(all.approximate.contains(&Measure::Objects));
    assert!(all.rows.iter().all(|row| row.more[0] >= Some(1.0)));
}

#[test]
fn an_empty_or_reversed_time_range_has_an_empty_series() {
    let (_folder, engine, _) = caches_of(&lines_with(3, &[0; 90]));
    for (start, end) in [(START + 2000, START + 2000), (START + 2000, START + 1000)] {
        let mut query = query(Ask::Series { bucket: 60, each: None });
        query.time = TimeRange { start: Some(start), end: Some(end) };
        let Answer::Series(series) = ask(&engine, &query).unwrap() else { panic!() };
        assert_eq!((series.start, series.lines), (0, vec![Vec::new()]));
    }
}

#[test]
fn a_series_of_too_many_buckets_is_an_error_and_allocates_nothing() {
    let mut log = lines_with(3, &[0; 3]);
    log.extend(lines_with(2, &[255])); // 1969
    let (_folder, engine, naive) = caches_of(&log);
    let values: Vec<Value> = (0..50).map(Value::Integer).collect();
    for (bucket, each) in [(60, None), (3600, Some((Dimension::HourOfDay, values)))] {
        let error = ask(&engine, &query(Ask::Series { bucket, each })).unwrap_err().to_string();
        assert!(error.contains("use wider buckets"), "{error}");
    }
    assert!(ask(&engine, &query(Ask::Series { bucket: 3600, each: None })).is_ok());

    // A filter restricts the time range, too.
    let narrow = |text: &str| {
        let filter = Filter::parse(text, 0).unwrap();
        Query { filter, ..query(Ask::Series { bucket: 1, each: None }) }
    };
    for text in ["time>=2026-04-01", "status:200 time>=2026-04-01", "time:2026-04-03 or time:2026-04-04"] {
        let query = narrow(text);
        assert_eq!(ask(&engine, &query).unwrap(), naive.answer(&query), "{text}");
    }
    assert!(ask(&engine, &narrow("time>=2026-04-01 or status:200")).is_err());
}

#[test]
fn sums_saturate_at_64_bits_and_sort_as_the_largest_number() {
    let largest = lines::NUMBERS.iter().position(|number| *number == i64::MAX.to_string()).unwrap() as u8;
    let mut log = lines_with(11, &[largest; 4]);
    log.extend(
        lines_with(11, &[largest, 1, 2]).into_iter().map(|line| line.replace("203.0.113.7", "192.0.2.1")),
    );
    let (_folder, engine, naive) = caches_of(&log);
    let query = groups_by(Dimension::Field(Field::RemoteIp), Measure::BytesSent);
    let answer = ask(&engine, &query).unwrap();
    let Answer::Groups(groups) = &answer else { panic!() };
    assert_eq!(groups.rows[0].stats.bytes_sent, u64::MAX);
    assert_eq!(groups.rows[0].value, Value::from("203.0.113.7"));
    assert_eq!(answer, naive.answer(&query));
}

#[test]
fn a_query_parameter_is_a_dimension_and_a_filter() {
    // 5: x-app=web, 6: x-app=iOs app, 7: x-app without a value; others have no x-app.
    let (_folder, engine, naive) = caches_of(&lines_with(8, &[5, 6, 5, 7, 3, 0, 6, 5]));
    let by = groups_by(param("x-app"), Measure::Requests);
    let answer = ask(&engine, &by).unwrap();
    let Answer::Groups(groups) = &answer else { panic!() };
    let rows: Vec<(String, u64)> =
        groups.rows.iter().map(|row| (row.value.to_text(), row.stats.requests)).collect();
    let expected = [("web", 3), ("iOs app", 2), ("-", 2), ("", 1)];
    assert_eq!(rows, expected.map(|(value, requests)| (value.to_owned(), requests)));
    assert_eq!(answer, naive.answer(&by));

    for (text, requests) in
        [("query_param:x-app=web", 3), ("query_param:x-app", 6), ("param:X-App=1", 2), ("param:x-app:-", 2)]
    {
        let query = Query { filter: Filter::parse(text, 0).unwrap(), ..query(Ask::Totals) };
        let Answer::Totals(totals) = ask(&engine, &query).unwrap() else { panic!() };
        assert_eq!(totals.stats.requests, requests, "{text}");
    }
    assert_eq!(engine.complete(&param("x-app"), "W", 10).unwrap(), ["web"]);
}

/// Lines that servers other than S3 write.
const OTHER_SERVERS: [&str; 7] = [
    "docs media [06/Aug/2026:09:30:25 +0000] 192.0.2.91:54321 docs 0A1B2C3D4E5F6075 REST.GET.OBJECT a.jpg \
     \"GET /media/a.jpg HTTP/1.1\" 200 - 10 0 0 0 \"-\" \"-\" - - SigV4 - AuthHeader localhost:9000 - - -",
    "docs media [06/Aug/2026:09:30:26 +0000] [2001:db8::7]:54321 docs 0A1B2C3D4E5F6076 REST.OBJECT a.jpg \
     \"PATCH /media/a.jpg HTTP/1.1\" 405 Error 10 0 0 0 \"-\" \"-\" - - SigV4 - AuthHeader localhost:9000 - - -",
    "docs docs [06/Aug/2026:09:30:27 +0000] 192.0.2.92 - 0A1B2C3D4E5F6077 WEBSITE.INVALIDOPERATION - \
     \"POST /index.html HTTP/1.1\" 405 MethodNotAllowed 340 - 3 - \"-\" \"curl/8\" - host - - - \
     docs.s3-website-us-east-1.amazonaws.com - - -",
    "docs docs [05/Mar/2009:10:00:00 +0000] ::ffff:192.0.2.91 65a011a29cdf8ec533ec3d1ccaae921c 0A1B2C3D4E5F6090 \
     REST.GET.OBJECT pkg/tool-1.2.zip \"GET /pkg/tool-1.2.zip HTTP/1.1\" 206 - 1000 9000 70 60 \"-\" \"Mozilla/4.0\"",
    "docsroot media [06/February/2026:09:30:25 +0000] 2001:0db8:0:0:0:0:0:7 DOCSACCESSKEY 0A1B2C3D4E5F6071 s3_GetObject \
     photos/cat.jpg /media/photos/cat.jpg 200 - 0 20480 3 3 - aws-cli/2.15.0 - - SigV4 TLS_AES_128_GCM_SHA256 \
     AuthHeader s3.us-east-1.amazonaws.com TLSv1.3 arn:aws:s3:::/media/photos/cat.jpg Yes",
    "docs fish [05/Aug/2026:10:00:09 +0000] REST.PUT.OBJECT reports/a.csv 404 v7Qxample 4cfdfc1f58e762d3e116787cb92fac60",
    "docs media [06/Aug/2026:09:30:28 +0000] - AmazonS3 0A1B2C3D4E5F6078 S3.EXPIRE.OBJECT a \"-\" - - - 1024 - - \"-\" \
     \"-\" - host - - - - -",
];

#[test]
fn an_operation_that_names_no_method_has_the_method_of_the_request_line() {
    let (_folder, engine, naive) = caches_of(&OTHER_SERVERS.map(str::to_owned));
    let by = groups_by(Dimension::Method, Measure::Requests);
    let answer = ask(&engine, &by).unwrap();
    let Answer::Groups(groups) = &answer else { panic!() };
    let mut rows: Vec<(String, u64)> =
        groups.rows.iter().map(|row| (row.value.to_text(), row.stats.requests)).collect();
    rows.sort();
    let expected = [("-", 1), ("GET", 3), ("PATCH", 1), ("POST", 1), ("PUT", 1)];
    assert_eq!(rows, expected.map(|(value, requests)| (value.to_owned(), requests)));
    assert_eq!(answer, naive.answer(&by));
}

#[test]
fn filters_select_the_same_requests_in_the_logs_of_all_servers() {
    let (_folder, engine, naive) = caches_of(&OTHER_SERVERS.map(str::to_owned));
    for (text, requests) in [
        ("op:GET", 3),
        ("method:get", 3),
        ("op:PATCH", 1),
        ("method:POST", 1),
        ("method:GET,PATCH,PUT", 5),
        ("method:POST,PATCH", 2),
        ("-method:GET", 4),
        ("method:-", 1),
        ("method:*", 6),
        ("method:P*", 3),
        ("method:INVALIDOPERATION", 0),
        ("op:INVALIDOPERATION", 1),
        ("op:expire", 1),
        ("op:WEBSITE.INVALIDOPERATION", 1),
        ("ip:192.0.2.91", 2),
        ("ip:192.0.2.0/24", 3),
        ("ip:2001:db8::7", 2),
        ("network:192.0.2.0/24", 3),
        ("network:2001:db8::/48", 2),
        ("requester:-", 3),
        ("status:404", 0),
        ("size=404", 1),
    ] {
        let query = Query { filter: Filter::parse(text, 0).unwrap(), ..query(Ask::Totals) };
        let answer = ask(&engine, &query).unwrap();
        let Answer::Totals(totals) = &answer else { panic!() };
        assert_eq!(totals.stats.requests, requests, "{text}");
        assert_eq!(answer, naive.answer(&query), "{text}");
    }
}

#[test]
fn prefix_lengths_of_networks_for_ipv4_and_ipv6_are_independent() {
    let (_folder, engine, naive) = caches_of(&lines_with(3, &[0, 1, 2, 3, 4, 5]));
    for v4 in [24, 32] {
        let query = groups_by(Dimension::Network { v4, v6: 64 }, Measure::Requests);
        assert_eq!(ask(&engine, &query).unwrap(), naive.answer(&query), "/{v4}");
    }
}

#[test]
fn a_pinned_snapshot_does_not_change_until_it_is_unpinned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut filling = Filling::new(&path, 40);
    let source = filling.writer.source(SOURCES[0]).unwrap();
    let lines = lines_with(3, &[0; 90]);
    filling.append(source, &lines[..50]);
    filling.writer.commit().unwrap();
    let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
    let list = Ask::Requests {
        sort: Sort { by: Field::Time, descending: false },
        offset: 0,
        limit: 0,
        fields: Vec::new(),
    };
    let all = |engine: &LocalEngine| {
        let answers = [Ask::Totals, Ask::Series { bucket: 60, each: None }, list.clone()]
            .map(|of| ask(engine, &query(of)).unwrap());
        let mut rows = Vec::new();
        engine
            .pages(&query(list.clone()), 7, &CancellationToken::new(), &mut |page| {
                rows.extend(page.rows);
                true
            })
            .unwrap();
        let Answer::Requests(requests) = &answers[2] else { panic!() };
        assert_eq!(rows, requests.rows, "the pages have the rows of the whole list");
        (answers, engine.generation())
    };
    let before = all(&engine);
    engine.pin_snapshot(true).unwrap();
    filling.append(source, &lines[50..]);
    let late = "acme media [03/Apr/2026:12:00:00 +0000] 192.0.2.1 - A1 REST.GET.OBJECT late-key \"GET /late-key \
                HTTP/1.1\" 200 - 1 1 1 1 \"-\" \"x\" -";
    filling.append(source, &[late]);
    filling.writer.commit().unwrap();
    assert_eq!(all(&engine), before);
    // Completions ignored that the snapshot is pinned.
    let completions = || engine.complete(&Dimension::Field(Field::Key), "late-key", 10).unwrap();
    assert_eq!(completions(), Vec::<String>::new());
    engine.pin_snapshot(false).unwrap();
    assert_eq!(completions(), ["late-key"]);
    let after = all(&engine);
    assert!(after.1 > before.1);
    assert_ne!(after.0, before.0);
}

#[test]
fn pages_of_one_snapshot_are_consistent_while_requests_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut filling = Filling::new(&path, 40);
    let source = filling.writer.source(SOURCES[0]).unwrap();
    let numbered = |number: i64| {
        let second = number % 60;
        format!(
            "acme media [03/Apr/2026:12:{:02}:{second:02} +0000] 192.0.2.1 - {number:016X} REST.GET.OBJECT k{number} \
             \"GET /k{number} HTTP/1.1\" 200 - 1 1 1 1 \"-\" \"x\" -",
            number / 60
        )
    };
    // Even numbers; odd numbers are added later.
    filling.append(source, &(0..100).map(|n| numbered(n * 2)).collect::<Vec<_>>());
    filling.writer.commit().unwrap();
    let engine = Arc::new(LocalEngine::new(Arc::new(Cache::open(&path).unwrap())));
    let page = |offset| Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask: Ask::Requests {
            sort: Sort { by: Field::Time, descending: false },
            offset,
            limit: 10,
            fields: Vec::new(),
        },
    };
    let keys = |answer: Answer| match answer {
        Answer::Requests(requests) => {
            requests.rows.iter().map(|row| row.get(Field::Key).to_text()).collect::<Vec<_>>()
        }
        _ => panic!(),
    };
    let snapshot = engine.snapshot().unwrap();
    let mut read = Vec::new();
    for offset in (0..100).step_by(10) {
        read.extend(keys(snapshot.ask(&page(offset), &CancellationToken::new()).unwrap().answer));
        // Between requests that were read and requests that follow.
        let between: Vec<String> = (0..10).map(|n| numbered((offset as i64 + n) * 2 + 1)).collect();
        filling.append(source, &between);
        filling.writer.commit().unwrap();
    }
    assert_eq!(read, (0..100).map(|n| format!("k{}", n * 2)).collect::<Vec<_>>());
    // A query without a snapshot reads the current data.
    assert_eq!(keys(ask(&engine, &page(0)).unwrap()), (0..10).map(|n| format!("k{n}")).collect::<Vec<_>>());
}

#[test]
fn hours_and_weekdays_outside_the_calendar_were_groups() {
    let (_folder, engine, naive) = caches_of(&lines_with(3, &[0; 90]));
    for by in [Dimension::HourOfDay, Dimension::Weekday] {
        let wanted = [-1, 0, 1, 5, 7, 8, 12, 23, 24, 31, 1 << 40].map(Value::Integer).to_vec();
        let query = query(Ask::Series { bucket: 3600, each: Some((by.clone(), wanted)) });
        assert_eq!(ask(&engine, &query).unwrap(), naive.answer(&query), "{by:?}");
    }
    assert_eq!(engine.complete(&Dimension::Weekday, "", 50).unwrap(), ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(engine.complete(&Dimension::HourOfDay, "2", 50).unwrap(), ["2", "20", "21", "22", "23", "12"]);
}

#[test]
fn damage_in_a_text_column_was_called_an_invalid_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut filling = Filling::new(&path, 40);
    let source = filling.writer.source(SOURCES[0]).unwrap();
    filling.append(source, &lines_with(3, &[0; 60]));
    drop(filling);
    let damage = "UPDATE column_chunk SET data = zeroblob(length(data)) WHERE id % 64 = ?1";
    rusqlite::Connection::open(&path).unwrap().execute(damage, [Field::RequestUri as i64]).unwrap();
    let engine = LocalEngine::new(Arc::new(Cache::open(&path).unwrap()));
    let query = Query { filter: Filter::parse("request_uri~GET", 0).unwrap(), ..query(Ask::Totals) };
    let error = ask(&engine, &query).unwrap_err();
    assert!(matches!(error, QueryError::Cache(CacheError::Damaged { .. })), "{error:?}");
}
