//! The operator's console: pages rendered here, made livelier by htmx where there are scripts.
//!
//! Every page works without a script. A problem of any handler becomes a page with its words and its status.

mod assets;
mod changes;
mod fields;
pub(super) mod layout;
mod person;
mod resubscribe;
mod search;
mod status;
mod tell;

use super::{Problem, State};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{any, get, post};
use layout::{problems_as_pages, see_other};

/// The console's routes.
pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/console/", get(search::start))
        .route("/console/search", get(search::search))
        .route("/console/person", get(person::person))
        .route("/console/resubscribe", post(resubscribe::preview))
        .route("/console/resubscribe/edit", post(resubscribe::edit))
        .route("/console/resubscribe/confirm", post(resubscribe::confirm))
        .route("/console/resubscribed", get(resubscribe::resubscribed))
        .route("/console/unsubscribe", post(resubscribe::stop))
        .route("/console/changes", get(changes::changes))
        .route("/console/state", get(status::state))
        .route("/console/{*rest}", any(nothing))
        .route_layer(from_fn(problems_as_pages))
        .route("/console", get(|| async { see_other("/console/") }))
        .merge(assets::routes())
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here")
}
