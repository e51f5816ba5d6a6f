//! Records: opt-outs in, people made reachable again, what is recorded and what happened.

use super::State;
use utoipa_axum::router::OpenApiRouter;

/// The routes that need the role `write`.
pub(super) fn write_routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
}

/// The routes that need the role `operator`.
pub(super) fn operator_routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
}
