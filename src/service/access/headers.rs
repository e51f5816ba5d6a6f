//! What every answer tells browsers to refrain from.

use super::is_secure;
use crate::service::State;
use axum::extract::{self, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// No script, style, picture, form or frame but one's own; nothing inline.
const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// What was answered may be out of date at once, and may be about a person.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const YEAR: &str = "max-age=31536000";

/// Headers that are in every answer.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // The address of a page may hold an e-mail address: nobody else is told of it. `no-referrer` would go too far: with
    // it browsers send `Origin: null` with the console's own forms, as a foreign page's might.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The middleware that adds them: outermost, so that refusals have them too.
pub(in crate::service) async fn secure(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let is_https = is_secure(&state, request.extensions());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.reserve(ALWAYS.len() + 2);
    // A page that can do with less says so itself, and so does a file that never changes.
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(YEAR));
    }
    response
}
