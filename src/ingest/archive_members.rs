//! Reads the members of an archive as log files of their own.
//!
//! The catalogue has a member under the name `ARCHIVE/MEMBER` with the version of the archive, so it is known, changed
//! or read in part like any other log file. The archive itself is noted when all of its members were read. Until then
//! each pull opens it again and skips the members that are known.
//!
//! The checksum of a compressed tar archive covers all members and is at its end. So its members have no end until the
//! archive was read: the writer may commit their lines, but it can still remove them if the archive is damaged.

use std::io::{self, Read};
use std::{sync::Arc, sync::atomic::Ordering::Relaxed};

use super::Message;
use super::log_file_reader::{DeferredEnd, LogFileReader};
use crate::cache::FileMark;
use crate::cache::catalogue::LogFileStatus;
use crate::source::archive::{SizeLimit, SizeLimited, Visitor};
use crate::source::body::{decompress, is_damage};

pub(super) struct ArchiveMembers<'r> {
    archive: &'r LogFileReader,
    limit: SizeLimit,
    /// All members so far. If the archive is damaged, all of them are.
    members: Vec<Arc<FileMark>>,
    /// The ends of the members, if they are sent at the end of the archive.
    deferred_ends: Option<Vec<DeferredEnd>>,
    is_stopped: bool,
    has_failed: bool,
}

impl<'r> ArchiveMembers<'r> {
    /// A visitor of an archive whose members have checksums of their own.
    pub(super) fn new(archive: &'r LogFileReader) -> ArchiveMembers<'r> {
        ArchiveMembers::of_size(archive, archive.task.file.size)
    }

    /// As [`ArchiveMembers::new`], for an archive of `size` bytes.
    pub(super) fn of_size(archive: &'r LogFileReader, size: Option<u64>) -> ArchiveMembers<'r> {
        // Its members are counted instead.
        archive.task.counters.files_listed.fetch_sub(1, Relaxed);
        ArchiveMembers {
            archive,
            limit: SizeLimit::for_archive(size),
            members: Vec::new(),
            deferred_ends: None,
            is_stopped: false,
            has_failed: false,
        }
    }

    /// A visitor of an archive that may turn out to be damaged at its end.
    pub(super) fn with_deferred_ends(archive: &'r LogFileReader) -> ArchiveMembers<'r> {
        ArchiveMembers { deferred_ends: Some(Vec::new()), ..ArchiveMembers::new(archive) }
    }

    /// Reads the members with `visit`, and notes the archive if all of them were read. Returns the error of `visit`.
    pub(super) fn read_all(
        mut self,
        visit: impl FnOnce(&mut ArchiveMembers<'r>, &SizeLimit) -> io::Result<()>,
    ) -> io::Result<()> {
        let limit = self.limit.clone();
        let visited = visit(&mut self, &limit);
        let ArchiveMembers { archive, members, deferred_ends, is_stopped, has_failed, .. } = self;
        let source = archive.task.source;
        let is_damaged = visited.as_ref().is_err_and(is_damage);
        if is_damaged {
            members.into_iter().for_each(|file| archive.send(Message::Damaged { source, file }));
        } else if !is_stopped {
            deferred_ends.into_iter().flatten().for_each(|end| archive.send_end(end));
        }
        if visited.is_err() {
            archive.task.counters.files_listed.fetch_add(1, Relaxed);
        } else if !is_stopped && !has_failed {
            archive.send(Message::ArchiveDone { source, file: archive.task.file.clone() });
        }
        visited
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
            task.counters.files_empty.fetch_add(1, Relaxed);
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
            LogFileStatus::NoLog => {
                task.counters.files_skipped.fetch_add(1, Relaxed);
                return Ok(true);
            }
            LogFileStatus::New | LogFileStatus::Changed => Vec::new(),
            LogFileStatus::InPart(lines) => lines,
        };
        let content = SizeLimited::new(decompress(content)?, &self.limit);
        let archive = self.archive;
        let ends = self.deferred_ends.as_mut();
        let is_complete = archive.cut(content, &member, &known_lines, ends).inspect_err(|error| {
            if is_damage(error) {
                archive.send(Message::Damaged { source: task.source, file: member.clone() });
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
