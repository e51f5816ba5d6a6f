//! `--as-of TIME`: which state of the ledger a time that is over means.

use super::clock;
use crate::error::{Error, Result};
use crate::ledger::{HistoryEntry, Ledger, View};
use crate::record::Timestamp;
use crate::store::Store;

/// A time that is over, and the generation that was the last one then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AsOf {
    /// The time.
    pub at: Timestamp,
    /// The generation; 0 when nothing had been recorded yet.
    pub generation: u64,
}

impl AsOf {
    /// Reads a time, and finds its generation.
    ///
    /// # Errors
    ///
    /// Usage for a text that is no time; untrusted for a time of which nothing is known, for it is to come, or
    /// the store was not there yet.
    pub fn of(text: &str, store: &Store, view: &dyn View) -> Result<Self> {
        let at =
            Timestamp::parse(text).map_err(|fault| Error::usage(format!("--as-of: {fault}")))?;
        let (created, now) = (store.ledger().created_at(), clock::now());
        if at < created {
            return Err(Error::untrusted(format!(
                "nothing is known of {at}: this store was created at {created}"
            )));
        }
        if at > now {
            return Err(Error::untrusted(format!(
                "nothing is known of {at}: that time is to come, now it is {now}"
            )));
        }
        Ok(Self { at, generation: view.generation_at(at)? })
    }

    /// Says whether an entry of a history had been written by then.
    ///
    /// By its generation, for clocks go back; what changed nothing has the generation before it, so there
    /// its time decides.
    pub fn covers(&self, entry: &HistoryEntry) -> bool {
        entry.generation < self.generation
            || entry.generation == self.generation && entry.at <= self.at
    }
}
