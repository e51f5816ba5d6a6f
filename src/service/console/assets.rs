//! What the pages are dressed with: one style sheet, one script, one picture, part of the program.
//!
//! Each is served under a name that holds the digest of its content, so a browser may keep it for good.

use crate::service::{Problem, State};
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const DIRECTORY: &str = "/console/assets/";

/// How to dress: the console's own and the one of every other page that wants to look like it.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../../../assets/console.css"),
    )
});
/// htmx: what makes pages livelier where there are scripts.
pub(super) static HTMX: LazyLock<Asset> = LazyLock::new(|| {
    let script = include_bytes!("../../../assets/htmx.min.js");
    Asset::new("htmx", "js", "text/javascript; charset=utf-8", script)
});
/// The picture in a browser's tab.
pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../../assets/icon.svg"))
});

/// A file that is part of the program.
pub(super) struct Asset {
    /// Its path on this service.
    pub path: String,
    media_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(name: &str, ending: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let digest = Sha256::digest(content);
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("{DIRECTORY}{name}-{short}.{ending}"), media_type, content }
    }
}

/// The routes of the assets, which anybody may ask for: the page to sign in on is dressed too.
pub(super) fn routes() -> Router<State> {
    Router::new().route(&format!("{DIRECTORY}{{name}}"), get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let all = [&*STYLE, &*HTMX, &*ICON];
    let is_it = |asset: &&&Asset| asset.path.strip_prefix(DIRECTORY) == Some(&name);
    let Some(asset) = all.iter().find(is_it) else {
        return Problem::new(StatusCode::NOT_FOUND, "there is nothing here").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.content).into_response()
}
