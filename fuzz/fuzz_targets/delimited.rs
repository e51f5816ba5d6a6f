//! Four ways of splitting a text into records agree.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::delimited(data));
