//! Texts that somebody gave → values.

use crate::address::{Key, KeyBuffer, Policy, redact};
use crate::error::{Error, Result};

/// Names of lists, without surrounding space.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an empty one, which would ask about nothing.
pub fn lists(names: &[String]) -> Result<Vec<String>> {
    names.iter().map(|name| list(name)).collect()
}

/// The name of a list, without surrounding space.
///
/// # Errors
///
/// As [`lists`].
pub fn list(name: &str) -> Result<String> {
    match name.trim() {
        "" => Err(Error::usage("an empty list name").with_hint("name a list, or none")),
        name if name.contains(';') => Err(Error::usage(format!("`{name}`: a `;` parts lists"))
            .with_hint("name each list by itself")),
        name => Ok(name.to_owned()),
    }
}

/// The key of an address as somebody gave it.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a text that is no address.
pub fn key<'b>(policy: Policy, address: &str, buffer: &'b mut KeyBuffer) -> Result<Key<'b>> {
    policy
        .key(address.as_bytes(), buffer)
        .map_err(|fault| Error::usage(format!("`{}` is no address: {fault}", redact(address))))
}
