//! A run as JSON (contract §6).

use super::digest::Measured;
use super::select::Tally;
use crate::record::{Class, Reason, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its path as given; `-` for a standard stream.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: Option<String>,
}

impl FileReport {
    /// The report of what passed through `measured`.
    #[must_use]
    pub fn of<T>(path: &str, measured: &Measured<T>) -> Self {
        let sha256 = measured.digest().map(|digest| digest.to_string());
        Self { path: path.to_owned(), bytes: measured.bytes(), sha256 }
    }
}

/// A run of the filter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    schema: u32,
    quell: &'static str,
    /// The generation that answered; `null` without a store.
    pub generation: Option<u64>,
    /// The ledger position that answered; `null` without a store.
    pub cursor: Option<u64>,
    /// The instant the answers are for.
    pub as_of: String,
    class: String,
    lists: Vec<String>,
    policy: String,
    read: u64,
    kept: u64,
    withheld: u64,
    by_reason: Map<String, Value>,
    /// The input.
    pub input: FileReport,
    /// The kept rows.
    pub output: FileReport,
    /// The withheld rows, if they were asked for.
    pub suppressed: Option<FileReport>,
    started_at: String,
    elapsed_ms: u64,
    rows_per_second: u64,
}

/// What a [`Report`] tells besides its files.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// The counts.
    pub tally: &'a Tally,
    /// The generation and cursor that answered; none without a store.
    pub position: Option<(u64, u64)>,
    /// The kind of send.
    pub class: Class,
    /// The lists of the whole batch.
    pub lists: &'a [String],
    /// The policy's name.
    pub policy: String,
    /// The instant the answers are for.
    pub as_of: Timestamp,
    /// When the run began.
    pub started_at: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
}

impl Report {
    /// The report of a run.
    #[must_use]
    pub fn new(
        run: &Run<'_>,
        input: FileReport,
        output: FileReport,
        suppressed: Option<FileReport>,
    ) -> Self {
        let tally = run.tally;
        let by_reason = Reason::all().filter(|reason| tally.withheld_for(*reason) > 0);
        let by_reason =
            by_reason.map(|reason| (reason.as_str().to_owned(), tally.withheld_for(reason).into()));
        let micros = run.elapsed.as_micros().max(1);
        let rate = u128::from(tally.read) * 1_000_000 / micros;
        Self {
            schema: 1,
            quell: env!("CARGO_PKG_VERSION"),
            generation: run.position.map(|(generation, _)| generation),
            cursor: run.position.map(|(_, cursor)| cursor),
            as_of: run.as_of.to_string(),
            class: run.class.to_string(),
            lists: run.lists.to_vec(),
            policy: run.policy.clone(),
            read: tally.read,
            kept: tally.kept,
            withheld: tally.withheld,
            by_reason: by_reason.collect(),
            input,
            output,
            suppressed,
            started_at: run.started_at.to_string(),
            elapsed_ms: u64::try_from(run.elapsed.as_millis()).unwrap_or(u64::MAX),
            rows_per_second: u64::try_from(rate).unwrap_or(u64::MAX),
        }
    }
}
