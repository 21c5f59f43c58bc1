//! Writes each frame to the terminal at once, as a synchronized update: a terminal that knows them (DEC mode 2026) shows
//! no half of a frame, and others ignore the sequences.

use std::io::{self, Write};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Collects what is written until it is flushed.
pub(in crate::tui) struct FrameWriter<W: Write> {
    terminal: W,
    /// [`BEGIN`], and what was written since the last flush.
    frame: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    pub(in crate::tui) fn new(terminal: W) -> FrameWriter<W> {
        FrameWriter { terminal, frame: BEGIN.to_vec() }
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.len() > BEGIN.len() {
            self.frame.extend_from_slice(END);
            let written = self.terminal.write_all(&self.frame);
            self.frame.truncate(BEGIN.len());
            written?;
        }
        self.terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_synchronized_update() {
        let mut writer = FrameWriter::new(Vec::new());
        writer.flush().unwrap();
        assert_eq!(writer.terminal, b"");
        writer.write_all(b"ab").unwrap();
        writer.write_all(b"c").unwrap();
        assert_eq!(writer.terminal, b"");
        writer.flush().unwrap();
        assert_eq!(writer.terminal, b"\x1b[?2026habc\x1b[?2026l");
        writer.write_all(b"d").unwrap();
        writer.flush().unwrap();
        assert!(writer.terminal.ends_with(b"\x1b[?2026l\x1b[?2026hd\x1b[?2026l"));
    }
}
