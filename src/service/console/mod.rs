//! The operator's console: pages rendered here, made livelier by htmx where there are scripts.

use super::State;
use axum::Router;

/// The console's routes. They see to their sessions themselves.
pub(super) fn routes() -> Router<State> {
    Router::new()
}
