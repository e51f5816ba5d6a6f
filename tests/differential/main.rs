//! What is fast against what is plain: the same records, the same bytes, with every optimisation on or off.
//!
//! `delimited`, `ndjson` and `plain` are also what the fuzz targets in `fuzz/` run.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod delimited;
mod filter;
mod ndjson;
mod plain;
