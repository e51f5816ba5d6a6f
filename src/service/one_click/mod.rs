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

use super::State;
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
