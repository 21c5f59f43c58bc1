//! Runs: which line of a log file gave which request. They are used to remove the requests of a
//! replaced version, and to find the log file and the line of a request.
//!
//! A run is a stretch of consecutive lines that gave requests with consecutive row numbers. Layout per run:
//! the first line minus the end of the run before as a zigzag varint, the first row number likewise, then
//! `rows × 2` as a varint, plus 1 if the requests are repeats.

use crate::cache::column::{Damage, put_varint, take_varint};

/// Consecutive lines and the requests that they gave, one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first line, from 1.
    pub line: u64,
    /// The row number of the first request.
    pub row: u64,
    /// Number of lines and requests.
    pub rows: u64,
    /// Whether other lines had given these requests before.
    pub is_repeat: bool,
}

/// Adds a run, or extends the last one.
pub(crate) fn push(runs: &mut Vec<Run>, run: Run) {
    if let Some(last) = runs.last_mut()
        && last.line + last.rows == run.line
        && last.row + last.rows == run.row
        && last.is_repeat == run.is_repeat
    {
        last.rows += run.rows;
    } else if run.rows > 0 {
        runs.push(run);
    }
}

/// The stored form of runs.
pub(crate) fn encode(runs: &[Run]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 * runs.len() + 8);
    let (mut line, mut row) = (0u64, 0u64);
    for run in runs {
        put_varint(&mut bytes, zigzag(run.line.wrapping_sub(line) as i64));
        put_varint(&mut bytes, zigzag(run.row.wrapping_sub(row) as i64));
        put_varint(&mut bytes, run.rows * 2 + u64::from(run.is_repeat));
        (line, row) = (run.line + run.rows, run.row + run.rows);
    }
    bytes
}

/// Reads stored runs.
pub(crate) fn decode(mut bytes: &[u8]) -> Result<Vec<Run>, Damage> {
    let damage = || Damage("its runs of lines and requests cannot be read");
    let mut runs = Vec::new();
    let (mut line, mut row) = (0u64, 0u64);
    while !bytes.is_empty() {
        line = line.wrapping_add(unzigzag(take_varint(&mut bytes)?) as u64);
        row = row.wrapping_add(unzigzag(take_varint(&mut bytes)?) as u64);
        let length = take_varint(&mut bytes)?;
        let run = Run { line, row, rows: length / 2, is_repeat: length % 2 == 1 };
        line = line.checked_add(run.rows).ok_or_else(damage)?;
        row = row.checked_add(run.rows).ok_or_else(damage)?;
        runs.push(run);
    }
    Ok(runs)
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_round_trip(
            runs in proptest::collection::vec((0..1u64 << 40, 0..1u64 << 62, 1..1u64 << 30, any::<bool>()), 0..20),
        ) {
            let runs: Vec<Run> = runs
                .into_iter()
                .map(|(line, row, rows, is_repeat)| Run { line, row, rows, is_repeat })
                .collect();
            prop_assert_eq!(decode(&encode(&runs)).unwrap(), runs);
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_log_file_without_rejected_lines_is_one_run() {
        let mut runs = Vec::new();
        for line in 0..500 {
            push(&mut runs, Run { line: line + 1, row: line + 70, rows: 1, is_repeat: false });
        }
        push(&mut runs, Run { line: 501, row: 3, rows: 1, is_repeat: true });
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0], Run { line: 1, row: 70, rows: 500, is_repeat: false });
        assert!(encode(&runs[..1]).len() <= 5);
    }
}
