//! Measures how long the explorer takes for a key or an answer, until its state is changed (update) and until the bytes of the
//! frame are written (render), without the pause between two frames.
//!
//!     FRAMES_CACHE=CACHE cargo bench --bench frames
//!
//! CACHE is a cache that `tamarin pull` filled; without one, a demo of 400,000 requests is used. Prints the median, 99 % and
//! the slowest in milliseconds, for each kind of keys and size of the terminal.

// A benchmark whose data cannot be written fails.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tamarin::cache::Cache;
use tamarin::frame_times;
use tamarin::query::LocalEngine;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Columns and rows of terminals.
const SIZES: [(u16, u16); 3] = [(80, 24), (130, 34), (200, 50)];

/// Median, 99 % and maximum in milliseconds.
fn percentiles(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| {
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    format!("{:.2}, {:.2}, {:.2}", at(0.5), at(0.99), at(1.0))
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = std::env::var_os("FRAMES_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let path = folder.path().join("demo.db");
        let pull = Command::new(env!("CARGO_BIN_EXE_tamarin"))
            .args(["pull", "demo:1:400000", "--quiet", "--cache"])
            .arg(&path)
            .status();
        assert!(pull.is_ok_and(|status| status.success()), "the demo is pulled");
        path
    });
    let cache = Cache::open(&path).expect("a cache");
    let engine = LocalEngine::new(Arc::new(cache));
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64);
    println!(
        "{:10} {:28} {:>6} {:>22} {:>22} {:>22}",
        "terminal", "keys", "frames", "update", "render", "both, ms"
    );
    for (columns, rows) in SIZES {
        for times in frame_times(&engine, (columns, rows), now).expect("frames") {
            println!(
                "{:10} {:28} {:>6} {:>22} {:>22} {:>22}",
                format!("{columns}×{rows}"),
                times.what,
                times.render.len(),
                percentiles(&times.update),
                percentiles(&times.render),
                percentiles(&times.both),
            );
        }
    }
}
