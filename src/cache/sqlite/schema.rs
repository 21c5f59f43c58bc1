//! The tables of a cache.

/// `application_id` of a cache: "TAMR".
pub const APPLICATION_ID: i64 = 0x5441_4d52;

/// `user_version` of a cache: the number of its format (docs/cache-format.md).
pub const FORMAT: i64 = 3;

pub const TABLES: &str = "
-- What no row can say of itself: one row. newest_segment: the largest id that a segment ever had. segments,
-- sources, log_files, removed: the digests of these tables. dictionaries: how many values each dictionary has,
-- 32 bits for each dimension in the order of the fields. crc: checksum of the columns before it.
CREATE TABLE root (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    newest_segment INTEGER NOT NULL,
    segments       INTEGER NOT NULL,
    sources        INTEGER NOT NULL,
    log_files      INTEGER NOT NULL,
    removed        INTEGER NOT NULL,
    dictionaries   BLOB NOT NULL,
    crc            INTEGER NOT NULL
) STRICT;

-- A place that log files come from. next_row numbers its requests. monitored: pulled when no source is
-- named. paused: 1 not pulled unless it is named, 2 the same since monitoring it was given up. purged: log files of
-- it were deleted where they came from.
CREATE TABLE source (
    id         INTEGER PRIMARY KEY,
    uri        TEXT NOT NULL UNIQUE,
    added      INTEGER NOT NULL,
    last_pull  INTEGER,
    monitored  INTEGER NOT NULL,
    paused     INTEGER NOT NULL,
    next_row   INTEGER NOT NULL,
    purged     INTEGER NOT NULL,
    crc        INTEGER NOT NULL
) STRICT;

-- A log file that was read. state: 0 in part, 1 to its end, 2 holds no log lines. version, size, lines, requests,
-- duplicates and rejected are those of one version, the reading of which has this number (generation).
-- kept_generation: what readings up to this one gave stays: log files of this name were deleted at their source.
-- pruned_before: requests of it before that time were pruned. The digests are those of its rows in log_file_part,
-- log_file_rows and rejected_line.
CREATE TABLE log_file (
    id              INTEGER PRIMARY KEY,
    source_id       INTEGER NOT NULL REFERENCES source(id),
    name            TEXT NOT NULL,
    version         TEXT,
    size            INTEGER,
    state           INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    kept_generation INTEGER NOT NULL,
    lines           INTEGER NOT NULL,
    requests        INTEGER NOT NULL,
    duplicates      INTEGER NOT NULL,
    rejected        INTEGER NOT NULL,
    pruned_before   INTEGER,
    parts_digest    INTEGER NOT NULL,
    rows_digest     INTEGER NOT NULL,
    rejected_digest INTEGER NOT NULL,
    crc             INTEGER NOT NULL,
    UNIQUE (source_id, name)
) STRICT;

-- Lines of a log file in state 0 that are in the cache already.
CREATE TABLE log_file_part (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    first_line  INTEGER NOT NULL,
    lines       INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    PRIMARY KEY (log_file_id, first_line)
) STRICT, WITHOUT ROWID;

-- Which lines of a log file gave which requests of its source, by reading (generation) and commit (part). Those of
-- earlier readings are there until one comes to its end.
CREATE TABLE log_file_rows (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    generation  INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    runs        BLOB NOT NULL,
    PRIMARY KEY (log_file_id, generation, part)
) STRICT, WITHOUT ROWID;

-- Lines that are no record, byte for byte. line counts from 1; number counts those of one line from 0.
CREATE TABLE rejected_line (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    line        INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    content     BLOB NOT NULL,
    PRIMARY KEY (log_file_id, line, number)
) STRICT, WITHOUT ROWID;

-- The values of each dimension. Ids are dense from 1 in order of first sight; 0 is absent and not here.
-- crc: checksum of the value, dimension and id.
CREATE TABLE dictionary (
    dimension INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    value     BLOB NOT NULL,
    PRIMARY KEY (dimension, id)
) STRICT, WITHOUT ROWID;

-- A batch of requests of one source. It covers the numbers first_row .. first_row + numbers; gone says which of
-- these no request has any more. bytes: of its columns. Never changed; the last one of a source is replaced while it is small.
CREATE TABLE segment (
    id        INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source(id),
    first_row INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    numbers   INTEGER NOT NULL,
    time_min  INTEGER NOT NULL,
    time_max  INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    gone      BLOB
) STRICT;

-- One column of a segment. id = segment × 64 + number of the field. low and high bound its integers.
-- data_crc: checksum of the data; of text, of its directory, which has that of each page. crc: that of
-- id, low, high and data_crc. presence: which values it has, where that is worth knowing.
CREATE TABLE column_chunk (
    id       INTEGER PRIMARY KEY,
    low      INTEGER NOT NULL,
    high     INTEGER NOT NULL,
    crc      INTEGER NOT NULL,
    data_crc INTEGER NOT NULL,
    presence BLOB,
    data     BLOB NOT NULL
) STRICT;

-- Numbers of requests that were removed with their whole segment.
CREATE TABLE removed (
    source_id INTEGER NOT NULL REFERENCES source(id),
    first_row INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    PRIMARY KEY (source_id, first_row)
) STRICT, WITHOUT ROWID;
";

/// Id of a row in `column_chunk`.
pub fn chunk_id(segment: i64, field: crate::log::Field) -> i64 {
    segment * 64 + field as i64
}
