//! The thread that looks at what other processes do to the store.

use super::State;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often the ledger is looked at: changes of other processes are in the answers well within 100 ms.
const LOOK: Duration = Duration::from_millis(15);
/// How many looks there are between two at the store's files, and between two at what is due.
const LOOKS_A_FILE_LOOK: u32 = 16;
/// How many looks there are between two at the access tokens: a revoked one is of no use well within 100 ms.
const LOOKS_A_TOKEN_LOOK: u32 = 4;
/// How long a store that can't be trusted is left alone before it is opened again.
const RETRY: Duration = Duration::from_millis(500);

/// Looks until the sender of `stop` is dropped.
pub(super) fn watch(state: &State, stop: &Receiver<()>) {
    let live = state.live();
    let mut pause = LOOK;
    let mut was_trusted = true;
    for look in 0_u32.. {
        match stop.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if look % LOOKS_A_FILE_LOOK == 0 {
            live.look_at_files();
        }
        if look % LOOKS_A_TOKEN_LOOK == 0 {
            // Without a store that can be read nobody gets an answer anyway.
            let _ = state.tokens().load(state);
        }
        pause = if live.look(state.now()).is_ok() { LOOK } else { RETRY };
        was_trusted = tell(state, was_trusted);
    }
}

/// Says when decisions can't be made any more, and when they can again.
fn tell(state: &State, was_trusted: bool) -> bool {
    let answers = state.live().answers();
    match &answers {
        Err(error) if was_trusted => {
            let hint = error.hint().unwrap_or("see /readyz");
            tracing::error!(%error, hint, "no decisions are made");
        }
        Ok(answers) if !was_trusted => {
            tracing::info!(generation = answers.generation(), "decisions are made again");
        }
        _ => {}
    }
    answers.is_ok()
}

/// Compiles when it is due, until the sender of `stop` is dropped: on a thread of its own, for it takes time.
pub(super) fn compile(state: &State, stop: &Receiver<()>) {
    while stop.recv_timeout(RETRY) == Err(RecvTimeoutError::Timeout) {
        if let Err(error) = state.live().compile_if_due(state.now()) {
            tracing::warn!(%error, "the index on disk could not be brought up");
        }
    }
}
