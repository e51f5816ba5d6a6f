//! Opt-outs are taken in also while no question can be answered: losing one is worse than answering late.

use super::State;
use crate::error::Result;
use crate::store::Store;
use std::sync::Arc;

/// The store to record an opt-out in: also one whose index can't be trusted, for its ledger may take it all the same.
///
/// # Errors
///
/// Untrusted when it can't be opened.
pub(super) fn store(state: &State) -> Result<Arc<Store>> {
    match state.live().answers() {
        Ok(answers) => Ok(Arc::clone(answers.store())),
        Err(_) => Store::open(&state.settings().store).map(Arc::new),
    }
}

/// Brings the answers up to an opt-out that is in the ledger as `generation`, if there are any.
///
/// # Errors
///
/// Untrusted while somebody is told something else.
pub(super) fn follow(state: &State, generation: u64) -> Result<()> {
    match (state.live().follow(generation, state.now()), state.live().answers()) {
        // Without answers nobody is told that the address may be mailed, and it is in those that come.
        (Ok(()), _) | (Err(_), Err(_)) => Ok(()),
        (Err(_), Ok(answers)) if answers.generation() >= generation => Ok(()),
        (Err(error), Ok(_)) => Err(error),
    }
}
