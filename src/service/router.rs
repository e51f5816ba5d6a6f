//! Which path is answered by what, and who may ask.

use super::limits::BODY_BYTES;
use super::log::observe;
use super::{State, access, console, decide, health, metrics, one_click, problem, records};
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use tower::util::MapResponseLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(info(title = "quell", description = "The last gate before an e-mail campaign leaves."))]
struct Description;

/// The routes of a service over `state`.
pub fn router(state: State) -> Router {
    let (router, description) = described().split_for_parts();
    router
        .route("/openapi.json", get(move || async move { Json(description) }))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .merge(console::routes())
        .merge(access::routes())
        // Judges the routes above; what stands below is open to anybody.
        .layer(from_fn_with_state(state.clone(), access::guard))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(access::own_origin())
        .layer(MapResponseLayer::new(problem::every_error))
        .layer(from_fn_with_state(state.clone(), observe))
        .layer(from_fn_with_state(state.clone(), access::secure))
        .with_state(state)
}

/// The routes that the OpenAPI description holds.
fn described() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(decide::routes())
        .merge(records::write_routes())
        .merge(records::operator_routes())
        .merge(one_click::routes())
}
