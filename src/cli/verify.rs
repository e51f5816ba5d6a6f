//! `quell verify`: every checksum, and the index against the ledger.

use super::terminal::print;
use super::{Context, clock, exit};
use crate::error::Result;
use crate::store::Store;

/// Runs the command: exit code 1 when something is wrong.
///
/// # Errors
///
/// When the store can't even be opened.
pub fn run(context: &Context) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let verified = store.verify(clock::now())?;
    print(|out| {
        for fault in &verified.faults {
            writeln!(out, "{fault}")?;
        }
        Ok(())
    })?;
    if verified.faults.is_empty() {
        context.terminal.note(&format!(
            "verified: {} segments, {} entries, {} keys and contacts of the ledger, generation {}",
            verified.segments, verified.entries, verified.compared, verified.generation
        ));
        return Ok(exit::DONE);
    }
    context.terminal.warn(&format!(
        "{} faults; an index heals with `quell compile --full`, a ledger from its backup \
         (docs/operations.md)",
        verified.faults.len()
    ));
    Ok(exit::FAULTY)
}
