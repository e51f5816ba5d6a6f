//! The structural scan, the plain splitter, a byte-by-byte one and `csv-core` split every text alike.

#![no_main]

#[path = "../../tests/differential/delimited.rs"]
mod delimited;
#[path = "../../tests/differential/plain.rs"]
mod plain;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (chunk_bytes, text) = input;
    delimited::agree(text, usize::from(chunk_bytes) + 1);
});
