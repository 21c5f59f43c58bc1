//! Any bytes as a key: nothing panics, and decoding never makes a key longer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tamarin::log::{key, object_name};

fuzz_target!(|logged: &[u8]| {
    for operation in ["REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT"] {
        assert!(key::decode(operation.as_bytes(), logged).len() <= logged.len());
    }
    if let Ok(text) = std::str::from_utf8(logged) {
        assert!(!object_name::is_log_name(text) || object_name::NameDate::find(text).is_some());
    }
});
