//! The operator's console: pages rendered here, made livelier by htmx where there are scripts.
//!
//! Every page works without a script. A problem of any handler becomes a page with its words and its status.

mod assets;
mod download;
mod import;
pub(super) mod layout;
mod reports;
mod search;
mod spill;

use super::access::require;
use super::{Problem, State};
use crate::ledger::Role;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use layout::{problems_as_pages, see_other};
use tokio::sync::Semaphore;

/// What the console keeps between requests.
pub(super) struct Console {
    /// Files that wait to be applied.
    pub jobs: import::Jobs,
    /// How many more are received at once.
    pub uploads: Semaphore,
    /// What was counted for the charts.
    pub reports: reports::Reports,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            jobs: import::Jobs::default(),
            uploads: Semaphore::new(import::UPLOADS),
            reports: reports::Reports::default(),
        }
    }
}

/// The console's routes.
pub(super) fn routes(state: &State) -> Router<State> {
    Router::new()
        .route("/console/", get(search::start))
        .merge(download::routes())
        .merge(import::routes())
        .merge(reports::routes())
        .route("/console/{*rest}", get(nothing))
        .route_layer(from_fn(problems_as_pages))
        .route_layer(from_fn_with_state((state.clone(), Role::Operator), require))
        .route("/console", get(|| async { see_other("/console/") }))
        .merge(assets::routes())
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here")
}
