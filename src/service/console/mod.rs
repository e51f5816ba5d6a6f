//! The operator's console: pages rendered here, made livelier by htmx where there are scripts.
//!
//! Every page works without a script. A problem of any handler becomes a page with its words and its status.

mod assets;
mod changes;
mod download;
mod fields;
mod import;
pub(super) mod layout;
mod person;
mod reports;
mod resubscribe;
mod search;
mod spill;
mod status;
mod tell;

use super::{Problem, State};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{any, get, post};
use layout::{problems_as_pages, see_other};
use tokio::sync::Semaphore;

/// What the console keeps between requests.
pub(super) struct Console {
    /// Files that wait to be applied.
    jobs: import::Jobs,
    /// How many more are received at once.
    uploads: Semaphore,
    /// What was counted for the charts.
    reports: reports::Reports,
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
pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/console/", get(search::start))
        .merge(download::routes())
        .merge(import::routes())
        .merge(reports::routes())
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
