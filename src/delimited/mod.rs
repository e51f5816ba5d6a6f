//! Delimited text (RFC 4180 with the usual tolerance) as byte ranges: pure splitting, and a reader of
//! whole-record chunks. Nothing is copied, re-quoted or re-encoded, so a row can leave as it came.
//!
//! The rules are those of the `csv-core` crate's defaults, and a property test holds the two equal:
//!
//! - A quote opens a quoted cell only as the cell's first byte; anywhere else it is a plain byte.
//! - In a quoted cell, `""` is a quote; after the closing quote, what follows up to the delimiter or
//!   line end is taken as it stands.
//! - `\n`, `\r\n` and a lone `\r` each end a record. Blank lines are not records.
//!
//! Two things are faults where `csv-core` goes on: a quote that is still open at the end of the input,
//! and a record over [`Limits::record_bytes_max`]. Either would make one record of a whole file.

mod cell;
mod chunks;
mod dialect;
mod fault;
mod header;
mod masks;
mod records;
mod splitter;
mod structure;
#[cfg(test)]
mod tests;

pub use cell::{AllCells, Cell, Cells, OneCell, WantedCells};
pub use chunks::{ChunkBuffer, Chunks, Limits};
pub use dialect::Dialect;
pub use fault::{Fault, FaultKind};
pub use header::{Header, NoColumn};
pub use records::Records;
pub use splitter::{Record, Splitter, skip_byte_order_mark};
pub use structure::Structure;

/// The quote byte.
pub const QUOTE: u8 = b'"';
