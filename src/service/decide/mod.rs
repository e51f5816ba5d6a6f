//! Decisions: may these be mailed?

mod check;

use super::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes that need the role `decide`.
pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(check::check))
}
