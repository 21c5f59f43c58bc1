//! Recognizes files that are not S3 server access logs, by their first bytes and their first line.
//!
//! Only known kinds are recognized: a log may have NUL bytes and invalid UTF-8.

use crate::log::structured::{framing, schema};

/// A kind of file that is not an S3 server access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignKind {
    /// One file of this kind, with an article.
    pub singular: &'static str,
    /// Several files of this kind.
    pub plural: &'static str,
    /// What the user can do.
    pub advice: &'static str,
}

const fn kind(singular: &'static str, plural: &'static str) -> ForeignKind {
    let advice = "name log files that S3 server access logging wrote, or their folder";
    ForeignKind { singular, plural, advice }
}

const fn packed(singular: &'static str, plural: &'static str) -> ForeignKind {
    ForeignKind { singular, plural, advice: "unpack it and name its contents" }
}

const CLOUDFRONT: ForeignKind = kind("a CloudFront log", "CloudFront logs");
const CLOUDTRAIL: ForeignKind = kind("a CloudTrail log", "CloudTrail logs");
const LOAD_BALANCER: ForeignKind = kind("a load balancer log", "load balancer logs");
const WAF: ForeignKind = kind("an AWS WAF log", "AWS WAF logs");
const FLOW: ForeignKind = kind("a VPC flow log", "VPC flow logs");
const WEB_SERVER: ForeignKind = kind("a web server log", "web server logs");
const GOOGLE: ForeignKind = kind("a Google Cloud Storage usage log", "Google Cloud Storage usage logs");
const JSON: ForeignKind = kind("a JSON file", "JSON files");
const XML: ForeignKind = kind("an XML document", "XML documents");
const HTML: ForeignKind = kind("an HTML page", "HTML pages");
const TAR: ForeignKind = packed("a tar archive", "tar archives");
const ZIP: ForeignKind = packed("a zip archive", "zip archives");

/// Kinds by their first bytes.
const BY_BYTES: &[(&[u8], ForeignKind)] = &[
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"BZh", packed("a bzip2 file", "bzip2 files")),
    (b"\xfd7zXZ\0", packed("an xz file", "xz files")),
    (b"7z\xbc\xaf\x27\x1c", packed("a 7-Zip archive", "7-Zip archives")),
    (b"\x04\x22\x4d\x18", packed("an LZ4 file", "LZ4 files")),
    (b"Rar!", packed("a RAR archive", "RAR archives")),
    (b"LZIP", packed("an lzip file", "lzip files")),
    (b"\x1f\x9d", packed("a compress (.Z) file", "compress (.Z) files")),
    (b"\xff\x06\0\0sNaPpY", packed("a Snappy file", "Snappy files")),
    // The content was decompressed once already.
    (b"\x1f\x8b", packed("a file that is compressed twice", "files that are compressed twice")),
    (b"\x28\xb5\x2f\xfd", packed("a file that is compressed twice", "files that are compressed twice")),
    (b"PAR1", kind("a Parquet file", "Parquet files")),
    (b"ORC", kind("an ORC file", "ORC files")),
    (b"Obj\x01", kind("an Avro file", "Avro files")),
    (b"SQLite format 3\0", kind("an SQLite database", "SQLite databases")),
    (b"%PDF-", kind("a PDF document", "PDF documents")),
    (b"\x89PNG\r\n", kind("a picture", "pictures")),
    (b"\xff\xd8\xff", kind("a picture", "pictures")),
    (b"GIF8", kind("a picture", "pictures")),
    (b"RIFF", kind("a picture, sound or film", "pictures, sounds or films")),
    (b"\x7fELF", kind("a program", "programs")),
    (b"\xcf\xfa\xed\xfe", kind("a program", "programs")),
    (b"MZ\x90\x00", kind("a program", "programs")),
    (b"wOF2", kind("a font", "fonts")),
    // macOS puts these into folders and archives.
    (b"\0\0\0\x01Bud1", kind("a file manager's metadata file", "file manager metadata files")),
    (b"\0\x05\x16\x07", kind("a file manager's metadata file", "file manager metadata files")),
];

/// The kind of a Parquet file without some of the columns that every record has: a `bucket_name` or `bucket_arn`, a
/// `request_time` and an `operation`.
pub fn parquet_without(columns: &[&str]) -> ForeignKind {
    macro_rules! without {
        ($columns:literal) => {
            ForeignKind {
                singular: concat!("a Parquet file without the ", $columns),
                plural: concat!("Parquet files without the ", $columns),
                advice: "name Parquet files with the columns of S3 server access logs, schema V_1_0",
            }
        };
    }
    match columns {
        ["bucket_name"] => without!("column bucket_name or bucket_arn"),
        ["request_time"] => without!("column request_time"),
        ["operation"] => without!("column operation"),
        ["bucket_name", "request_time"] => without!("columns bucket_name and request_time"),
        ["bucket_name", "operation"] => without!("columns bucket_name and operation"),
        ["request_time", "operation"] => without!("columns request_time and operation"),
        _ => without!("columns bucket_name, request_time and operation"),
    }
}

/// The kind of a file whose decompressed content begins with `first`. `None`: it may be a log.
pub fn by_bytes(first: &[u8]) -> Option<ForeignKind> {
    if super::archive::is_tar(first) {
        return Some(TAR);
    }
    if let Some(kind) = by_code_units(first) {
        return Some(kind);
    }
    let found = BY_BYTES.iter().find(|(magic, _)| first.starts_with(magic));
    // A log may begin with these letters: the name of a bucket owner.
    found.map(|(_, kind)| *kind).filter(|_| !first.starts_with(b"ORC ") && !first.starts_with(b"LZIP "))
}

/// The kind of a text in UTF-16 or UTF-32: its first characters are of ASCII, with zeros between them.
fn by_code_units(first: &[u8]) -> Option<ForeignKind> {
    const UTF16: ForeignKind = ForeignKind {
        singular: "a text file in UTF-16",
        plural: "text files in UTF-16",
        advice: "convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8",
    };
    const UTF32: ForeignKind = ForeignKind {
        singular: "a text file in UTF-32",
        plural: "text files in UTF-32",
        advice: "convert it to UTF-8, for example with iconv -f UTF-32 -t UTF-8",
    };
    const MIN_CHARACTERS: usize = 4;
    const MAX_CHARACTERS: usize = 16;
    // Width of a code unit, and which of its bytes has the character.
    for (kind, width, at) in [(UTF32, 4, 0), (UTF32, 4, 3), (UTF16, 2, 0), (UTF16, 2, 1)] {
        let is_ascii = |unit: &[u8]| {
            unit.iter().enumerate().all(|(index, byte)| match index == at {
                true => byte.is_ascii_graphic() || byte.is_ascii_whitespace(),
                false => *byte == 0,
            })
        };
        let is_mark = |unit: &[u8]| {
            let mark = if at == 0 { [0xff, 0xfe] } else { [0xfe, 0xff] };
            let (mark_at, zeros) = if at == 0 { (0, 2..width) } else { (width - 2, 0..width - 2) };
            unit.get(mark_at..mark_at + 2) == Some(&mark)
                && unit.get(zeros).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
        };
        let mut units = first.chunks_exact(width).take(MAX_CHARACTERS).skip_while(|unit| is_mark(unit));
        let count = units.clone().count();
        if count >= MIN_CHARACTERS && units.all(is_ascii) {
            return Some(kind);
        }
    }
    None
}

/// Bytes that are searched for field names.
const MAX_SEARCHED_BYTES: usize = 8 << 10;

/// The kind of a text that begins with `first`. `None`: it may be a log.
pub fn by_lines(first: &[u8]) -> Option<ForeignKind> {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    let text = &text[..text.len().min(MAX_SEARCHED_BYTES)];
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    if [&b"#Version:"[..], b"#Fields:", b"#Software:"].iter().any(|start| line.starts_with(start)) {
        return Some(if has(b"x-edge-") { CLOUDFRONT } else { WEB_SERVER });
    }
    if is_json(framing::skip_to_object(text).unwrap_or(text)) {
        if schema::has_names(text) {
            return None;
        }
        let is_trail = has(b"\"eventVersion\"") || has(b"\"awsAccountId\"") && has(b"\"digestStartTime\"");
        return Some(match () {
            () if is_trail || text.starts_with(b"{\"Records\":[") => CLOUDTRAIL,
            () if has(b"\"x-edge-location\"") => CLOUDFRONT,
            () if has(b"\"webaclId\"") => WAF,
            () => JSON,
        });
    }
    let lower = line[..line.len().min(16)].to_ascii_lowercase();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Some(HTML);
    }
    match line {
        _ if line.starts_with(b"<?xml") => Some(XML),
        _ if line.starts_with(b"\"time_micros\",") => Some(GOOGLE),
        _ => by_words(line),
    }
}

/// The kind of a line that has certain words in certain positions.
fn by_words(line: &[u8]) -> Option<ForeignKind> {
    let columns: Vec<&[u8]> = line.split(|byte| *byte == b'\t').take(10).collect();
    if let [date, time, _, bytes, .., _] = columns.as_slice()
        && columns.len() == 10
        && is_like(date, b"0000-00-00")
        && is_like(time, b"00:00:00")
        && bytes.iter().all(u8::is_ascii_digit)
    {
        return Some(CLOUDFRONT);
    }
    let mut words = line.split(|byte| *byte == b' ');
    let words: [&[u8]; 6] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let is_instant = |word: &[u8]| word.get(..19).is_some_and(|word| is_like(word, b"0000-00-00T00:00:00"));
    let has_port = |word: &[u8]| word == b"-" || word.contains(&b':');
    match words {
        [b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss", time, ..] if is_instant(time) => {
            Some(LOAD_BALANCER)
        }
        [b"tls", b"1.0" | b"2.0", time, ..] if is_instant(time) => Some(LOAD_BALANCER),
        [time, _, client, target, seconds, _]
            if is_instant(time)
                && client.contains(&b':')
                && has_port(target)
                && seconds.first().is_some_and(|first| first.is_ascii_digit() || *first == b'-') =>
        {
            Some(LOAD_BALANCER)
        }
        [b"version", b"account-id", ..] => Some(FLOW),
        [b"2" | b"3" | b"4" | b"5", account, interface, ..]
            if is_like(account, b"000000000000") && interface.starts_with(b"eni-") =>
        {
            Some(FLOW)
        }
        [_, b"-", _, date, zone, request]
            if date.get(..21).is_some_and(|date| is_like(date, b"[00/aaa/0000:00:00:00"))
                && zone.ends_with(b"]")
                && request.starts_with(b"\"") =>
        {
            Some(WEB_SERVER)
        }
        _ => None,
    }
}

/// Whether `text` has digits where `form` has `0`, letters where it has `a`, and otherwise equal bytes.
fn is_like(text: &[u8], form: &[u8]) -> bool {
    text.len() == form.len()
        && text.iter().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_alphabetic(),
            form => byte == form,
        })
}

fn is_json(text: &[u8]) -> bool {
    let inner = |rest: &[u8]| rest.trim_ascii_start().first().copied();
    match text {
        [b'{', rest @ ..] => matches!(inner(rest), Some(b'"' | b'}')),
        [b'[', rest @ ..] => matches!(inner(rest), Some(b'{')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn possible_logs_have_no_kind() {
        for log in [
            &b""[..],
            b"79a59df900b949e5 acme [06/Feb/2019:00:00:38 +0000]",
            b"\0\0\0 79a59df900b949e5",
            b"\xff\xfe\xc3\x28",
            b"\xff\xfe",
            b"7\x00009a59df9",
            b"ORC acme [06/Feb/2019:00:00:38 +0000]",
            b"docs media [06/Aug/2026:09:30:25 +0000] 192.0.2.91:54321 docs 0A1B - \"GET /\"",
            b"log starts 2026-02-06 09:30:25.123456789 +0000 UTC m=+0.012345678",
            b"# a comment",
            b"These are the logs of the media bucket.",
            b"{\"bucket_name\": \"media\", \"request_time\": \"2026-08-06T09:30:25.123Z\", \"operation\": \"x\"}",
            b"2026-08-06T09:30:25.123Z {\"bucket_arn\":\"a:80\",\"request_time\":\"x\",\"operation\":\"x\"}",
            b"{\"message\":\"{\\\"bucket_arn\\\":\\\"a\\\",\\\"request_time\\\":\\\"x\\\",\\\"operation\\\":1}\"}",
        ] {
            assert_eq!(by_bytes(log), None, "{}", log.escape_ascii());
            assert_eq!(by_lines(log), None, "{}", log.escape_ascii());
        }
    }

    #[test]
    fn binary_files_are_recognized_by_their_first_bytes() {
        for (first, kind) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "a picture"),
            (b"PAR1\x15\x04", "a Parquet file"),
            (b"PK\x03\x04\x14", "a zip archive"),
            (b"\x7fELF\x02", "a program"),
            (b"%PDF-1.7", "a PDF document"),
            (b"BZh91AY&SY", "a bzip2 file"),
            (b"\xfd7zXZ\0\0\x04", "an xz file"),
            (b"\x1f\x8b\x08", "a file that is compressed twice"),
        ] {
            assert_eq!(by_bytes(first).map(|found| found.singular), Some(kind));
        }
    }

    #[test]
    fn a_text_in_utf_16_was_a_file_without_log_lines() {
        let text = "79a59df900b949e5 acme [06/Feb/2019:00:00:38 +0000]";
        let units = |mark: bool| mark.then_some(0xfeff).into_iter().chain(text.chars().map(u32::from));
        for mark in [false, true] {
            let little: Vec<u8> = units(mark).flat_map(|unit| (unit as u16).to_le_bytes()).collect();
            let big: Vec<u8> = units(mark).flat_map(|unit| (unit as u16).to_be_bytes()).collect();
            for text in [little, big] {
                assert_eq!(by_bytes(&text).map(|found| found.singular), Some("a text file in UTF-16"));
            }
            let little: Vec<u8> = units(mark).flat_map(u32::to_le_bytes).collect();
            let big: Vec<u8> = units(mark).flat_map(u32::to_be_bytes).collect();
            for text in [little, big] {
                assert_eq!(by_bytes(&text).map(|found| found.singular), Some("a text file in UTF-32"));
            }
        }
    }

    #[test]
    fn logs_of_other_services_are_recognized_by_their_first_line() {
        for (first, kind) in [
            ("#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip", "a CloudFront log"),
            (
                "2026-08-05\t10:00:00\tDOC50-P1\t1000\t192.0.2.39\tGET\td.cloudfront.net\t/\t200\t-\tx",
                "a CloudFront log",
            ),
            ("#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0", "a web server log"),
            ("192.0.2.1 - ann [10/Oct/2026:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326", "a web server log"),
            (
                "https 2026-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 192.0.2.1:2817 198.51.100.1:80",
                "a load balancer log",
            ),
            (
                "tls 2.0 2026-12-20T02:59:40 net/network-lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.1:51341",
                "a load balancer log",
            ),
            (
                "2026-05-13T23:39:43.945958Z my-lb 192.0.2.1:2817 198.51.100.1:80 0.000073 0.001048 200",
                "a load balancer log",
            ),
            ("{\"Records\":[{\"eventVersion\":\"1.09\",\"eventSource\":\"s3\"}]}", "a CloudTrail log"),
            ("2026-08-06T09:30:25.123Z {\"a\": \"b:80\", \"c\": 1}", "a JSON file"),
            ("{\"message\":\"hello\"}", "a JSON file"),
            ("{\"timestamp\":1,\"formatVersion\":1,\"webaclId\":\"x\"}", "an AWS WAF log"),
            ("[ {\"a\": 1} ]", "a JSON file"),
            ("2 123456789012 eni-1235b8ca123456789 192.0.2.1 192.0.2.2 20641 22 6", "a VPC flow log"),
            ("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML document"),
            ("\u{feff}<!DOCTYPE HTML><title>x</title>", "an HTML page"),
        ] {
            assert_eq!(by_lines(first.as_bytes()).map(|found| found.singular), Some(kind), "{first}");
        }
    }
}
