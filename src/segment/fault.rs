//! Why a segment is not trusted, in words: which file, what was found, what was expected, the cure.

use super::Identity;
use super::format::{MAGIC, VERSION};
use crate::error::Error;
use std::io;

const REBUILD: &str = "rebuild the index with `quell compile --full`";

fn untrusted(name: &str, what: &str) -> Error {
    Error::untrusted(format!("segment `{name}`: {what}")).with_hint(REBUILD)
}

/// The bytes are not what was written.
pub(super) fn damaged(name: &str, what: &str) -> Error {
    untrusted(name, &format!("damaged: {what}"))
}

/// A section's bytes are not what was written.
pub(super) fn section(name: &str, label: &str, what: &str) -> Error {
    damaged(name, &format!("section `{label}`: {what}"))
}

pub(super) fn unreadable(name: &str, source: io::Error) -> Error {
    untrusted(name, &format!("cannot be opened: {source}")).with_source(source)
}

pub(super) fn unwritable(name: &str, source: io::Error) -> Error {
    Error::untrusted(format!("segment `{name}`: cannot be written: {source}"))
        .with_hint("free disk space or mend the store's permissions, then run the command again")
        .with_source(source)
}

/// Too short to hold what it says it holds, or longer.
pub(super) fn length(name: &str, found: u64, expected: u64) -> Error {
    let what = if found < expected { "truncated" } else { "has bytes after its end" };
    untrusted(name, &format!("{what}: {found} bytes, {expected} expected"))
}

pub(super) fn not_a_segment(name: &str) -> Error {
    let magic = String::from_utf8_lossy(&MAGIC).into_owned();
    untrusted(name, &format!("not a segment: the file does not begin with `{magic}`"))
}

pub(super) fn version(name: &str, found: u32) -> Error {
    if found == 0 {
        return damaged(name, "format version 0 does not exist");
    }
    if found < VERSION {
        return untrusted(name, &format!("format version {found}, this build reads {VERSION}"));
    }
    untrusted(name, &format!("format version {found}, this build reads up to {VERSION}"))
        .with_hint("upgrade quell, or rebuild the index with `quell compile --full`")
}

pub(super) fn renamed(name: &str, expected: &str) -> Error {
    untrusted(name, &format!("wrong name: the contents are those of `{expected}`"))
}

pub(super) fn unknown_kind(name: &str, code: u32) -> Error {
    untrusted(name, &format!("section kind {code} is unknown in format version {VERSION}"))
}

pub(super) fn foreign(name: &str, found: &Identity, expected: &Identity) -> Error {
    if found.key_id != expected.key_id {
        let (found, expected) = (found.key_id, expected.key_id);
        return untrusted(
            name,
            &format!(
                "made with another secret key: key {found:016x}, this store has {expected:016x}"
            ),
        )
        .with_hint("restore this store's `secret.key`, or rebuild with `quell compile --full`");
    }
    let (found, expected) = (found.policy, expected.policy);
    untrusted(name, &format!("made under address policy {found}, this store has {expected}"))
}

/// What a writer was given breaks the promises a segment makes; nothing was written.
pub(super) fn contents(what: &str) -> Error {
    Error::untrusted(format!("segment not written: {what}"))
        .with_hint("this is a fault of quell, not of your data; please report it")
}
