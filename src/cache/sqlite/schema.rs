//! The tables of a cache.

/// `application_id` of a cache: "TAMR".
pub(crate) const APPLICATION_ID: i64 = 0x5441_4d52;
/// `user_version` of a cache: the number of its format (docs/cache-format.md).
pub(crate) const FORMAT: i64 = 3;

pub(crate) const TABLES: &str = "
-- Counts and digests over all tables: one row. newest_segment: the largest id that a segment ever had. segments,
-- sources, log_files, removed: the digests of these tables. dictionaries: the number of values of each dictionary,
-- 32 bits per dimension in the order of the fields. crc: checksum of the columns before it.
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

-- A source of log files. next_row: the next row number. monitored: pulled when no source is named. paused: pulled only
-- if it is named; 1 for the time being, 2 because its monitoring was ended. purged: log files were deleted there.
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

-- A log file that was read. state: 0 in part, 1 to its end, 2 has no log lines. version, size, lines, requests,
-- duplicates and rejected describe one version, whose reading has the number generation.
-- kept_generation: what readings up to this one gave stays, because the log file was deleted at its source.
-- pruned_before: requests before this time were pruned. The digests are those of the rows in log_file_part,
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

-- Lines of a log file in state 0 that are committed.
CREATE TABLE log_file_part (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    first_line  INTEGER NOT NULL,
    lines       INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    PRIMARY KEY (log_file_id, first_line)
) STRICT, WITHOUT ROWID;

-- Which lines of a log file gave which requests, by reading (generation) and commit (part). Rows of earlier readings
-- stay until another reading reaches its end.
CREATE TABLE log_file_rows (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    generation  INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    runs        BLOB NOT NULL,
    PRIMARY KEY (log_file_id, generation, part)
) STRICT, WITHOUT ROWID;

-- Rejected lines. line counts from 1; number counts the rejected records of one line from 0.
CREATE TABLE rejected_line (
    log_file_id INTEGER NOT NULL REFERENCES log_file(id) DEFERRABLE INITIALLY DEFERRED,
    line        INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    content     BLOB NOT NULL,
    PRIMARY KEY (log_file_id, line, number)
) STRICT, WITHOUT ROWID;

-- The values of each dimension. Ids are dense from 1, in order of first sight; 0 means absent and has no row.
-- crc: checksum of the value, dimension and id.
CREATE TABLE dictionary (
    dimension INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    value     BLOB NOT NULL,
    PRIMARY KEY (dimension, id)
) STRICT, WITHOUT ROWID;

-- A segment. It covers the row numbers first_row .. first_row + numbers; gone: those that were removed. bytes: of its
-- columns. Rows never change; the last segment of a source is replaced while it is not full.
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

-- A column of a segment. id = segment × 64 + number of the field. low and high bound its integers. data_crc: checksum of
-- the data; for text that of its directory, which has the checksums of the pages. crc: checksum of id, low, high and
-- data_crc. presence: its value set, where that says more than the bounds.
CREATE TABLE column_chunk (
    id       INTEGER PRIMARY KEY,
    low      INTEGER NOT NULL,
    high     INTEGER NOT NULL,
    crc      INTEGER NOT NULL,
    data_crc INTEGER NOT NULL,
    presence BLOB,
    data     BLOB NOT NULL
) STRICT;

-- Row numbers of requests whose whole segment was removed.
CREATE TABLE removed (
    source_id INTEGER NOT NULL REFERENCES source(id),
    first_row INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    PRIMARY KEY (source_id, first_row)
) STRICT, WITHOUT ROWID;
";

/// Id of a row in `column_chunk`.
pub(crate) fn chunk_id(segment: crate::cache::SegmentId, field: crate::log::Field) -> i64 {
    segment.get() * 64 + field as i64
}
