//! Looking somebody up.

use super::layout::{Page, Place, html};
use crate::service::access::Caller;
use askama::Template;
use axum::Extension;
use axum::response::Response;

#[derive(Template)]
#[template(path = "console/start.html")]
struct Start {
    page: Page,
    pattern: String,
    autofocus: bool,
}

/// Where the console begins.
pub(super) async fn start(Extension(caller): Extension<Caller>) -> Response {
    html(&Start {
        page: Page::new(Place::Search, &caller),
        pattern: String::new(),
        autofocus: true,
    })
}
