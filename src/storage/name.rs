//! Which names a directory takes.

use std::io;

/// The lock's own file, which is none of the directory's contents.
pub(super) const LOCK: &str = "lock";

/// Refuses a name that could reach outside the directory, or be the lock's.
///
/// Names come from a manifest, that is, from a file: a foreign one must not make us open `../../x`.
pub(super) fn check(name: &str) -> io::Result<()> {
    let plain = !name.is_empty()
        && !name.starts_with('.')
        && name != LOCK
        && !name.contains(['/', '\\', '\0', ':']);
    if plain {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is not a plain file name")))
}

/// Adds the file's name to an error of the system, which leaves it out.
pub(super) fn naming(shown: impl std::fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("`{shown}`: {error}"))
}
