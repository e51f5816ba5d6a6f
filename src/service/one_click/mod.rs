//! `/u/` and `/p/`: what the links in mails lead to. They need nothing but their own token.
//!
//! A mailbox provider sends `POST /u/TOKEN` when its user presses *unsubscribe* (RFC 8058). A person who follows the
//! link gets a page with one button, which sends `POST /p/TOKEN`. Programs that look at links (scanners, previews)
//! send GET, and GET changes nothing.

mod language;
mod pages;
mod press;
mod record;
mod tokens;
mod words;

pub(super) use record::Recorder;
pub(super) use tokens::LinkTokens;

use super::{Problem, State};
use crate::error::Error;
use axum::http::StatusCode;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, which anybody may ask.
pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(press::press, pages::unsubscribe_page))
        .routes(routes!(pages::preference_page, pages::leave))
        // No token has a dot in it.
        .route("/u/quell.css", get(pages::style))
}

/// A 503 that tells who follows a link, which anybody may, nothing of the store. The log has what is wrong.
fn away(error: &Error) -> Problem {
    let hint = error.hint().unwrap_or_default();
    tracing::warn!(%error, hint, "a link could not be honoured");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "it can't be recorded just now")
        .with_hint("try again in a minute")
}
