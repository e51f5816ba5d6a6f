//! Why an index is not trusted, in words: what was found, what was expected, the cure.

use std::io;

use super::IndexIdentity;
use super::manifest::{Manifest, VERSION};
use crate::error::Error;

const REBUILD: &str = "rebuild the index with `quell compile --full`";

fn manifest(what: &str) -> Error {
    Error::untrusted(format!("index manifest: {what}")).with_hint(REBUILD)
}

/// There is no index.
pub(super) fn missing(source: io::Error) -> Error {
    Error::untrusted("index missing: there is no manifest").with_hint(REBUILD).with_source(source)
}

pub(super) fn unreadable(source: io::Error) -> Error {
    manifest(&format!("cannot be read: {source}")).with_source(source)
}

/// The bytes are not what was written.
pub(super) fn damaged(what: &str) -> Error {
    manifest(&format!("damaged: {what}"))
}

pub(super) fn truncated() -> Error {
    manifest("truncated: it does not end with its checksum line")
}

pub(super) fn checksum(found: &str, expected: &str) -> Error {
    let found: String = found.escape_default().take(expected.len()).collect();
    damaged(&format!("its last line is `{found}`, expected `{expected}`"))
}

pub(super) fn version(found: u32) -> Error {
    manifest(&format!("format version {found}, this build reads up to {VERSION}"))
        .with_hint("upgrade quell, or rebuild the index with `quell compile --full`")
}

/// A sound manifest, but not of this store.
pub(super) fn foreign(found: &Manifest, expected: &IndexIdentity) -> Option<Error> {
    if found.ledger_id != expected.ledger_id {
        let (found, expected) = (found.ledger_id.escape_default(), &expected.ledger_id);
        return Some(manifest(&format!(
            "made from ledger `{found}`, this store's is `{expected}`"
        )));
    }
    if found.key_id != expected.segment.key_id {
        let (found, expected) = (found.key_id, expected.segment.key_id);
        return Some(
            manifest(&format!(
                "made with another secret key: key {found:016x}, this store has {expected:016x}"
            ))
            .with_hint("restore this store's `secret.key`, or rebuild with `quell compile --full`"),
        );
    }
    if found.policy != expected.segment.policy {
        let (found, expected) = (found.policy, expected.segment.policy);
        return Some(
            manifest(&format!("made under address policy {found}, this store has {expected}"))
                .with_hint(
                    "a store's policy is fixed by `quell init`; rebuild with `quell compile --full`",
                ),
        );
    }
    None
}

/// A sound segment, but not the one the manifest describes.
pub(super) fn other_segment(name: &str) -> Error {
    Error::untrusted(format!("segment `{name}`: its counts are not those of the manifest"))
        .with_hint(REBUILD)
}

pub(super) fn exists() -> Error {
    Error::refused("an index is already there").with_hint(REBUILD)
}

pub(super) fn writing(what: &str, source: io::Error) -> Error {
    Error::untrusted(format!("index: cannot {what}: {source}"))
        .with_hint("free disk space or mend the store's permissions, then run the command again")
        .with_source(source)
}

pub(super) fn secret() -> Error {
    Error::untrusted("secret key: not 32 hexadecimal digits").with_hint(
        "restore `secret.key` from a backup; with another one every stored address is unknown",
    )
}

pub(super) fn no_dictionary() -> Error {
    Error::untrusted("the index carries no addresses: it was compiled without a dictionary")
        .with_hint("compile one with `quell compile --full`")
}
