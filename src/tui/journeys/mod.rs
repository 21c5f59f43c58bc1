//! Tests of the whole explorer on a test terminal: keys in, screens out.

mod analyses;
mod answers;
mod browsing;
mod columns;
mod copying;
mod details;
mod exporting;
mod filtering;
mod findings;
mod folders;
mod heat_map;
mod hostile_text;
mod links;
mod lists;
mod mouse;
mod names;
mod pairs;
mod palette;
mod room;
mod settings;
mod states;
mod tasks;
mod tasks_requests;
mod timeline;
mod undo;

use crate::tui::testing::{Explorer, three_days};

/// The sizes of most terminals.
const SIZES: [(u16, u16); 3] = [(80, 24), (130, 34), (200, 50)];

fn start(columns: u16, rows: u16) -> Explorer {
    Explorer::with(columns, rows, three_days())
}

/// Explorers after `keys` at the sizes of most terminals, with the names of the sizes.
fn at_sizes(start: fn(u16, u16) -> Explorer, keys: &str) -> Vec<(String, Explorer)> {
    let explorer = |(columns, rows): (u16, u16)| {
        let mut explorer = start(columns, rows);
        explorer.press(keys);
        (format!("{columns}x{rows}"), explorer)
    };
    SIZES.into_iter().map(explorer).collect()
}

/// Compares the screens after `keys`, and their styles on a dark and on a light background, with snapshots.
fn snapshots(name: &str, keys: &str) {
    for (size, mut explorer) in at_sizes(start, keys) {
        insta::assert_snapshot!(format!("{name}-{size}"), explorer.screen_and_styles());
    }
}
