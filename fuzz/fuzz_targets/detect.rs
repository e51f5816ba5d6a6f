//! Whatever a file is taken for, it can be read as that.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::detect(data));
