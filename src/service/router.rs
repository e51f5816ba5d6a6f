//! Which path is answered by what, and who may ask.

use super::limits::BODY_BYTES;
use super::log::observe;
use super::{
    State, access, console, decide, health, metrics, one_click, openapi, problem, records,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::util::MapResponseLayer;
use utoipa_axum::router::OpenApiRouter;

/// The routes of a service over `state`.
pub fn router(state: State) -> Router {
    let (router, description) = described().split_for_parts();
    let description = Bytes::from(openapi::text(&description));
    let described = ([(header::CONTENT_TYPE, "application/json")], description);
    router
        .route("/openapi.json", get(move || async move { described }))
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
    OpenApiRouter::with_openapi(openapi::begun())
        .merge(decide::routes())
        .merge(records::write_routes())
        .merge(records::operator_routes())
        .merge(one_click::routes())
}
