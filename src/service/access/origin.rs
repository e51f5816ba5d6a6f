//! No request that another site's page makes a browser send.

use crate::service::Problem;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

/// The answer to a request that a foreign page made.
type Refused = fn(ProtectionError) -> Response<Body>;

/// The layer that refuses what changes something and comes from a page of another origin, as browsers tell it.
///
/// Links in mails are opened, and their button is pressed, from anywhere: they hold their own token, and there is no
/// cookie that a foreign page could have sent along.
pub(in crate::service) fn own_origin() -> CsrfLayer<Refused> {
    let refused: Refused = |_| {
        Problem::new(StatusCode::FORBIDDEN, "the request comes from a page of another site")
            .into_response()
    };
    CsrfLayer::new()
        .with_insecure_bypass(|_, uri| {
            uri.path().starts_with("/u/") || uri.path().starts_with("/p/")
        })
        .with_rejection_response(refused)
}
