//! Only one text of a scrub certificate holds.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::certificate(data));
