//! `POST /u/{token}`: one click in a mailbox, told by its provider.

use super::record::record;
use super::tokens::link_of;
use crate::action::link::OptOut;
use crate::service::{Problem, State};
use axum::body::Body;
use axum::extract;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use std::time::Duration;

/// How much of a body is read, and for how long: it says nothing that the token does not.
const BODY_BYTES_MAX: usize = 64 << 10;
const BODY_TIME_MAX: Duration = Duration::from_secs(5);

/// Opts out with one click (RFC 8058).
///
/// The token alone says who opts out of what. The body is not looked at: `List-Unsubscribe=One-Click` as a form or as
/// multipart is what mailbox providers send, and a request without a body is honoured too. The opt-out is durable, and
/// in every later decision, when the answer comes. To send it again changes nothing.
#[utoipa::path(
    post,
    path = "/u/{token}",
    tag = "one-click",
    params(("token" = String, Path, description = "What stands behind `/u/` in the mail's link")),
    responses(
        (status = 200, description = "Opted out; the body is empty"),
        (status = 404, description = "There is no such link", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not recorded; try again", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(in crate::service) async fn press(
    extract::State(state): extract::State<State>,
    path: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let link = link_of(&state, &path)?;
    if let Err(too_often) = state.access().take_one_click() {
        return Ok(too_often.into_response());
    }
    // Read so that the connection can be used again, not to be understood.
    let is_read = tokio::time::timeout(BODY_TIME_MAX, read(body)).await.unwrap_or(false);
    record(&state, OptOut { link, source: "one-click" }).await?;
    let mut response = StatusCode::OK.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !is_read {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Reads a body and forgets it; `false` when it is too long, or breaks off.
async fn read(mut body: Body) -> bool {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        bytes += frame.data_ref().map_or(0, |data| data.len());
        if bytes > BODY_BYTES_MAX {
            return false;
        }
    }
    true
}
