//! `tamarin sql`: what it selects, and what it refuses.

use crate::home::Home;

#[test]
fn sql_selects_from_the_cache() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    let sql = |statement: &str| home.rows(&["sql", statement]);
    let count = |condition: &str| {
        let rows = sql(&format!("SELECT count(*) n FROM requests WHERE {condition}"));
        rows[0]["n"].as_u64().unwrap()
    };
    assert_eq!(sql("SELECT * FROM requests ORDER BY time"), home.rows(&["requests"]));
    for (condition, expected) in [
        ("1", 3),
        ("key = 'a b.mp4'", 1),
        ("key > 'b'", 2),
        ("key LIKE '%.MP4'", 3),
        ("key = 'A B.MP4' COLLATE NOCASE", 1),
        ("key = 7", 0),
        ("key IN ('a b.mp4', 'c.mp4', NULL)", 3),
        ("key NOT IN ('a b.mp4')", 2),
        ("key = x'63'", 0),
        ("http_status = 404", 1),
        ("http_status = '404'", 1),
        ("http_status IN (200, '404')", 3),
        ("http_status >= 400 AND remote_ip = '203.0.113.7'", 1),
        ("http_status < 404.5 AND http_status > 200", 1),
        ("requester IS NULL", 1),
        ("requester IS NOT NULL", 2),
        ("requester = NULL", 0),
        ("requester LIKE '%/etl/%'", 2),
        ("bytes_sent IS NULL", 1),
        ("bytes_sent > 1000", 1),
        ("bytes_sent BETWEEN 1000 AND 3000", 2),
        ("bytes_sent > -5", 2),
        ("bytes_sent = 9223372036854775807", 0),
        ("time >= '2026-04-01T01:01:40Z'", 2),
        ("time > '2026-04-01T01:01:40Z'", 1),
        ("time < '2026-04-01T01:01:40Z'", 1),
        ("time <= '2026-04-01T01:01:40Z'", 2),
        ("time = '2026-04-01T01:01:40Z'", 1),
        ("time >= '2026-04-01' AND time < '2026-04-02'", 3),
        ("time LIKE '2026-04-01T01%'", 1),
        ("time < 'zzz' AND time > '1'", 3),
        ("time_unix = 1775001660", 1),
        ("time_unix - unixepoch(time) = 0", 3),
        ("source LIKE 'file:%' OR source LIKE '%logs%'", 3),
        ("request_uri LIKE 'GET /c.mp4 %'", 2),
        ("key_logged = 'a%2520b.mp4'", 1),
        ("rowid = (SELECT max(rowid) FROM requests)", 1),
        ("key = 'a b.mp4' OR http_status = 404", 2),
    ] {
        assert_eq!(count(condition), expected, "{condition}");
    }
    let rows = sql("SELECT a.key, b.operation, a.bytes_sent / 2.0 half FROM requests a JOIN requests b \
         ON b.key = a.key AND b.time_unix > a.time_unix");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["key"], &rows[0]["operation"]), (&"c.mp4".into(), &"REST.PUT.OBJECT".into()));
    let rows = home.rows(&["sql", "SELECT sum(bytes_sent) / 8.0 s FROM requests", "--filter", "op:PUT"]);
    assert_eq!(rows[0]["s"], 375.0);
    let table = home.succeeds(&["sql", "SELECT key FROM requests", "--top", "2"]);
    assert!(table.contains("KEY") && table.contains("the first 2 rows"), "{table}");
    assert_eq!(home.succeeds(&["sql", "SELECT 1 a, 'x,y' b", "--format", "csv"]), "a,b\n1,\"x,y\"\n");
    assert_eq!(home.succeeds(&["sql", "SELECT 1 WHERE 0", "--format", "json"]), "[]\n");
}

#[test]
fn sql_accepts_only_select() {
    let home = Home::new();
    home.succeeds(&["pull", "logs", "-q"]);
    for statement in [
        "DELETE FROM requests",
        "INSERT INTO requests (key) VALUES ('x')",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t AS SELECT * FROM requests",
        "ATTACH 'other.db' AS o",
        "PRAGMA table_info(requests)",
        "SELECT * FROM pragma_database_list",
        "VACUUM INTO 'copy.db'",
        "BEGIN",
        "",
        "SELECT 1; SELECT 2",
        "SELECT ?",
    ] {
        home.fails_in_one_line(2, &["sql", statement]);
    }
    assert!(home.fails_in_one_line(2, &["sql", "DELETE FROM requests"]).contains("may not be modified"));
    let text = home.fails_in_one_line(2, &["sql", "SELECT kee FROM requests"]);
    assert!(text.contains("column 8: no such column: kee"), "{text}");
    assert!(home.fails_in_one_line(2, &["sql", "SELEC 1"]).contains("syntax error"));
    assert!(home.fails_in_one_line(2, &["sql", "SELECT 1", "--sort", "key"]).contains("ORDER BY"));
    assert!(home.fails_in_one_line(1, &["sql", "SELECT abs(-9223372036854775808)"]).contains("overflow"));
    assert!(!home.path("other.db").exists() && !home.path("copy.db").exists());
    assert!(home.succeeds(&["help", "sql"]).contains("time_unix"));
}
