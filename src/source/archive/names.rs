//! Names of archive members.

use std::collections::HashSet;
use std::io;

use super::too_many_members;

/// Bytes of the longest member name.
const MAX_NAME_BYTES: usize = 4 << 10;
/// Bytes of all member names of an archive.
const MAX_TOTAL_NAME_BYTES: usize = 32 << 20;
/// Members of an archive that may share a name.
const MAX_SAME_NAME: u32 = 1000;

/// The member names of one archive. All are different.
#[derive(Default)]
pub(super) struct MemberNames {
    used: HashSet<String>,
    bytes: usize,
}

impl MemberNames {
    /// Makes a unique relative path from the name of the next member: members that share a name are numbered.
    /// The inner error says why the name cannot be used. The outer error: the archive has too many names.
    pub(super) fn add(&mut self, name: &[u8]) -> io::Result<Result<String, String>> {
        if name.len() > MAX_NAME_BYTES {
            return Ok(Err(format!("its name is longer than {MAX_NAME_BYTES} bytes")));
        }
        let text = String::from_utf8_lossy(name);
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Ok(Err("its name leads out of the archive (`..`); rename it in the archive".to_owned()));
        }
        if parts.is_empty() {
            return Ok(Err("it has no name".to_owned()));
        }
        let path = parts.join("/");
        // `tar -r` appends another member with the name of a file that has changed.
        let mut unique = path.clone();
        let mut number = 1;
        while self.used.contains(&unique) {
            number += 1;
            if number > MAX_SAME_NAME {
                return Ok(Err(format!("more than {MAX_SAME_NAME} members have this name")));
            }
            unique = format!("{path} ({number})");
        }
        self.bytes += unique.len();
        if self.bytes > MAX_TOTAL_NAME_BYTES {
            return Err(too_many_members());
        }
        self.used.insert(unique.clone());
        Ok(Ok(unique))
    }
}
