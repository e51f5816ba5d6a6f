//! Decisions: may these be mailed?

mod check;
mod filter;
mod json;
mod offer;

pub use filter::BatchLimits;
pub(super) use filter::Turns;
pub(super) use offer::Offer;

use super::State;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes that need the role `decide`.
pub(super) fn routes() -> OpenApiRouter<State> {
    let check = OpenApiRouter::new()
        .routes(routes!(check::check))
        .layer(DefaultBodyLimit::max(check::BODY_BYTES_MAX));
    // As long as it likes: what of it is held at once is bounded.
    let filter =
        OpenApiRouter::new().routes(routes!(filter::filter)).layer(DefaultBodyLimit::disable());
    check.merge(filter)
}
