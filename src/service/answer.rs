//! Work on the store, off the threads that serve connections.

use super::{Problem, State};
use crate::error::Result;
use axum::http::StatusCode;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many changes are under way at once: one writes, the next ones are ready to.
const CHANGES: usize = 4;

/// Runs `work` on a thread that may block: for whatever reads the ledger, waits for a disk, or computes for long.
///
/// # Errors
///
/// What `work` says.
pub(super) async fn blocking<T: Send + 'static>(
    state: &State,
    work: impl FnOnce(&State) -> Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let (state, panicked) = (state.clone(), state.clone());
    match tokio::task::spawn_blocking(move || work(&state)).await {
        Ok(done) => done.map_err(Problem::from),
        Err(ended) => {
            if ended.is_panic() {
                panicked.metrics().panicked();
            }
            let detail = "the request could not be finished";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail))
        }
    }
}

/// Who may change the ledger now.
pub(super) struct Changing(Arc<Semaphore>);

impl Default for Changing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CHANGES)))
    }
}

/// [`blocking`] for work that waits until it may write to the ledger, after others that do.
///
/// A client that gave up leaves its work behind, which waits for the ledger all the same: without a turn these would
/// take all the threads that there are while somebody else's import is under way, and decisions that need one too.
///
/// # Errors
///
/// What `work` says.
pub(super) async fn changing<T: Send + 'static>(
    state: &State,
    work: impl FnOnce(&State) -> Result<T> + Send + 'static,
) -> Result<T, Problem> {
    // Nobody closes it. Held until the work is done, whoever still waits for it.
    let turn = Arc::clone(&state.changing().0).acquire_owned().await.ok();
    blocking(state, move |state| {
        let done = work(state);
        drop(turn);
        done
    })
    .await
}
