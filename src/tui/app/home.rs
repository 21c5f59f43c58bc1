//! Paths as a shell reads them: `~` at their beginning is the home directory.

use std::path::{Path, PathBuf};

/// The path with the home directory in the place of a first part `~`. Without a home directory, the path itself.
pub(super) fn expanded(path: PathBuf) -> PathBuf {
    in_home(&path, std::env::home_dir().as_deref())
}

fn in_home(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) if !home.as_os_str().is_empty() => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_was_the_name_of_a_folder() {
        let expanded = |path: &str| in_home(Path::new(path), Some(Path::new("/home/ann")));
        assert_eq!(expanded("~/out/a.csv"), Path::new("/home/ann/out/a.csv"));
        for other in ["/tmp/~/a.csv", "~ann/a.csv", "a~.csv", "a.csv"] {
            assert_eq!(expanded(other), Path::new(other));
        }
        assert_eq!(in_home(Path::new("~/a.csv"), None), Path::new("~/a.csv"));
    }
}
