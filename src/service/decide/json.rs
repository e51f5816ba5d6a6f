//! JSON bodies, understood without a copy, and what is wrong with one, without a word of it: it may hold addresses.

use crate::service::Problem;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::error::Category;

/// Refuses what does not say that it is JSON.
pub(super) fn require(headers: &HeaderMap) -> Result<(), Problem> {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not said to be JSON")
        .with_hint("send `Content-Type: application/json`"))
}

/// The problem with a body that could not be read.
pub(super) fn unread(rejection: BytesRejection) -> Problem {
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
                .with_hint("ask in parts, or send the whole batch to /v1/filter")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "the body did not come to its end"),
    }
}

/// Understands a body: 400 when it is no JSON, 422 when it is of another form.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("at line {}, column {}", error.line(), error.column());
        match error.classify() {
            Category::Data => {
                let detail = format!("the body is JSON of another form than is asked for, {place}");
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                    .with_hint("/openapi.json describes the form")
            }
            Category::Eof | Category::Io | Category::Syntax => {
                Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON, {place}"))
            }
        }
    })
}
