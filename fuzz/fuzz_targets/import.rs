//! Every importer tells of each row of whatever file it is given, or refuses the file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::import(data));
