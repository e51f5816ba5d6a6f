//! A Parquet file is refused, or split into two that hold its rows.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| quell_soak::targets::parquet(data));
