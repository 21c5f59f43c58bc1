//! Log files of every format, in the folder `in` of a home directory.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tamarin::demo::{Demo, DemoOptions, LogFormat};

use crate::home::Home;

/// The log of a demo in the text format. All its records have the fields of today.
pub(crate) fn demo(requests: u32) -> Vec<u8> {
    let options = DemoOptions { requests: u64::from(requests), seed: 7 };
    let mut text = Vec::new();
    Demo::new(options).write_to_file(&mut text).unwrap();
    text
}

/// Lines of the text format in another format.
pub(crate) fn as_format(format: LogFormat, lines: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    format.write(lines, &mut out).unwrap();
    out
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A tar archive with these members.
pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A home whose folder `in` has these files.
pub(crate) fn home_with(files: &[(&str, &[u8])]) -> Home {
    let home = Home::new();
    for (name, content) in files {
        put(&home, name, content);
    }
    home
}

/// Writes a file into the folder `in`.
pub(crate) fn put(home: &Home, name: &str, content: &[u8]) {
    let path = home.path("in").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
