//! Words of the command line → values.

pub(super) use crate::action::words::{key, list, lists};
use crate::error::{Error, Result};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use std::fmt::Display;
use std::str::FromStr;

/// A word that has only some values.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage), naming them.
pub(super) fn word<T: FromStr<Err: Display>>(word: &str) -> Result<T> {
    word.parse().map_err(|error: T::Err| Error::usage(error.to_string()))
}

/// A length of time: `90s`, `15m`, `24h`, `7d`, `1d 12h`.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for anything else, or a negative one.
pub(super) fn duration(text: &str) -> Result<SignedDuration> {
    let wrong = || {
        Error::usage(format!("`{text}` is no length of time"))
            .with_hint("write it as `90s`, `15m`, `24h` or `7d`")
    };
    let span: Span = text.parse().map_err(|_| wrong())?;
    // A day is 24 hours here: an index's age knows no calendar.
    let days = SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(|_| wrong())?;
    if duration.is_negative() { Err(wrong()) } else { Ok(duration) }
}
