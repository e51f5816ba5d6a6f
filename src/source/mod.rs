//! What a file's bytes are, found out from the bytes: compression, archive, encoding, dialect.
//!
//! ```text
//! a file's bytes ─► unpack: gzip, zstd ─► text: UTF-8 without a mark ─► sniff: delimiter, header, columns
//!                └► Archive: the members of a ZIP, each again bytes
//! ```
//!
//! Names decide nothing here. What can't be decoded is an error with its place, never the end of a file: a
//! truncated list of suppressions that looks whole would let through whom it no longer names. Errors travel
//! through [`std::io::Error`] and come out whole in [`Error::reading`](crate::Error::reading).

mod ahead;
mod archive;
mod counted;
mod encoding;
mod format;
mod gzip;
mod limits;
mod pack;
mod sniff;
mod start;
mod text;
mod unpack;
mod zstandard;

pub use ahead::Ahead;
pub use archive::{Archive, Member};
pub use encoding::{Encoding, EncodingChoice};
pub use format::Format;
pub use limits::UnpackLimits;
pub use pack::Packer;
pub use sniff::{Column, LineEnds, Sniffed, separator_line, sniff};
pub use start::{START_BYTES, Start};
pub use text::{Text, text};
pub use unpack::{Compression, Unpacked, unpack};
