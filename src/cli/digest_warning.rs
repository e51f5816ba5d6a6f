//! A warning after an import of digests: the list was made from addresses as they were written.

use super::Context;
use crate::error::Result;
use crate::ledger::ImportCounts;
use crate::store::Store;

/// Warns when known addresses with capitals are in the list only as they are written. Never a failure of the
/// import: what was imported withholds all the same.
///
/// # Errors
///
/// As the ledger says.
pub(super) fn warn(context: &Context, store: &Store, counts: &ImportCounts) -> Result<()> {
    if counts.added == 0 {
        return Ok(());
    }
    let probe = store.probe_digests(counts.generation)?;
    if probe.only_as_written > 0 {
        context.terminal.warn(&format!(
            "this list was made from addresses as they were written, not in lower case: of {} known \
             addresses with capitals it holds {} only as they are written and {} in lower case. A \
             recipient in another spelling than the list's is not found: ask for digests of trimmed \
             addresses in lower case",
            probe.probed, probe.only_as_written, probe.in_lower_case
        ));
    }
    Ok(())
}
