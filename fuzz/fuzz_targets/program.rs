//! Random operations on a small store answer as the model of the contract does.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::program(data));
