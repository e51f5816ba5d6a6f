//! The filter keeps of JSON lines what reading each of them whole says, whatever the lines are.

#![no_main]

#[path = "../../tests/differential/ndjson.rs"]
mod ndjson;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (chunk_bytes, text) = input;
    ndjson::agree(text, usize::from(chunk_bytes) + 1);
});
