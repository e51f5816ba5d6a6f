//! A damaged manifest is refused, or the index answers as before.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::manifest(data));
