//! What stops a run that is not as it should be: an unexpected share, a canary that would fly.

use super::Arguments;
use crate::address::redact;
use crate::error::{Error, Result};
use crate::filter::{ExpectedShare, Filter, Tally, Withheld};
use crate::record::Reason;
use std::cmp::Reverse;

/// How many of the reasons are named.
const REASONS_NAMED: usize = 3;

/// The brakes of a run.
pub(super) struct Brakes<'a> {
    expected: Option<(ExpectedShare, &'a str)>,
    canaries: &'a [String],
}

impl<'a> Brakes<'a> {
    /// What the arguments ask for.
    ///
    /// # Errors
    ///
    /// As [`ExpectedShare::parse`].
    pub(super) fn of(arguments: &'a Arguments) -> Result<Self> {
        let expected = match arguments.expect.as_deref() {
            Some(text) => Some((ExpectedShare::parse(text)?, text.trim())),
            None => None,
        };
        Ok(Self { expected, canaries: &arguments.canaries })
    }

    /// Fails when a canary would be kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) then, and [`ErrorKind::Usage`](crate::ErrorKind::Usage)
    /// for one that is no address.
    pub(super) fn check_canaries(&self, filter: &Filter<'_>) -> Result<()> {
        let mut kept = Vec::new();
        for canary in self.canaries {
            if filter.reasons(canary)?.is_empty() {
                kept.push(redact(canary));
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} of {} canary addresses would be kept: {}",
            kept.len(),
            self.canaries.len(),
            kept.join(", ")
        );
        Err(Error::refused(message).with_hint(
            "nothing was read or written; is this the store, the class and the list that it was \
             recorded for? `quell history ADDRESS` shows what became of it",
        ))
    }

    /// Fails when the share of withheld rows is not as expected.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused), with the share, the range and the largest reasons.
    pub(super) fn check_share(&self, tally: &Tally) -> Result<()> {
        let Some((expected, text)) = self.expected else { return Ok(()) };
        if expected.holds(tally.withheld, tally.read) {
            return Ok(());
        }
        let mut reasons: Vec<(Reason, u64)> = Reason::all()
            .map(|reason| (reason, tally.withheld_for(reason)))
            .filter(|(_, count)| *count > 0)
            .collect();
        reasons.sort_by_key(|(_, count)| Reverse(*count));
        reasons.truncate(REASONS_NAMED);
        let reasons: Vec<String> =
            reasons.into_iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let most = match reasons.as_slice() {
            [] => String::new(),
            reasons => format!("; most for {}", reasons.join(", ")),
        };
        let message = format!(
            "{} would be withheld ({} of {} rows), outside of --expect {text}{most}",
            Withheld(tally),
            tally.withheld,
            tally.read
        );
        Err(Error::refused(message).with_hint(
            "nothing was written; is this the file, the store, the class and the list that was meant? \
             If it is right, widen --expect",
        ))
    }
}
