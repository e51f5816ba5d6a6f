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

/// Brings the answers up to an opt-out that `store`'s ledger has as `generation`, if there are any answers.
///
/// # Errors
///
/// Untrusted while somebody is told something else, and when the ledger is no longer the one at the store's path: then
/// the opt-out is in a file that nobody will ever read.
pub(super) fn follow(state: &State, store: &Store, generation: u64) -> Result<()> {
    let Err(error) = state.live().follow(store, generation, state.now()) else { return Ok(()) };
    // What whoever comes next will open.
    if !Store::open(&state.settings().store)?.has_generation_of(store, generation)? {
        return Err(error);
    }
    match state.live().answers() {
        // Without answers nobody is told that the address may be mailed, and it is in those that come.
        Err(_) => Ok(()),
        Ok(answers) if answers.generation() >= generation => Ok(()),
        Ok(_) => Err(error),
    }
}
