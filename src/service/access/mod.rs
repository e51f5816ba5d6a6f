//! Who may ask what: bearer tokens with roles, sessions for people, and how often.
//!
//! ```text
//! request ──► secure: headers of every answer ──► foreign origins ──► guard: the route's Need ──► handler
//!                                                                      │ Authorization, else the session's cookie
//!                                                                      ▼
//!                                                        Tokens (digests), Sessions ──► Caller in the extensions
//! ```

mod client;
mod cookie;
mod guard;
mod headers;
mod needs;
mod origin;
mod pages;
mod rates;
mod sessions;
mod sign_in;
mod tokens;

pub use client::Network;
pub(super) use guard::guard;
pub(super) use headers::secure;
pub(super) use needs::Need;
pub(super) use origin::own_origin;
pub(super) use tokens::Tokens;

use super::State;
use super::console::layout::problems_as_pages;
use crate::address::redact;
use crate::ledger::Role;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Extensions;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use rates::{Rates, TooOften};
use sessions::Sessions;
use std::borrow::Cow;
use std::num::NonZeroU32;

/// A form of these pages is never longer, bytes.
const FORM_MAX: usize = 8 * 1_024;

/// What may be set about access.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// So many requests a second may be made with one token.
    pub rate_per_token: NonZeroU32,
    /// So many opt-outs a second may come by links, all together.
    pub rate_one_click: NonZeroU32,
    /// Browsers come by HTTPS although requests do not: a proxy in front speaks TLS.
    pub secure_cookies: bool,
    /// The proxies whose word is taken for the address of a client.
    pub trusted_proxies: Vec<Network>,
}

impl Default for AccessSettings {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            rate_per_token: number(200_000),
            rate_one_click: number(5_000),
            secure_cookies: false,
            trusted_proxies: Vec::new(),
        }
    }
}

/// What is known of who asks.
pub(super) struct Access {
    tokens: Tokens,
    sessions: Sessions,
    rates: Rates,
}

impl Access {
    /// Nobody is known yet.
    pub fn new(settings: &AccessSettings) -> Self {
        let rates = Rates::new(settings.rate_one_click);
        Self { tokens: Tokens::default(), sessions: Sessions::default(), rates }
    }

    /// The tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Counts an opt-out by a link: for its handler, once the link is known to be one, so that whoever makes links up
    /// takes nothing from those who have some.
    ///
    /// # Errors
    ///
    /// When there were too many lately: an answer of status 429.
    pub fn take_one_click(&self) -> Result<(), TooOften> {
        self.rates.one_click.take()
    }
}

/// Who asks, in the extensions of every request that was let through by a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The name of the token, or of the one that the session began with.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// The name as a log may show it.
    pub fn logged(&self) -> Cow<'_, str> {
        logged(&self.name)
    }
}

/// A token's name as a log may show it: somebody may have named one by an address.
fn logged(name: &str) -> Cow<'_, str> {
    if name.contains('@') { redact(name).into() } else { name.into() }
}

/// Whether the browser came by HTTPS, here or at a proxy in front.
fn is_secure(state: &State, extensions: &Extensions) -> bool {
    state.settings().access.secure_cookies || extensions.get::<super::Secured>().is_some()
}

/// The pages about access.
pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/console/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/access", get(pages::page))
        .route("/console/access/revoke", post(pages::revoke))
        .route("/console/access/end", post(pages::end))
        .route_layer(from_fn(problems_as_pages))
        .route_layer(DefaultBodyLimit::max(FORM_MAX))
}
