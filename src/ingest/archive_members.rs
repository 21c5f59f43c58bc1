//! The members of an archive, each read as a log file of its own.
//!
//! A member is in the catalogue by the name `ARCHIVE/MEMBER` and with the version of the archive, so it is known, read
//! in part, or changed as any other log file. The archive itself is noted when all of its members were read: until
//! then it is opened again, and members that are known are passed over.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Message;
use super::fetch_stage::Reading;
use crate::cache::FileMark;
use crate::cache::catalogue::LogFileStatus;
use crate::source::archive::{Limit, Limited, Visitor};
use crate::source::body::{is_damage, unpacked};

/// Takes the members of an archive.
pub struct ArchiveMembers<'r> {
    archive: &'r Reading,
    limit: Limit,
    /// All of them so far: if the archive is damaged, what they gave does not count.
    seen: Vec<Arc<FileMark>>,
    is_stopped: bool,
    has_failed: bool,
}

impl<'r> ArchiveMembers<'r> {
    /// Of this archive.
    pub fn new(archive: &'r Reading, limit: &Limit) -> ArchiveMembers<'r> {
        // What is listed are its members.
        archive.counters.files_listed.fetch_sub(1, Relaxed);
        let limit = limit.clone();
        ArchiveMembers { archive, limit, seen: Vec::new(), is_stopped: false, has_failed: false }
    }

    /// Notes the archive as read, if all of its members were.
    ///
    /// # Errors
    /// What kept the archive from being read to its end.
    pub fn end(self, walked: io::Result<()>) -> io::Result<()> {
        let ArchiveMembers { archive, seen, is_stopped, has_failed, .. } = self;
        match walked {
            Ok(()) if !is_stopped && !has_failed => {
                archive.tell(Message::Expanded(archive.source, archive.file.clone()));
                Ok(())
            }
            Ok(()) => Ok(()),
            Err(error) => {
                archive.counters.files_listed.fetch_add(1, Relaxed);
                if is_damage(&error) {
                    for member in seen {
                        archive.tell(Message::Damaged(archive.source, member));
                    }
                }
                Err(error)
            }
        }
    }

    fn name_of(&self, member: &str) -> String {
        format!("{}/{member}", self.archive.file.name)
    }
}

impl Visitor for ArchiveMembers<'_> {
    fn member(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<bool> {
        let Reading { stop, counters, cache, source_id, file, .. } = self.archive;
        if stop.is_asked() {
            self.is_stopped = true;
            return Ok(false);
        }
        let (name, version) = (self.name_of(name), file.version.clone());
        let known = cache.log_file_statuses(*source_id, std::iter::once((name.as_str(), version.as_deref())));
        let known = known.map_err(io::Error::other)?.pop().unwrap_or(LogFileStatus::New);
        // What is empty is of interest only if it was not empty before.
        if known == LogFileStatus::New && size == 0 {
            return Ok(true);
        }
        counters.files_listed.fetch_add(1, Relaxed);
        let member = Arc::new(FileMark { name, version, size: Some(size), may_grow: false });
        self.seen.push(member.clone());
        let known = match known {
            LogFileStatus::Whole => {
                counters.files_known.fetch_add(1, Relaxed);
                return Ok(true);
            }
            LogFileStatus::New | LogFileStatus::Changed => Vec::new(),
            LogFileStatus::InPart(parts) => parts,
        };
        let content = Limited::new(unpacked(content)?, &self.limit);
        let is_read = self.archive.cut(content, &member, &known).inspect_err(|error| {
            if is_damage(error) {
                self.archive.tell(Message::Damaged(self.archive.source, member));
            }
        })?;
        self.is_stopped = !is_read;
        Ok(is_read)
    }

    fn failed(&mut self, name: &str, error: &io::Error) {
        self.has_failed = true;
        let (name, reason) = (self.name_of(name), error.to_string());
        self.archive.counters.file_failed(&name, reason.clone(), &reason);
    }
}
