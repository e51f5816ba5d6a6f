//! What each fuzz target does with an input: nothing, or it panics.
//!
//! `fuzz/` gives these to libFuzzer, `tests/targets.rs` replays the corpora with them on the stable toolchain and gives
//! them seeded mutations. An input's first bytes are choices; the rest is what is read.

mod address;
mod certificate;
#[path = "../../../../tests/differential/delimited.rs"]
mod delimited_agree;
mod files;
#[path = "../../../../tests/differential/ndjson.rs"]
mod ndjson_agree;
mod parquet;
#[path = "../../../../tests/differential/plain.rs"]
mod plain;
mod program;
mod segment;
mod source;

pub use address::address;
pub use certificate::{SEED, certificate};
pub use files::{detect, import, number_of};
pub use parquet::parquet;
pub use program::program;
pub use segment::{manifest, segment};
pub use source::source;

/// A target: its name in `fuzz/`, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("address", address),
    ("certificate", certificate),
    ("delimited", delimited),
    ("detect", detect),
    ("import", import),
    ("manifest", manifest),
    ("ndjson", ndjson),
    ("parquet", parquet),
    ("program", program),
    ("segment", segment),
    ("source", source),
];

/// The structural scan, the plain splitter, a byte-by-byte one and `csv-core` split every text alike.
pub fn delimited(data: &[u8]) {
    if let [chunk_bytes, text @ ..] = data {
        delimited_agree::agree(text, usize::from(*chunk_bytes) + 1);
    }
}

/// The filter keeps of JSON lines what reading each of them whole says, whatever the lines are.
pub fn ndjson(data: &[u8]) {
    if let [chunk_bytes, text @ ..] = data {
        ndjson_agree::agree(text, usize::from(*chunk_bytes) + 1);
    }
}
