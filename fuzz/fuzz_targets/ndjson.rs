//! The filter keeps of JSON lines what reading each of them whole says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::ndjson(data));
