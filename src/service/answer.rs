//! Work on the store, off the threads that serve connections.

use super::{Problem, State};
use crate::error::Result;
use axum::http::StatusCode;

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
