#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| starttls_lab_fuzz::relay(data));
