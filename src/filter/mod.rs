//! A snapshot applied to many rows: a recipients file in, exactly the rows that may be mailed out.
//!
//! ```text
//! each thread:  read a chunk of whole records ─► split, normalise, hash, look up, select ─► hand it in
//!                 (one at a time, in order)          (side by side)                            │
//!                                          kept, withheld, counts ◄─ written in the input's order
//! ```
//!
//! Kept rows are the input's own bytes. Memory is constant in the input: the chunks in flight and the
//! index (and, with `dedupe`, 20 to 40 bytes for every kept key). Nothing here knows the
//! ledger, the clock or the command line: time, class and lists come in with [`Options`].

mod canary;
mod columns;
mod dedupe;
mod digest;
mod digests;
mod domains;
mod draft;
mod expected;
mod judge;
mod judged;
mod link_column;
mod message;
mod ndjson;
mod near_miss;
mod options;
mod output;
mod parquet;
mod pipeline;
mod report;
mod run;
mod select;
mod suppress;
#[cfg(test)]
mod tests;

pub use columns::Columns;
pub use digest::{Digest, Measured};
pub use expected::{ExpectedShare, Withheld};
pub use link_column::LinkColumn;
pub use near_miss::{Beside, NearMisses};
pub use options::{ColumnChoice, OnInvalid, Options};
pub use output::{Output, followed, sync_name};
pub use parquet::{MAGIC as PARQUET_MAGIC, panics_are_errors, spool};
pub use report::{FileReport, Report, Run};
pub use run::{Filter, Summary};
pub use select::Tally;
pub use suppress::SuppressFiles;
