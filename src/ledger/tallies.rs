//! How many records withhold mail: for a chart, not for a decision.

use crate::record::{Reason, Timestamp};
use std::collections::BTreeMap;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// A day, counted from 1970-01-01 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub i64);

impl Day {
    /// The day of an instant.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(at.as_micros().div_euclid(DAY))
    }

    /// When it begins.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(DAY))
    }
}

/// How many records withhold mail, each counted once, under the first reason it gives.
///
/// A suppression that has expired is not counted, nor is an erased address, whose records are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tallies {
    /// All of them, by reason.
    pub by_reason: BTreeMap<Reason, u64>,
    /// Those of the last days, by the day that the record says, else that it was recorded on.
    pub by_day: BTreeMap<(Day, Reason), u64>,
}

impl Tallies {
    /// Counts a record of `reason` and of the instant `at`; only days from `first` on are counted by themselves.
    pub(crate) fn add(&mut self, reason: Reason, at: Option<Timestamp>, first: Day) {
        *self.by_reason.entry(reason).or_default() += 1;
        if let Some(day) = at.map(Day::of)
            && day >= first
        {
            *self.by_day.entry((day, reason)).or_default() += 1;
        }
    }
}
