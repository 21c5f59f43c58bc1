//! The virtual table of `tamarin sql` compared with an ordinary SQLite table of the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use rusqlite::types::Value as Plain;
use tamarin::cache::Cache;
use tamarin::log::{FIELDS, ValueType};
use tamarin::query::sql::{Sql, SqlError, SqlValue};
use tamarin::query::{
    Answer, Ask, Counting, Dimension, Engine, Filter, LocalEngine, Measure, Query, Sort, TimeRange, Value,
};
use tokio_util::sync::CancellationToken;

use crate::support::cases;
use crate::support::filling::Filling;
use crate::support::lines;

/// A query over the whole cache.
fn whole_cache(ask: Ask) -> Query {
    Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask,
    }
}

/// A cache, and an ordinary table of the same rows.
struct Tables {
    sql: Sql,
    plain: rusqlite::Connection,
    engine: Arc<LocalEngine>,
    _folder: tempfile::TempDir,
}

fn rows(sql: &Sql, statement: &str) -> Result<Vec<Vec<SqlValue>>, SqlError> {
    let mut rows = Vec::new();
    sql.run(statement, &mut |_| {}, &mut |row| {
        rows.push(row);
        true
    })?;
    Ok(rows)
}

/// `rowid` and all columns, including the hidden ones.
fn columns() -> String {
    let names: Vec<&str> = FIELDS.iter().map(|spec| spec.name).chain(["time_unix"]).collect();
    format!("rowid, {}", names.join(", "))
}

impl Tables {
    fn new(segment_rows: usize, batches: &[Vec<String>]) -> Tables {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.tamarin");
        let mut filling = Filling::new(&path, segment_rows);
        for (index, lines) in batches.iter().enumerate() {
            let source = filling.writer.source(["s3://acme-logs/a", "s3://acme-logs/b"][index % 2]).unwrap();
            filling.append(source, lines);
            filling.writer.commit().unwrap();
        }
        drop(filling);
        let engine = Arc::new(LocalEngine::new(Arc::new(Cache::open(&path).unwrap())));
        let sql = Sql::new(&engine, whole_cache(Ask::Totals)).unwrap();
        let plain = rusqlite::Connection::open_in_memory().unwrap();
        let declared: Vec<String> = FIELDS
            .iter()
            .map(|spec| {
                let kind = if spec.value == ValueType::Integer { "INTEGER" } else { "TEXT" };
                format!("\"{}\" {kind}", spec.name)
            })
            .collect();
        plain
            .execute_batch(&format!("CREATE TABLE requests ({}, time_unix INTEGER)", declared.join(", ")))
            .unwrap();
        let marks = vec!["?"; FIELDS.len() + 2].join(", ");
        let mut insert =
            plain.prepare(&format!("INSERT INTO requests ({}) VALUES ({marks})", columns())).unwrap();
        for row in rows(&sql, &format!("SELECT {} FROM requests", columns())).unwrap() {
            let row = row.into_iter().map(|value| match value {
                SqlValue::Null => Plain::Null,
                SqlValue::Integer(number) => Plain::Integer(number),
                SqlValue::Real(number) => Plain::Real(number),
                SqlValue::Bytes(bytes) => match String::from_utf8(bytes) {
                    Ok(text) => Plain::Text(text),
                    Err(other) => Plain::Blob(other.into_bytes()),
                },
            });
            insert.execute(rusqlite::params_from_iter(row)).unwrap();
        }
        drop(insert);
        Tables { sql, plain, engine, _folder: folder }
    }

    fn plain(&self, statement: &str) -> Vec<Vec<SqlValue>> {
        let mut prepared = self.plain.prepare(statement).unwrap();
        let count = prepared.column_count();
        let value = |value: Plain| match value {
            Plain::Null => SqlValue::Null,
            Plain::Integer(number) => SqlValue::Integer(number),
            Plain::Real(number) => SqlValue::Real(number),
            Plain::Text(text) => SqlValue::Bytes(text.into_bytes()),
            Plain::Blob(bytes) => SqlValue::Bytes(bytes),
        };
        prepared
            .query_map([], |row| (0..count).map(|index| Ok(value(row.get(index)?))).collect())
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }

    /// The query plan of SQLite for a statement.
    fn plan(&self, statement: &str) -> String {
        let rows = rows(&self.sql, &format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        rows.into_iter().map(|row| format!("{:?}", row[3])).collect()
    }

    /// Whether the engine selects the rows of a statement, so that SQLite need not sort.
    fn is_selected_by_engine(&self, statement: &str) -> bool {
        // "USE TEMP B-TREE FOR ORDER BY"
        let sorts = format!("{:?}", SqlValue::Bytes(b"USE TEMP B-TREE FOR ORDER BY".to_vec()));
        !self.plan(statement).contains(&sorts)
    }

    /// Checks that a statement that sorts by one column returns the same rows from both tables. The order of equal rows is
    /// unspecified.
    fn check(&self, condition: &str, order: &str, direction: &str, limit: &str) -> Result<(), TestCaseError> {
        let tail = format!("FROM requests WHERE {condition} ORDER BY {order} {direction} {limit}");
        let statement = format!("SELECT {order}, {} {tail}", columns());
        let found = rows(&self.sql, &statement).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let keys =
            |rows: &[Vec<SqlValue>]| -> Vec<SqlValue> { rows.iter().map(|row| row[0].clone()).collect() };
        prop_assert_eq!(keys(&found), keys(&self.plain(&statement)), "{}", statement);
        let all = self.plain(&format!("SELECT {} FROM requests WHERE {condition}", columns()));
        let all: BTreeMap<String, Vec<SqlValue>> =
            all.into_iter().map(|row| (format!("{:?}", row[0]), row)).collect();
        let mut seen = BTreeSet::new();
        for row in &found {
            let id = format!("{:?}", row[1]);
            prop_assert_eq!(all.get(&id).map(Vec::as_slice), Some(&row[1..]), "{}", statement);
            prop_assert!(seen.insert(id), "row returned twice: {}", statement);
        }
        // A statement that uses fewer columns reads only those.
        let few = rows(&self.sql, &format!("SELECT {order} {tail}")).unwrap();
        prop_assert_eq!(keys(&few), keys(&found), "{}", statement);
        Ok(())
    }
}

fn condition() -> impl Strategy<Value = String> {
    let one = select(vec![
        "1",
        "key = 'films/2026/a.mp4'",
        "key != 'index'",
        "key LIKE 'films%'",
        "key GLOB 'films/*'",
        "key > 'b'",
        "key = NULL",
        "key = x'ff002e62696e'",
        "key = 'INDEX' COLLATE NOCASE",
        "http_status = 404",
        "http_status = '404'",
        "http_status >= 400",
        "http_status < 403.5",
        "http_status IN (200, 404)",
        "http_status IN (200, '404', NULL)",
        "bytes_sent IS NULL",
        "bytes_sent IS NOT NULL",
        "bytes_sent > 1e3",
        "bytes_sent > 1233.5",
        "bytes_sent >= 1.5",
        "bytes_sent < 7.0",
        "bytes_sent <= 7.25",
        "bytes_sent = 7.5",
        "bytes_sent = 7.0",
        "bytes_sent > 'a'",
        "bytes_sent < 9007199254740993",
        "bytes_sent = 9007199254740992.0",
        "requester IS NULL",
        "requester LIKE '%etl%'",
        "time > '2026-04-03T12'",
        "time <= '2026-04-03T12:00:00Z'",
        "time = '2026-04-03T00:00:00Z'",
        "time = '2026-04-03'",
        "time IN ('2026-04-03T00:00:00Z', '2026')",
        "time < 5",
        "time_unix >= 1775200000.5",
        "time_unix < 1775200000",
        "source = 's3://acme-logs/a'",
        "request_uri LIKE '%x-app%'",
        "rowid > 5",
        "length(key) > 5",
        "(remote_ip = '203.0.113.7' OR http_status = 403)",
        "remote_ip IN ('203.0.113.7', '203.0.113.9')",
        "remote_ip IN (SELECT max(remote_ip) FROM requests)",
    ]);
    prop::collection::vec(one, 1..3).prop_map(|all| all.join(" AND "))
}

fn limit() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "LIMIT 0",
        "LIMIT 1",
        "LIMIT 7",
        "LIMIT 7 OFFSET 3",
        "LIMIT 30 OFFSET 30",
        "LIMIT 5 OFFSET 100000",
        "LIMIT 100000",
        "LIMIT -1",
        "LIMIT -1 OFFSET 4",
        "LIMIT 2 + 3",
        "LIMIT 4 OFFSET 1 + 1",
        "LIMIT 9223372036854775807 OFFSET 2",
        "LIMIT 4 OFFSET -3",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_first_rows_of_an_order_are_those_of_sqlite(
        segment_rows in select(vec![20, 100, 300]),
        batches in prop::collection::vec(lines::lines(1..70), 1..6),
        asked in prop::collection::vec(
            (condition(), 0..FIELDS.len() + 1, select(vec!["", "ASC", "DESC", "DESC NULLS FIRST"]), limit()),
            40,
        ),
    ) {
        let tables = Tables::new(segment_rows, &batches);
        let names: Vec<&str> = FIELDS.iter().map(|spec| spec.name).chain(["time_unix"]).collect();
        for (condition, column, direction, limit) in &asked {
            let column = names[*column];
            tables.check(condition, column, direction, limit)?;
        }
    }
}

/// 200 requests with every value that `lines` generates.
fn some_lines() -> Vec<String> {
    (0..200u8)
        .map(|n| lines::line_of(&std::array::from_fn(|field| n.wrapping_mul(field as u8 * 2 + 1))))
        .collect()
}

#[test]
fn the_engine_selects_rows_only_if_it_evaluates_all_conditions() {
    let mut lines = some_lines();
    lines.retain(|line| !line.contains("%25FF"));
    let tables = Tables::new(50, &[lines]);
    for statement in [
        "SELECT * FROM requests ORDER BY time LIMIT 10",
        "SELECT * FROM requests ORDER BY time DESC LIMIT 10 OFFSET 5",
        "SELECT * FROM requests ORDER BY time_unix DESC LIMIT 10",
        "SELECT * FROM requests ORDER BY time DESC LIMIT 10 OFFSET 100000",
        "SELECT key FROM requests ORDER BY bytes_sent DESC LIMIT 100",
        "SELECT key FROM requests ORDER BY key LIMIT 100",
        "SELECT * FROM requests ORDER BY source LIMIT 10",
        "SELECT * FROM requests WHERE http_status = 403 AND time > '2026-04' ORDER BY bytes_sent LIMIT 10",
        "SELECT * FROM requests WHERE http_status IN (403, 404) ORDER BY http_status LIMIT 10",
    ] {
        assert!(tables.is_selected_by_engine(statement), "{statement}: {}", tables.plan(statement));
    }
    for statement in [
        "SELECT * FROM requests ORDER BY time",
        "SELECT * FROM requests ORDER BY time LIMIT 1000000",
        "SELECT * FROM requests WHERE http_status = 403 ORDER BY time LIMIT 10 OFFSET 100000",
        "SELECT * FROM requests ORDER BY time LIMIT 10 OFFSET 5000000",
        "SELECT * FROM requests ORDER BY time, key LIMIT 10",
        "SELECT * FROM requests ORDER BY time NULLS LAST LIMIT 10",
        "SELECT * FROM requests ORDER BY key COLLATE NOCASE LIMIT 10",
        "SELECT * FROM requests ORDER BY request_uri LIMIT 10",
        "SELECT * FROM requests WHERE key LIKE '%a%' ORDER BY time LIMIT 10",
        "SELECT * FROM requests WHERE length(key) > 5 ORDER BY time LIMIT 10",
    ] {
        assert!(!tables.is_selected_by_engine(statement), "{statement}: {}", tables.plan(statement));
    }
}

#[test]
fn sqlite_sorts_values_that_the_engine_orders_differently() {
    let tables = Tables::new(50, &[some_lines()]);
    // Keys that are not UTF-8.
    let statement = "SELECT * FROM requests ORDER BY key LIMIT 10";
    assert!(!tables.is_selected_by_engine(statement), "{statement}");
    let keys = rows(&tables.sql, "SELECT key FROM requests ORDER BY key DESC LIMIT 200").unwrap();
    assert_eq!(keys, tables.plain("SELECT key FROM requests ORDER BY key DESC LIMIT 200"));
}

#[test]
fn the_engine_selects_rows_in_subqueries() {
    let lines = some_lines();
    let tables = Tables::new(30, &[lines[..90].to_vec(), lines[90..].to_vec()]);
    for statement in [
        "SELECT (SELECT max(bytes_sent) FROM (SELECT r.bytes_sent FROM requests r
                WHERE r.remote_ip = q.remote_ip ORDER BY r.time LIMIT 100)) AS best
            FROM requests q ORDER BY q.rowid",
        "SELECT (SELECT r.time FROM requests r WHERE r.http_status = q.http_status ORDER BY r.time DESC LIMIT 1)
            FROM requests q ORDER BY q.rowid",
        "SELECT (SELECT r.time FROM requests r WHERE r.key = q.key ORDER BY r.time LIMIT 1 OFFSET 1)
            FROM requests q ORDER BY q.rowid",
        "SELECT count(*), min(time) FROM (SELECT * FROM requests ORDER BY time DESC LIMIT 20)",
        "SELECT time FROM (SELECT time FROM requests ORDER BY time LIMIT 3)
            UNION ALL SELECT time FROM (SELECT time FROM requests ORDER BY time DESC LIMIT 3)",
        "SELECT time FROM requests WHERE http_status = 200 UNION ALL
            SELECT time FROM requests WHERE http_status = 404 ORDER BY time LIMIT 9 OFFSET 2",
        "SELECT DISTINCT bytes_sent FROM requests ORDER BY bytes_sent LIMIT 4",
        "SELECT bytes_sent, count(*) FROM requests GROUP BY bytes_sent ORDER BY bytes_sent DESC LIMIT 4",
        "SELECT max(bytes_sent) FROM requests ORDER BY bytes_sent LIMIT 1",
        "SELECT bytes_sent, row_number() OVER (ORDER BY bytes_sent) n FROM requests ORDER BY bytes_sent LIMIT 5",
        "SELECT a.time FROM requests a JOIN requests b ON b.rowid = a.rowid ORDER BY a.time LIMIT 5",
        "SELECT time FROM requests WHERE rowid IN (SELECT rowid FROM requests ORDER BY bytes_sent DESC LIMIT 500)
            ORDER BY time LIMIT 5",
    ] {
        assert_eq!(rows(&tables.sql, statement).unwrap(), tables.plain(statement), "{statement}");
    }
}

#[test]
fn query_param_in_sql_equals_the_dimension() {
    let tables = Tables::new(50, &[some_lines()]);
    let dimension = Dimension::QueryParam { name: "x-app".to_owned() };
    let sort = Sort { by: Measure::Requests, descending: true };
    let ask = Ask::Groups { by: dimension, more: Vec::new(), sort, limit: 0 };
    let reply = tables.engine.ask(&whole_cache(ask), &CancellationToken::new(), &mut |_, _| {}).unwrap();
    let Answer::Groups(groups) = reply.answer else { panic!("expected groups") };
    let expected: BTreeMap<String, u64> = groups
        .rows
        .iter()
        .map(|row| {
            let value = match &row.value {
                Value::Absent => SqlValue::Null,
                Value::Integer(number) => SqlValue::Integer(*number),
                Value::Text(text) => SqlValue::Bytes(text.to_vec()),
            };
            (format!("{value:?}"), row.stats.requests)
        })
        .collect();
    assert!(expected.len() > 2, "{expected:?}");
    let found = rows(
        &tables.sql,
        "SELECT query_param(request_uri, 'x-app') app, count(*) FROM requests GROUP BY app",
    );
    let found: BTreeMap<String, u64> = found
        .unwrap()
        .iter()
        .map(|row| {
            let SqlValue::Integer(count) = row[1] else { panic!("expected a number") };
            (format!("{:?}", row[0]), count as u64)
        })
        .collect();
    assert_eq!(found, expected);

    let one =
        |expression: &str| rows(&tables.sql, &format!("SELECT {expression}")).map(|rows| rows[0][0].clone());
    assert_eq!(one("query_param('GET /a?x=%41 HTTP/1.1', 'x')").unwrap(), SqlValue::Bytes(b"A".to_vec()));
    assert_eq!(one("query_param('GET /a?x HTTP/1.1', 'x')").unwrap(), SqlValue::Bytes(Vec::new()));
    assert_eq!(one("typeof(query_param('GET /a?x=%ff', 'x'))").unwrap(), SqlValue::Bytes(b"blob".to_vec()));
    for expression in ["query_param(NULL, 'x')", "query_param('GET /a?x=1', NULL)", "query_param(7, 'x')"] {
        assert_eq!(one(expression).unwrap(), SqlValue::Null, "{expression}");
    }
    for expression in ["query_param('GET /a?x=1', '')", "query_param('GET /a?x=1', 7)"] {
        let error = one(expression).unwrap_err().to_string();
        assert!(error.contains("as in query_param(request_uri, 'x-user')"), "{expression}: {error}");
    }
}
