//! Records: opt-outs in, people made reachable again, what is recorded and what happened.

mod look;
mod resubscribe;
mod schema;
mod unsubscribe;

use super::State;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A change of one address takes no more bytes than this.
const BODY_MAX: usize = 64 * 1024;

/// The routes that need the role `write`.
pub(super) fn write_routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(unsubscribe::unsubscribe))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// The routes that need the role `operator`.
pub(super) fn operator_routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(resubscribe::resubscribe))
        .routes(routes!(look::records))
        .routes(routes!(look::history))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}
