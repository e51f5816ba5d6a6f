//! Which path is answered by what, and who may ask.

use super::access::require;
use super::limits::BODY_BYTES;
use super::log::observe;
use super::{State, console, decide, health, metrics, one_click, openapi, problem, records};
use crate::ledger::Role;
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
    let (router, description) = described(&state).split_for_parts();
    let description = Bytes::from(openapi::text(&description));
    let described = ([(header::CONTENT_TYPE, "application/json")], description);
    router
        .route("/openapi.json", get(move || async move { described }))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .merge(console::routes(&state))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(MapResponseLayer::new(problem::every_error))
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

/// The routes that the OpenAPI description holds.
fn described(state: &State) -> OpenApiRouter<State> {
    let need = |role| from_fn_with_state((state.clone(), role), require);
    OpenApiRouter::with_openapi(openapi::begun())
        .merge(decide::routes().route_layer(need(Role::Decide)))
        .merge(records::write_routes().route_layer(need(Role::Write)))
        .merge(records::operator_routes().route_layer(need(Role::Operator)))
        .merge(one_click::routes())
}
