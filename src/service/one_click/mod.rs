//! `/u/` and `/p/`: what the links in mails lead to. They need nothing but their own token.

use super::State;
use utoipa_axum::router::OpenApiRouter;

/// The routes, which anybody may ask.
pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
}
