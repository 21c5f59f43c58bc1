//! Writes links into the cells of a frame, as operating system commands (OSC 8).
//!
//! ratatui has no links. The first cell of a link gets the whole sequence: its beginning, the text of all its cells, and its end.
//! The frame says how wide that is, and leaves the other cells out. So the differences between two frames are found
//! as always, and a link never continues beyond its cells.

use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::buffer::{Buffer, Cell, CellDiffOption, CellWidth};

use crate::tui::view::Link;

/// Ends a link. It has no effect where there is none.
pub(super) const END: &str = "\x1b]8;;\x1b\\";

/// Whether a frame of this process had links.
static WERE_WRITTEN: AtomicBool = AtomicBool::new(false);

/// Whether a frame of this process had links. Other terminals may not know how one ends.
pub(super) fn were_written() -> bool {
    WERE_WRITTEN.load(Ordering::SeqCst)
}

/// Makes cells of a frame a link.
pub(super) fn write(buffer: &mut Buffer, link: &Link) {
    WERE_WRITTEN.store(true, Ordering::SeqCst);
    let uri = link.target.uri();
    // Terminals highlight cells with the same id and URI together, also on several lines.
    let begin = format!("\x1b]8;id={:08x};{uri}\x1b\\", crc32fast::hash(uri.as_bytes()));
    let end = link.x.saturating_add(link.width).min(buffer.area.right());
    let mut x = link.x;
    while x < end {
        let (width, text) = run(buffer, x, link.y, end);
        let after = x.saturating_add(width);
        if let (Some(cell), Some(width)) = (buffer.cell_mut((x, link.y)), NonZeroU16::new(width)) {
            cell.set_symbol(&format!("{begin}{text}{END}"))
                .set_diff_option(CellDiffOption::ForcedWidth(width));
        }
        for covered in x + 1..after {
            if let Some(cell) = buffer.cell_mut((covered, link.y)) {
                cell.set_diff_option(CellDiffOption::Skip);
            }
        }
        x = after;
    }
}

/// The width and the text of the cells from `x` on that can be written at once: those with the style of the first, up to the
/// first wide one, because terminals disagree about the width of some clusters.
fn run(buffer: &Buffer, x: u16, y: u16, end: u16) -> (u16, String) {
    let style = |cell: &Cell| (cell.style(), cell.underline_color);
    let first = buffer.cell((x, y)).map(style);
    let mut text = String::new();
    let mut at = x;
    while let Some(cell) = buffer.cell((at, y)).filter(|cell| at < end && Some(style(cell)) == first) {
        text.push_str(cell.symbol());
        let width = cell.cell_width().max(1);
        at = at.saturating_add(width);
        if width > 1 {
            break;
        }
    }
    ((at - x).max(1), text)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use ratatui::backend::CrosstermBackend;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::*;
    use crate::tui::model::link::{Computer, Target};

    /// What was written to the terminal.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn link(x: u16, width: u16) -> Link {
        let computer = Computer { name: "host".to_owned(), folder: "/".into() };
        let target = Target::file("/tmp/a b.csv".as_ref(), &computer).unwrap();
        Link { x, y: 0, width, target }
    }

    const BEGIN: &str = "\x1b]8;id=IDENT;file://host/tmp/a%20b.csv\x1b\\";

    /// The bytes of frames of these texts and links, one after another.
    fn frames(frames: &[(&str, Option<Link>)]) -> Vec<String> {
        let output = Output::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 20, 1)) };
        let backend = CrosstermBackend::new(output.clone());
        let mut terminal = Terminal::with_options(backend, options).unwrap();
        let mut written = Vec::new();
        for (text, link) in frames {
            terminal
                .draw(|frame| {
                    let red = Style::new().fg(Color::Red);
                    let buffer = frame.buffer_mut();
                    buffer.set_string(0, 0, text, Style::new());
                    if text.contains("red") {
                        buffer.set_style(Rect::new(5, 0, 3, 1), red);
                    }
                    if let Some(link) = link {
                        write(buffer, link);
                    }
                })
                .unwrap();
            written.push(String::from_utf8(std::mem::take(&mut *output.0.lock())).unwrap());
        }
        let id = format!("{:08x}", crc32fast::hash(b"file://host/tmp/a%20b.csv"));
        written.iter().map(|bytes| bytes.replace(&id, "IDENT")).collect()
    }

    /// What a terminal shows after these bytes.
    fn shown(bytes: &[String]) -> String {
        let mut parser = vt100::Parser::new(NonZeroU16::MIN, NonZeroU16::new(20).unwrap(), 0);
        parser.process(bytes.concat().as_bytes());
        parser.screen().contents()
    }

    #[test]
    fn a_link_begins_and_ends_around_its_text() {
        let bytes = frames(&[("to a.csv now", Some(link(3, 5)))]);
        assert!(bytes[0].contains(&format!("{BEGIN}a.csv{END}")), "{bytes:?}");
        assert_eq!(shown(&bytes), "to a.csv now");
    }

    #[test]
    fn the_terminal_kept_a_link_whose_text_stayed() {
        let (with, without) = (("to a.csv now", Some(link(3, 5))), ("to a.csv now", None));
        let bytes = frames(&[with.clone(), with.clone(), without.clone(), with]);
        assert_eq!(shown(&bytes[1..2]), "", "nothing changed");
        // All of its cells are written again, without a link.
        assert_eq!(shown(&bytes[2..3]).trim(), "a.csv");
        assert!(!bytes[2].contains("]8;"), "{bytes:?}");
        assert!(bytes[3].contains(&format!("{BEGIN}a.csv{END}")), "{bytes:?}");
        assert_eq!(shown(&bytes), "to a.csv now");
        // A link that becomes shorter, and one that moves.
        let bytes =
            frames(&[without, ("to a.csv now", Some(link(3, 9))), ("to a.csv now", Some(link(5, 3)))]);
        assert!(bytes[2].contains(&format!("{BEGIN}csv{END}")), "{bytes:?}");
        assert_eq!(shown(&bytes[2..3]).trim(), "a.csv now");
    }

    #[test]
    fn styles_and_wide_characters_divide_a_link() {
        let bytes = frames(&[("to a red b", Some(link(3, 7)))]);
        assert_eq!(bytes[0].matches(BEGIN).count(), 3, "{bytes:?}");
        assert_eq!(bytes[0].matches(END).count(), 3, "{bytes:?}");
        assert_eq!(shown(&bytes), "to a red b");
        let bytes = frames(&[("to a日本b.csv", Some(link(3, 10)))]);
        assert!(bytes[0].contains(&format!("{BEGIN}a日{END}")), "{bytes:?}");
        assert_eq!(shown(&bytes), "to a日本b.csv");
    }

    #[test]
    fn a_link_ends_at_the_edge_of_the_screen() {
        let bytes = frames(&[("to a.csv", Some(link(18, 50)))]);
        assert!(bytes[0].contains(&format!("{BEGIN}  {END}")), "{bytes:?}");
    }
}
