#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tamarin_s3_fuzz::targets::json(bytes));
