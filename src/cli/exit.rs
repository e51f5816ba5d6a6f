//! Exit codes: part of the interface (contract §5).

use crate::error::{Error, ErrorKind};

/// Done; for `check`: every address is clear.
pub const DONE: u8 = 0;
/// `check`: at least one address is suppressed or invalid.
pub const SUPPRESSED: u8 = 1;
/// `verify`: something is wrong.
pub const FAULTY: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The input is wrong: unreadable, not CSV, rejects over the limit; nothing applied, no output file.
pub const INPUT: u8 = 3;
/// The answer can't be trusted: store or index missing, damaged, locked out, too old, from a newer
/// version.
pub const UNTRUSTED: u8 = 4;
/// Refused: no permission, or a safety brake.
pub const REFUSED: u8 = 5;
/// The reader of standard output went away: 128 + SIGPIPE, as a shell reports it.
pub const BROKEN_PIPE: u8 = 141;

/// The exit code of an error.
#[must_use]
pub fn code_of(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Usage => USAGE,
        ErrorKind::Input => INPUT,
        ErrorKind::Untrusted => UNTRUSTED,
        ErrorKind::Refused => REFUSED,
        ErrorKind::BrokenPipe => BROKEN_PIPE,
    }
}
