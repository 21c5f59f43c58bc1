//! Puts JSON objects on lines of their own, if a file has them one after another, on several lines each or in an array. Then its
//! records have line numbers, and one object of any number is not one long line.

use std::io::{self, Cursor, Read};

use super::lines_block::MAX_LINE_BYTES;
use crate::log::structured::framing::{
    ObjectEnd, array_start, is_array, is_between_objects, is_indented, next_start, object_end, skip_to_object,
};

/// Bytes that show how a file has its objects.
pub(super) const HEAD_BYTES: usize = 64 << 10;
/// A byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// The longest time and spaces before an object.
const PREFIX_BYTES: usize = 40;
/// Bytes read at a time, at least.
const READ_BYTES: usize = 256 << 10;

/// A reader of lines. Objects of JSON are on lines of their own.
pub(super) enum LineReader<R> {
    Plain(io::Chain<Cursor<Vec<u8>>, R>),
    Objects(Box<ObjectLines<io::Chain<Cursor<Vec<u8>>, R>>>),
}

impl<R: Read> LineReader<R> {
    /// Whether the content begins with these bytes.
    pub(super) fn begins_with(&self, magic: &[u8]) -> bool {
        match self {
            LineReader::Plain(content) => content.get_ref().0.get_ref().starts_with(magic),
            LineReader::Objects(_) => false,
        }
    }

    /// Reads as much of the content as shows how it has its objects.
    pub(super) fn new(mut reader: R) -> io::Result<LineReader<R>> {
        let mut head = Vec::new();
        let has_objects = read_head(&mut reader, &mut head)?;
        let is_whole = head.len() < HEAD_BYTES && !first_text(&head).contains(&b'\n');
        let in_array = is_array(&head);
        let content = Cursor::new(head);
        let needs_lines = has_objects && needs_line_ends(content.get_ref(), is_whole);
        let content = content.chain(reader);
        Ok(match needs_lines {
            true => LineReader::Objects(Box::new(ObjectLines::new(content, in_array))),
            false => LineReader::Plain(content),
        })
    }
}

impl<R: Read> Read for LineReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            LineReader::Plain(reader) => reader.read(buffer),
            LineReader::Objects(reader) => reader.read(buffer),
        }
    }
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
pub(super) fn needs_line_ends(head: &[u8], is_whole: bool) -> bool {
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

/// Adds a line end after each object that has none, and replaces line ends within objects with spaces.
pub(super) struct ObjectLines<R> {
    reader: R,
    /// What was read and not written to `lines` yet.
    text: Vec<u8>,
    is_at_end: bool,
    /// Lines, of which the first `taken` bytes were returned.
    lines: Vec<u8>,
    taken: usize,
    /// Whether an object was written whose line end may follow.
    ends_with_object: bool,
    /// Whether the objects are in an array, whose brackets and commas are left out.
    in_array: bool,
}

impl<R: Read> ObjectLines<R> {
    fn new(reader: R, in_array: bool) -> ObjectLines<R> {
        ObjectLines {
            reader,
            text: Vec::new(),
            is_at_end: false,
            lines: Vec::new(),
            taken: 0,
            ends_with_object: false,
            in_array,
        }
    }

    /// Reads more of the content: as much as there is already, so that long objects are not searched too often.
    fn read_more(&mut self) -> io::Result<()> {
        let length = self.text.len();
        let more = length.max(READ_BYTES);
        self.text.resize(length + more, 0);
        let read = loop {
            match self.reader.read(&mut self.text[length..]) {
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
                let spaces = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
                match text.get(spaces) {
                    None if !self.is_at_end => break,
                    None | Some(b'\n') => {}
                    Some(_) => self.lines.push(b'\n'),
                }
                self.ends_with_object = false;
                let line_end = usize::from(text.get(spaces) == Some(&b'\n'));
                self.lines.extend_from_slice(&text[spaces..spaces + line_end]);
                at += spaces + line_end;
                continue;
            }
            // Other text before the object stays before it.
            let Some(before) = memchr::memchr(b'{', text) else {
                self.lines.extend_from_slice(text);
                at = self.text.len();
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
        self.text.drain(..at);
    }
}

impl<R: Read> Read for ObjectLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.lines.len() {
            if self.is_at_end {
                return Ok(0);
            }
            self.read_more()?;
            self.write_lines();
        }
        let length = buffer.len().min(self.lines.len() - self.taken);
        buffer[..length].copy_from_slice(&self.lines[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
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
            assert!(matches!(LineReader::new(Pipe(parts.to_vec())).unwrap(), LineReader::Plain(_)));
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
            let compact = |text: &str| text.split_ascii_whitespace().collect::<String>();
            let lines = lines(&text, bytes_per_read);
            prop_assert_eq!(compact(&lines), compact(&text));
        }
    }
}
