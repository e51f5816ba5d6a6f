//! `/healthz` and `/readyz`: alive, and able to answer truthfully.

use super::{Problem, State};
use axum::extract;
use axum::response::{IntoResponse, Response};

/// Alive, whatever the store is.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Able to answer truthfully, else why not.
pub(super) async fn readyz(extract::State(state): extract::State<State>) -> Response {
    match state.live().answers() {
        Ok(answers) => format!("ok, generation {}\n", answers.generation()).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
