//! Words of the command line → values.

use crate::address::{Key, KeyBuffer, Policy, redact};
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

/// Names of lists, without surrounding space.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an empty one, which would ask about nothing.
pub(super) fn lists(names: &[String]) -> Result<Vec<String>> {
    names.iter().map(|name| list(name)).collect()
}

/// The name of a list, without surrounding space.
///
/// # Errors
///
/// As [`lists`].
pub(super) fn list(name: &str) -> Result<String> {
    match name.trim() {
        "" => {
            Err(Error::usage("an empty list name").with_hint("give --list a name, or leave it out"))
        }
        name if name.contains(';') => Err(Error::usage(format!("`{name}`: a `;` parts lists"))
            .with_hint("give --list once for each")),
        name => Ok(name.to_owned()),
    }
}

/// The key of an address given on the command line.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a text that is no address.
pub(super) fn key<'b>(policy: Policy, address: &str, buffer: &'b mut KeyBuffer) -> Result<Key<'b>> {
    policy
        .key(address.as_bytes(), buffer)
        .map_err(|fault| Error::usage(format!("`{}` is no address: {fault}", redact(address))))
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
