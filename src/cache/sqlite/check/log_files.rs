//! Checks of the catalogue of log files.

use super::{Check, Finding, describe};
use crate::cache::sqlite::catalogue::{self, NO_LOG, SourceRow};
use crate::cache::sqlite::log_file_rows::{LogFileRow, RunsRow};
use crate::cache::{column::Damage, error::StoreError, sqlite::segment_rows::SegmentRow};
use roaring::RoaringTreemap;

impl Check<'_> {
    /// Checks that the counts of log files match their requests, and that every request belongs to a log file.
    pub(super) fn log_files(&mut self, _: i64) -> Result<(), StoreError> {
        let segments = SegmentRow::all(self.connection).unwrap_or_default();
        for source in self.sources()? {
            let mut given = RoaringTreemap::new();
            for file in LogFileRow::all(self.connection, source.id)? {
                if let Err(error) = self.log_file(&file, &source, &mut given) {
                    let problem = format!("{}: {}", file.name, describe(error));
                    self.report(Some(&source.uri), None, "log files", problem);
                }
            }
            let mut rows = 0;
            for segment in segments.iter().filter(|segment| segment.source == source.id) {
                rows += (0..segment.rows).filter(|row| !given.contains(segment.numbers.number(*row))).count();
            }
            if rows > 0 {
                let problem = format!("{rows} requests belong to no log file");
                self.report(Some(&source.uri), None, "log files", problem);
            }
        }
        Ok(())
    }

    /// Checks one log file. Adds the row numbers of its requests to `given`.
    fn log_file(
        &mut self,
        file: &LogFileRow,
        source: &SourceRow,
        given: &mut RoaringTreemap,
    ) -> Result<(), StoreError> {
        let mut problem = |what: String| {
            let (place, problem) = ("log files".to_owned(), format!("{}: {what}", file.name));
            let source = Some(source.uri.clone());
            self.checked.findings.push(Finding { source, segment: None, place, problem });
        };
        if !(0..=NO_LOG).contains(&file.state) {
            problem(format!("unknown state {}", file.state));
        }
        catalogue::parts(self.connection, file)?;
        let stored = catalogue::rejected_of(self.connection, file, &source.uri)?.len() as u64;
        let counted = file.counts.rejected;
        if stored > counted {
            problem(format!("{stored} rejected lines are stored, but {counted} are counted"));
        }
        let (mut requests, mut duplicates) = (0, 0);
        for part in RunsRow::of_file(self.connection, file)? {
            for run in &part.runs {
                if run.row + run.rows > source.next_row as u64 {
                    return Err(Damage("it refers to requests that do not exist").into());
                }
                given.insert_range(run.row..run.row + run.rows);
                if part.generation == file.generation {
                    *(if run.is_repeat { &mut duplicates } else { &mut requests }) += run.rows;
                }
            }
        }
        if (requests, duplicates) != (file.counts.requests, file.counts.duplicates) {
            problem(format!(
                "the catalogue counts {} requests and {} repeats, but it gave {requests} and {duplicates}",
                file.counts.requests, file.counts.duplicates
            ));
        }
        Ok(())
    }
}
