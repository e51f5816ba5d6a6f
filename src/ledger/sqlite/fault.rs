//! What SQLite's failures mean for the user.

use crate::error::Error;
use rusqlite::ErrorCode;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let said = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::untrusted("the ledger is locked by another writer")
                    .with_hint("wait until the other command is done and try again")
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                damaged(&error.to_string())
            }
            Some(ErrorCode::DiskFull) => {
                Self::untrusted("the disk that holds the ledger is full; nothing was changed")
                    .with_hint("make room there, then run the command again")
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::untrusted(format!("the ledger can't be written: {error}"))
                    .with_hint("check the owner and the permissions of the store's directory")
            }
            Some(ErrorCode::CannotOpen) => {
                Self::untrusted(format!("the ledger can't be opened: {error}")).with_hint(
                    "check the owner and the permissions of the store's directory, and the limit of open \
                     files (`ulimit -n`)",
                )
            }
            Some(ErrorCode::SystemIoFailure) => {
                Self::untrusted(format!("the ledger failed: {error}")).with_hint(
                    "check the disk, its quota and the limit of file sizes (`ulimit -f`), then run the \
                     command again",
                )
            }
            Some(ErrorCode::OutOfMemory) => Self::untrusted("out of memory in the ledger")
                .with_hint("raise the limit of memory (`ulimit -v`, the container's)"),
            // Its schema is this program's own, and so are its statements and the types of its columns.
            Some(ErrorCode::Unknown) => damaged(&error.to_string()),
            None => damaged(&error.to_string()),
            _ => Self::untrusted(format!("the ledger failed: {error}"))
                .with_hint("run `quell verify`; docs/operations.md tells how to go on"),
        };
        said.with_source(error)
    }
}

/// The ledger's bytes are not what this program writes.
pub(super) fn damaged(what: &str) -> Error {
    Error::untrusted(format!("the ledger is damaged: {what}"))
        .with_hint("restore the store from a backup; docs/operations.md tells how")
}
