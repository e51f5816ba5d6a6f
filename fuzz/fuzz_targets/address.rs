//! The fast normalisation gives the general one's keys and hashes; a key's key is itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::address(data));
