//! Who may ask what: bearer tokens with roles.

mod tokens;

pub(super) use tokens::Tokens;

use super::{Problem, State};
use crate::ledger::Role;
use axum::extract::{self, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Who asks, in the extensions of every request that [`require`] let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The name of the token.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// The middleware that lets only callers of at least `role` through: for `from_fn_with_state((state, role), require)`.
pub(super) async fn require(
    extract::State((state, role)): extract::State<(State, Role)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(caller) = caller(&state, request.headers()) else { return unknown() };
    if caller.role < role {
        let detail = format!("the token's role is {}, this needs {role}", caller.role);
        return Problem::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    // For the log.
    response.extensions_mut().insert(caller);
    response
}

fn caller(state: &State, headers: &HeaderMap) -> Option<Caller> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())?;
    state.tokens().bearer(state, token)
}

fn unknown() -> Response {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "no token, or none that is known")
        .with_hint("send `Authorization: Bearer TOKEN`; make a token with `quell token create`");
    let mut response = problem.into_response();
    let value = header::HeaderValue::from_static("Bearer realm=\"quell\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    response
}
