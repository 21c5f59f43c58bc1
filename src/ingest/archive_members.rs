//! Reads the members of an archive as log files of their own.
//!
//! The catalogue has a member under the name `ARCHIVE/MEMBER` with the version of the archive, so it is known, changed
//! or read in part as any other log file. The archive itself is noted when all of its members were read. Until then
//! each pull opens it again and skips the members that are known.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Message;
use super::fetch_stage::LogFileReader;
use crate::cache::FileMark;
use crate::cache::catalogue::LogFileStatus;
use crate::source::archive::{SizeLimit, SizeLimited, Visitor};
use crate::source::body::{decompress, is_damage};

/// Visits the members of an archive.
pub(super) struct ArchiveMembers<'r> {
    archive: &'r LogFileReader,
    limit: SizeLimit,
    /// All members so far. If the archive is damaged, all of them are.
    members: Vec<Arc<FileMark>>,
    is_stopped: bool,
    has_failed: bool,
}

impl<'r> ArchiveMembers<'r> {
    /// A visitor of this archive.
    pub(super) fn new(archive: &'r LogFileReader, limit: &SizeLimit) -> ArchiveMembers<'r> {
        // Its members are counted instead.
        archive.task.counters.files_listed.fetch_sub(1, Relaxed);
        let limit = limit.clone();
        ArchiveMembers { archive, limit, members: Vec::new(), is_stopped: false, has_failed: false }
    }

    /// Notes the archive if all of its members were read. `visited` is the result of the visit.
    ///
    /// # Errors
    /// The error of `visited`.
    pub(super) fn finish(self, visited: io::Result<()>) -> io::Result<()> {
        let ArchiveMembers { archive, members, is_stopped, has_failed, .. } = self;
        let source = archive.task.source;
        match visited {
            Ok(()) => {
                if !is_stopped && !has_failed {
                    archive.send(Message::ArchiveDone { source, file: archive.task.file.clone() });
                }
                Ok(())
            }
            Err(error) => {
                archive.task.counters.files_listed.fetch_add(1, Relaxed);
                if is_damage(&error) {
                    members.into_iter().for_each(|file| archive.send(Message::Damaged { source, file }));
                }
                Err(error)
            }
        }
    }

    fn name_of(&self, member: &str) -> String {
        format!("{}/{member}", self.archive.task.file.name)
    }
}

impl Visitor for ArchiveMembers<'_> {
    fn member(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<bool> {
        let LogFileReader { task, cache, source_id, .. } = self.archive;
        if task.cancel.is_cancelled() {
            self.is_stopped = true;
            return Ok(false);
        }
        let (name, version) = (self.name_of(name), task.file.version.clone());
        let statuses =
            cache.log_file_statuses(*source_id, std::iter::once((name.as_str(), version.as_deref())));
        let status = statuses.map_err(io::Error::other)?.pop().unwrap_or(LogFileStatus::New);
        // An empty file matters only if the cache has lines of it.
        if status == LogFileStatus::New && size == 0 {
            return Ok(true);
        }
        task.counters.files_listed.fetch_add(1, Relaxed);
        let member = Arc::new(FileMark { name, version, size: Some(size), may_grow: false });
        self.members.push(member.clone());
        let known_lines = match status {
            LogFileStatus::Whole => {
                task.counters.files_known.fetch_add(1, Relaxed);
                return Ok(true);
            }
            LogFileStatus::New | LogFileStatus::Changed => Vec::new(),
            LogFileStatus::InPart(lines) => lines,
        };
        let content = SizeLimited::new(decompress(content)?, &self.limit);
        let is_complete = self.archive.cut(content, &member, &known_lines).inspect_err(|error| {
            if is_damage(error) {
                self.archive.send(Message::Damaged { source: task.source, file: member });
            }
        })?;
        self.is_stopped = !is_complete;
        Ok(is_complete)
    }

    fn failed(&mut self, name: &str, error: &io::Error) {
        self.has_failed = true;
        let (name, reason) = (self.name_of(name), error.to_string());
        self.archive.task.counters.file_failed(&name, reason.clone(), &reason);
    }
}
