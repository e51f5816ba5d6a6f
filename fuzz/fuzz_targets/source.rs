//! Whatever a file's bytes are, they are decoded or refused.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::source(data));
