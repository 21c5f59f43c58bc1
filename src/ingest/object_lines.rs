//! Puts JSON objects on lines of their own, if a file has them one after another, on several lines each or in an array. Then its
//! records have line numbers, and one object of any number is not one long line.

use std::io::{self, Cursor, Read};

use super::lines_block::MAX_LINE_BYTES;
use crate::log::structured::framing::{
    ObjectEnd, array_start, is_array, is_between_objects, is_indented, is_part_of_json, next_start,
    object_end, skip_to_object,
};

/// Bytes that show how a file has its objects.
pub(super) const HEAD_BYTES: usize = 64 << 10;
/// A byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// The longest time and spaces before an object.
const PREFIX_BYTES: usize = 40;
/// Bytes read at a time, at least.
const READ_BYTES: usize = 256 << 10;

type Content<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// A reader of lines. Objects of JSON are on lines of their own.
pub(super) struct LineReader<R> {
    content: Content<R>,
    /// Content that was read and is not decided yet: the beginning of a line.
    held: Vec<u8>,
    /// Content that is decided and did not fit into a buffer. The first `taken` bytes were returned.
    ready: Vec<u8>,
    taken: usize,
    /// Whether the next byte of the content begins a line.
    is_line_start: bool,
    /// How the content is read from its first object on that is not on a line of its own.
    objects: Option<Box<ObjectLines>>,
}

impl<R: Read> LineReader<R> {
    /// Whether the content begins with these bytes.
    pub(super) fn begins_with(&self, magic: &[u8]) -> bool {
        self.objects.is_none() && self.content.get_ref().0.get_ref().starts_with(magic)
    }

    /// Reads as much of the content as shows how it has its first objects.
    pub(super) fn new(mut reader: R) -> io::Result<LineReader<R>> {
        let mut head = Vec::new();
        let has_objects = read_head(&mut reader, &mut head)?;
        let is_whole = head.len() < HEAD_BYTES && !first_text(&head).contains(&b'\n');
        let in_array = is_array(&head);
        let needs_lines = has_objects && needs_line_ends(&head, is_whole);
        Ok(LineReader {
            content: Cursor::new(head).chain(reader),
            held: Vec::new(),
            ready: Vec::new(),
            taken: 0,
            is_line_start: true,
            objects: needs_lines.then(|| Box::new(ObjectLines::new(Vec::new(), in_array))),
        })
    }

    /// A reader of the rest of a content from a line on. The lines before it are read, and none of them has an object that
    /// is not on a line of its own.
    pub(super) fn of_rest(rest: R) -> LineReader<R> {
        LineReader {
            content: Cursor::new(Vec::new()).chain(rest),
            held: Vec::new(),
            ready: Vec::new(),
            taken: 0,
            is_line_start: true,
            objects: None,
        }
    }

    /// The length of the lines that a text begins with and that need no change. What follows them waits for more of the
    /// content, or is read as objects.
    fn unchanged(&mut self, text: &[u8], is_at_end: bool) -> usize {
        let length = match lines_from(text, self.is_line_start) {
            Lines::Whole => text.len(),
            Lines::Undecided(length) if !is_at_end => {
                self.held.extend_from_slice(&text[length..]);
                length
            }
            Lines::Undecided(length) if !text[length..].contains(&b'\n') => text.len(),
            Lines::Undecided(length) | Lines::Objects(length) => {
                self.objects = Some(Box::new(ObjectLines::new(text[length..].to_vec(), false)));
                length
            }
        };
        if length > 0 {
            self.is_line_start = text[length - 1] == b'\n';
        }
        length
    }

    /// Reads after the content that is held into `text`, which has room for it. Returns the bytes of both, and whether the
    /// content ends there.
    fn read_after_held(&mut self, text: &mut [u8]) -> io::Result<(usize, bool)> {
        let held = self.held.len();
        let read = match self.content.read(&mut text[held..]) {
            // What was read is valid. The error comes again.
            Err(error) if held > 0 && error.kind() != io::ErrorKind::Interrupted => 0,
            read => read?,
        };
        text[..held].copy_from_slice(&self.held);
        self.held.clear();
        Ok((held + read, read == 0))
    }
}

impl<R: Read> Read for LineReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.taken < self.ready.len() {
                let length = buffer.len().min(self.ready.len() - self.taken);
                buffer[..length].copy_from_slice(&self.ready[self.taken..self.taken + length]);
                self.taken += length;
                return Ok(length);
            }
            if let Some(objects) = &mut self.objects {
                return objects.read(&mut self.content, buffer);
            }
            if buffer.is_empty() {
                return Ok(0);
            }
            let held = self.held.len();
            if held >= HEAD_BYTES {
                let text = std::mem::take(&mut self.held);
                self.objects = Some(Box::new(ObjectLines::new(text, false)));
            } else if held < buffer.len() {
                let (length, is_at_end) = self.read_after_held(buffer)?;
                let length = self.unchanged(&buffer[..length], is_at_end);
                // What was held may have become objects.
                if length > 0 || is_at_end && self.objects.is_none() {
                    return Ok(length);
                }
            } else {
                let mut text = vec![0; held + HEAD_BYTES];
                let (length, is_at_end) = self.read_after_held(&mut text)?;
                let length = self.unchanged(&text[..length], is_at_end);
                text.truncate(length);
                (self.ready, self.taken) = (text, 0);
            }
        }
    }
}

/// Up to where the objects of a text are on lines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    Whole,
    /// The line at this offset may have an object that is not: more of the content decides.
    Undecided(usize),
    /// The line at this offset begins an array, or has an object that is not.
    Objects(usize),
}

/// How a part of a content has its objects.
pub(super) fn lines_from(text: &[u8], is_line_start: bool) -> Lines {
    let mut at = match is_line_start {
        true => 0,
        false => memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1),
    };
    while at < text.len() {
        let rest = &text[at..];
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        match rest[0] {
            b'[' => match array_start(rest) {
                Some(objects) if objects.starts_with(b"{") => return Lines::Objects(at),
                Some([]) => return Lines::Undecided(at),
                _ => {}
            },
            b'{' | b'0'..=b'9' | b' ' | b'\t' | 0xEF => match (skip_to_object(line), end) {
                (Some(_), None) => return Lines::Undecided(at),
                (Some(_), Some(_)) if !ends_object(line) => match object_end_of(rest) {
                    Some(ObjectEnd::Missing) => return Lines::Undecided(at),
                    _ if needs_line_ends(rest, false) => return Lines::Objects(at),
                    _ => {}
                },
                (None, None) if line.len() < PREFIX_BYTES => return Lines::Undecided(at),
                _ => {}
            },
            _ => {}
        }
        let Some(end) = end else { break };
        at += end + 1;
    }
    Lines::Whole
}

fn object_end_of(text: &[u8]) -> Option<ObjectEnd> {
    skip_to_object(text).map(object_end)
}

/// Whether a line of which this is the beginning has objects, maybe in an array.
pub(super) fn begins_objects(line: &[u8]) -> bool {
    skip_to_object(line).is_some() || is_array(line)
}

/// Whether a line ends with the last brace of an object, maybe in an array.
fn ends_object(line: &[u8]) -> bool {
    let end = line.iter().rposition(|byte| !is_between_objects(*byte));
    end.is_some_and(|end| line[end] == b'}')
}

/// Whether the objects at the beginning of a content are not on lines of their own.
pub(super) fn has_objects_across_lines(head: &[u8]) -> bool {
    needs_line_ends(head, false) || matches!(lines_from(head, true), Lines::Objects(_))
}

/// Reads the first bytes of a content. If they are the beginning of an object, reads up to the end of its first line, or
/// [`HEAD_BYTES`], and returns `true`. Of other contents, which may be pipes whose next line arrives much later, it reads
/// no more than it has to.
fn read_head(reader: &mut impl Read, head: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = vec![0; 512];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // What was read is valid. The error comes again.
            Err(error) if head.is_empty() => return Err(error),
            Err(_) => return Ok(false),
        };
        head.extend_from_slice(&buffer[..read]);
        let text = first_text(head);
        let is_object = skip_to_object(text).is_some() || is_array(text);
        let may_be_array = array_start(text).is_some_and(<[u8]>::is_empty);
        // A time may be before the object.
        let may_be_object = text.len() < PREFIX_BYTES && !matches!(text.first(), Some(b'A'..=b'z'));
        let is_decided = !(is_object || may_be_object) || text.contains(&b'\n');
        if read == 0 || head.len() >= HEAD_BYTES || is_decided && !may_be_array {
            return Ok(is_object);
        }
        buffer.resize(HEAD_BYTES - head.len(), 0);
    }
}

fn first_text(head: &[u8]) -> &[u8] {
    head.trim_ascii_start()
}

/// Whether the objects of a content that begins with `head` are not on lines of their own. `is_whole`: this is all of it.
fn needs_line_ends(head: &[u8], is_whole: bool) -> bool {
    let text = first_text(head);
    if is_array(text) {
        return true;
    }
    let Some(object) = skip_to_object(text) else { return false };
    let has_line_end = object.contains(&b'\n');
    match object_end(object) {
        ObjectEnd::At(end) => {
            let (object, rest) = object.split_at(end);
            let next = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            object.contains(&b'\n') || next.is_some_and(|next| *next != b'\n')
        }
        ObjectEnd::Missing => !is_whole || has_line_end,
        ObjectEnd::Broken(_) | ObjectEnd::TooDeep => is_indented(object) || !is_whole && !has_line_end,
    }
}

/// Adds a line end after each object that has none, and replaces line ends within objects with spaces. Lines without
/// objects remain as they are.
struct ObjectLines {
    /// What was read and not written to `lines` yet.
    text: Vec<u8>,
    is_at_end: bool,
    /// Lines, of which the first `taken` bytes were returned.
    lines: Vec<u8>,
    taken: usize,
    /// Whether an object was written whose line end may follow.
    ends_with_object: bool,
    /// Whether there was an array: its brackets and commas are left out, and the line ends between its objects.
    in_array: bool,
    /// Whether `text` begins with a line of the content.
    is_line_start: bool,
    /// Whether `text` begins within a line of another format.
    in_other_line: bool,
}

impl ObjectLines {
    /// `text` was read from the content already. It begins with a line.
    fn new(text: Vec<u8>, in_array: bool) -> ObjectLines {
        let mut objects = ObjectLines {
            text,
            is_at_end: false,
            lines: Vec::new(),
            taken: 0,
            ends_with_object: false,
            in_array,
            is_line_start: true,
            in_other_line: false,
        };
        // A pipe may have nothing more for long.
        objects.write_lines();
        objects
    }

    fn read(&mut self, content: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.lines.len() {
            if self.is_at_end {
                return Ok(0);
            }
            self.read_more(content)?;
            self.write_lines();
        }
        let length = buffer.len().min(self.lines.len() - self.taken);
        buffer[..length].copy_from_slice(&self.lines[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }

    /// Reads more of the content: as much as there is already, so that long objects are not searched too often.
    fn read_more(&mut self, content: &mut impl Read) -> io::Result<()> {
        let length = self.text.len();
        let more = length.max(READ_BYTES);
        self.text.resize(length + more, 0);
        let read = loop {
            match content.read(&mut self.text[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.text.truncate(length + *read.as_ref().unwrap_or(&0));
        self.is_at_end = read? == 0;
        Ok(())
    }

    /// Writes the whole objects of the text as lines.
    fn write_lines(&mut self) {
        self.lines.clear();
        self.taken = 0;
        let mut at = 0;
        while at < self.text.len() {
            let text = &self.text[at..];
            if self.in_other_line {
                let line_end = memchr::memchr(b'\n', text);
                let length = line_end.map_or(text.len(), |end| end + 1);
                self.lines.extend_from_slice(&text[..length]);
                self.in_other_line = line_end.is_none();
                at += length;
                continue;
            }
            if self.in_array {
                let mark = if text.starts_with(MARK) { MARK.len() } else { 0 };
                let between =
                    mark + text[mark..].iter().take_while(|byte| is_between_objects(**byte)).count();
                if between > 0 {
                    at += between;
                    continue;
                }
            }
            if self.ends_with_object {
                let is_between = |byte: &u8| *byte != b'\n' && is_between_objects(*byte);
                let between = text.iter().take_while(|byte| is_between(byte)).count();
                if between == text.len() && !self.is_at_end {
                    break;
                }
                // Commas and brackets remain on the line.
                self.lines.extend(text[..between].iter().filter(|byte| !byte.is_ascii_whitespace()));
                self.ends_with_object = false;
                at += between;
                match text.get(between) {
                    Some(b'\n') => {
                        self.lines.push(b'\n');
                        at += 1;
                    }
                    Some(_) => self.lines.push(b'\n'),
                    None => {}
                }
                continue;
            }
            let begins_line = match at {
                0 => self.is_line_start,
                _ => self.text[at - 1] == b'\n',
            };
            if begins_line {
                let line_end = memchr::memchr(b'\n', text);
                match array_start(text) {
                    Some(objects) if objects.starts_with(b"{") => {
                        self.in_array = true;
                        continue;
                    }
                    Some([]) if !self.is_at_end && text.len() < READ_BYTES => break,
                    _ => {}
                }
                let may_be_time = text[0].is_ascii_digit() && line_end.is_none() && text.len() < PREFIX_BYTES;
                if may_be_time && !self.is_at_end {
                    break;
                }
                let line = &text[..line_end.unwrap_or(text.len())];
                if !is_part_of_json(line) && skip_to_object(line).is_none() {
                    self.in_other_line = true;
                    continue;
                }
            }
            // Other text before the object stays before it.
            let next = memchr::memchr2(b'{', b'\n', text);
            let Some(before) = next.filter(|next| text[*next] == b'{') else {
                let length = next.map_or(text.len(), |end| end + 1);
                self.lines.extend_from_slice(&text[..length]);
                at += length;
                continue;
            };
            let object = &text[before..];
            let can_continue = !self.is_at_end && object.len() <= MAX_LINE_BYTES;
            let end = object_end(object);
            let length = match end {
                ObjectEnd::At(length) => length,
                ObjectEnd::Missing if can_continue => break,
                ObjectEnd::Missing => object.len(),
                ObjectEnd::Broken(_) | ObjectEnd::TooDeep => match next_start(object) {
                    next if next == object.len() && can_continue => break,
                    // The line end after it remains.
                    next => object[..next].trim_ascii_end().len(),
                },
            };
            self.lines.extend_from_slice(&text[..before]);
            let object = object[..length].iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte });
            self.lines.extend(object);
            // What follows in an array is left out, with its line end.
            let is_line = self.in_array && end != ObjectEnd::Missing;
            if is_line {
                self.lines.push(b'\n');
            }
            self.ends_with_object = !is_line;
            at += before + length;
        }
        if at > 0 {
            self.is_line_start = self.text[at - 1] == b'\n';
        }
        self.text.drain(..at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns up to this many bytes per call.
    struct Few<'t>(&'t [u8], usize);
    impl Read for Few<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn lines(text: &str, bytes_per_read: usize) -> String {
        let mut out = String::new();
        LineReader::new(Few(text.as_bytes(), bytes_per_read)).unwrap().read_to_string(&mut out).unwrap();
        out
    }

    const OBJECT: &str = r#"{"a":"x{}","b":[{"c":1}]}"#;

    #[test]
    fn objects_one_after_another_become_lines() {
        let line = format!("{OBJECT}\n");
        let pretty = "{\n  \"a\": 1,\n  \"b\": [\n 2 ]\n}";
        let flat = "{   \"a\": 1,   \"b\": [  2 ] }";
        for (text, expected) in [
            (OBJECT.repeat(3), format!("{line}{line}{OBJECT}")),
            (format!("{OBJECT}  {OBJECT}\n{OBJECT} \r\n{OBJECT}\n"), line.repeat(4)),
            (format!("{pretty}\n{pretty}\n"), format!("{flat}\n{flat}\n")),
            (format!("{pretty}{pretty}"), format!("{flat}\n{flat}")),
            (format!("{OBJECT}{{\"a\":\"tru{OBJECT}"), format!("{line}{{\"a\":\"tru\n{OBJECT}")),
            (
                format!("2026-08-06T09:30:25.123Z {OBJECT}2026-08-06T09:30:25.123Z {OBJECT}"),
                format!("2026-08-06T09:30:25.123Z {line}2026-08-06T09:30:25.123Z {OBJECT}"),
            ),
        ] {
            for bytes_per_read in [1, 7, 1000] {
                assert_eq!(lines(&text, bytes_per_read), expected, "{text}");
            }
        }
    }

    #[test]
    fn a_broken_object_of_several_lines_took_those_after_it_with_it() {
        let good = "{\n  \"a\": 1\n}\n";
        let line = "{   \"a\": 1 }\n";
        for broken in [
            "{\n  \"a\": 1\n",
            "{\n  \"a\": 1,\n  \"b\":\n",
            "{\n  \"a\": \"x,\n  \"b\": 1\n}\n",
            "{\n  x\n}\n",
        ] {
            let broken_line = broken.trim_end().replace('\n', " ");
            for bytes_per_read in [1, 7, 1000] {
                assert_eq!(
                    lines(&format!("{good}{broken}{good}{good}"), bytes_per_read),
                    format!("{line}{broken_line}\n{line}{line}"),
                );
                assert_eq!(
                    lines(&format!("{broken}{good}"), bytes_per_read),
                    format!("{broken_line}\n{line}"),
                );
            }
        }
        let broken = "{\n  \"a\": \"x,\n  \"b\": 1\n}\n";
        assert!(lines(&format!("{good}{broken}"), 5).ends_with("}\n"), "the line is whole");
    }

    #[test]
    fn the_objects_of_an_array_become_lines() {
        let line = format!("{OBJECT}\n");
        let pretty = "{\n  \"a\": 1\n}";
        for (text, expected) in [
            (format!("[{OBJECT},{OBJECT}]"), line.repeat(2)),
            (format!("\u{feff}[ {OBJECT} , {OBJECT} ]\n"), line.repeat(2)),
            (format!("[\n{OBJECT},\n{OBJECT}\n]\n[{OBJECT}]\n"), line.repeat(3)),
            (format!("[\n{pretty},\n{pretty}\n]\n"), "{   \"a\": 1 }\n".repeat(2)),
            (format!("[{OBJECT},{{\"a\":\"tru"), format!("{line}{{\"a\":\"tru")),
            (format!("[{{\"a\":\"tru\n,{OBJECT}]"), format!("{{\"a\":\"tru ,\n{line}")),
        ] {
            for bytes_per_read in [1, 7, 1000] {
                assert_eq!(lines(&text, bytes_per_read), expected, "{text}");
            }
        }
        for text in ["[]", "[\n", "[1,2]\n", "[text]"] {
            assert_eq!(lines(text, 5), text);
        }
    }

    #[test]
    fn arrays_and_objects_of_several_lines_after_other_lines_were_not_found() {
        let line = format!("{OBJECT}\n");
        let text = "owner bucket [06/Feb/2019:00:00:38 +0000] \"GET /{a}/{\"b\":1}\"\n";
        let (pretty, flat) = ("{\n  \"a\": 1\n}", "{   \"a\": 1 }\n");
        for before in [&line, text] {
            for (after, expected) in [
                (format!("[{OBJECT},{OBJECT}]\n{before}"), format!("{line}{line}{before}")),
                (format!("[\n{OBJECT},\n{OBJECT}\n]\n{before}"), format!("{line}{line}{before}")),
                (format!("[\n  {pretty},\n  {pretty}\n]\n{before}"), format!("{flat}{flat}{before}")),
                (format!("{pretty}\n{pretty}\n{before}"), format!("{flat}{flat}{before}")),
            ] {
                for bytes_per_read in [1, 7, 1000] {
                    assert_eq!(
                        lines(&format!("{before}{after}{text}{after}"), bytes_per_read),
                        format!("{before}{expected}{text}{expected}"),
                    );
                }
            }
        }
    }

    #[test]
    fn other_contents_are_unchanged() {
        for text in [
            format!("{OBJECT}\n").repeat(3) + &OBJECT.repeat(2),
            format!("{OBJECT}\r\n{OBJECT}"),
            format!("2026-08-06T09:30:25.123Z {OBJECT}\n").repeat(2),
            "owner bucket [06/Feb/2019:00:00:38 +0000] {\n\n".to_owned(),
            "{\"a\":\"tru\n{}{}".to_owned(),
            "{\"a\":\"tru".to_owned(),
            "text".to_owned(),
            String::new(),
        ] {
            assert_eq!(lines(&text, 5), text);
        }
    }

    #[test]
    fn a_pipe_is_not_read_beyond_its_first_line() {
        struct Pipe(Vec<&'static [u8]>);
        impl Read for Pipe {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let mut part = self.0.pop().expect("read beyond the first line");
                part.read(buffer)
            }
        }
        let parts: [&[&[u8]]; 3] = [&[b"\"a\":1}\n", b"{"], &[b"{\"a\":1}\n{"], &[b"own"]];
        for parts in parts {
            assert!(LineReader::new(Pipe(parts.to_vec())).unwrap().objects.is_none());
        }
    }

    #[test]
    fn a_file_on_one_line_may_be_larger_than_the_longest_line() {
        let count = MAX_LINE_BYTES / OBJECT.len() + 1000;
        let mut reader = LineReader::new(io::Cursor::new(OBJECT.repeat(count))).unwrap();
        let mut out = String::new();
        reader.read_to_string(&mut out).unwrap();
        assert!(out.lines().count() == count && out.lines().all(|line| line == OBJECT));
        // An object without an end is one line, which is too long.
        let text = format!("{{\"a\":\"{}", "x".repeat(MAX_LINE_BYTES + 100));
        out.clear();
        LineReader::new(io::Cursor::new(&text)).unwrap().read_to_string(&mut out).unwrap();
        assert!(out == text);
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_is_added_or_removed(
            text in r#"\{[{}\[\]",:\\a1\n ]{0,60}"#,
            bytes_per_read in 1..9usize,
        ) {
            // Brackets and commas of arrays are left out.
            let compact = |text: &str| {
                text.chars().filter(|c| !c.is_ascii_whitespace() && !"[,]".contains(*c)).collect::<String>()
            };
            let lines = lines(&text, bytes_per_read);
            prop_assert_eq!(compact(&lines), compact(&text));
        }
    }
}
