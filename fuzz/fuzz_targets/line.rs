//! Any bytes as a line: nothing panics, and the parts of a line are the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tamarin::log::{Field, parse_line, records};

fuzz_target!(|line: &[u8]| {
    let mut whole = Vec::with_capacity(line.len());
    for (part, record) in records(line) {
        whole.extend_from_slice(part);
        if let Ok(record) = record {
            assert!(record.logged(Field::Bucket).is_some());
            assert!(record.logged(Field::Operation).is_some());
            for field in Field::all() {
                assert!(record.logged(field).is_none_or(|text| !text.is_empty() && text != b"-"));
                let _ = record.integer(field);
            }
            let _ = record.key();
        }
    }
    assert_eq!(whole, line);
    let _ = parse_line(line);
});
