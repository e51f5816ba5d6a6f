//! The wall clock: read here and nowhere below, so that every answer is for an instant the caller names.

use crate::record::Timestamp;

/// Now.
#[must_use]
pub(super) fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
