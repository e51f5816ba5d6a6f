//! A damaged segment is refused, or answers as before.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::segment(data));
