//! The number of files and connections that the process may have open.

/// Enough for the connections of a pull, the cache and the log files. Some systems allow only 256 unless asked.
#[cfg(unix)]
const NEEDED: u64 = 1024;

/// Asks the system for as many open files as a pull needs. If it allows fewer, they stay as they are: what cannot be opened
/// is an error there.
pub(super) fn allow_enough() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(NEEDED, |maximum| maximum.min(NEEDED));
        if limit.current.is_some_and(|current| current < wanted) {
            let raised = Rlimit { current: Some(wanted), ..limit };
            let _ = setrlimit(Resource::Nofile, raised);
        }
    }
}
