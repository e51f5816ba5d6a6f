//! A snapshot applied to many rows: a recipients file in, exactly the rows that may be mailed out.
//!
//! ```text
//! reader ─► chunks of whole records ─► workers: split, normalise, hash, look up, select
//!                                          │ (any order)
//!                                      writer: back in input order ─► kept, withheld, counts
//! ```
//!
//! Kept rows are the input's own bytes. Memory is constant in the input: the chunks in flight and the
//! index (and, with `dedupe`, 20 to 40 bytes for every kept key). Nothing here knows the
//! ledger, the clock or the command line: time, class and lists come in with [`Options`].

mod columns;
mod dedupe;
mod digest;
mod judge;
mod options;
mod output;
mod pipeline;
mod report;
mod select;
mod suppress;
#[cfg(test)]
mod tests;

pub use columns::Columns;
pub use digest::{Digest, Measured};
pub use options::{ColumnChoice, OnInvalid, Options};
pub use output::Output;
pub use pipeline::{Filter, Summary};
pub use report::{FileReport, Report, Run};
pub use select::Tally;
pub use suppress::SuppressFiles;
