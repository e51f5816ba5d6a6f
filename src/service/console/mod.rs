//! The operator's console: pages rendered here, made livelier by htmx where there are scripts.
//!
//! Every page works without a script. A problem of any handler becomes a page with its words and its status.

mod assets;
pub(super) mod layout;
mod search;

use super::{Problem, State};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::get;
use layout::{problems_as_pages, see_other};

/// The console's routes.
pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/console/", get(search::start))
        .route("/console/{*rest}", get(nothing))
        .route_layer(from_fn(problems_as_pages))
        .route("/console", get(|| async { see_other("/console/") }))
        .merge(assets::routes())
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here")
}
