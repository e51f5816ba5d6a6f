//! The one door: every request passes it, and it lets through who may.

use super::client::client;
use super::needs::Need;
use super::rates::TooOften;
use super::sessions::{Moment, SessionId};
use super::tokens::Token;
use super::{Caller, cookie, is_secure, sign_in};
use crate::ledger::Role;
use crate::service::{Problem, State};
use axum::extract::{self, MatchedPath, Request};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Instant;

/// Who asks, before it is known what may be asked.
pub(super) struct Known {
    pub token: Arc<Token>,
    /// The session, unless the token itself was sent.
    pub session: Option<SessionId>,
}

/// Why nobody is let through.
pub(super) enum Refusal {
    /// No token and no session, or none that is known.
    Unknown,
    /// A role that may not.
    Role { caller: Caller, needs: Role },
    /// Too often.
    Rate(TooOften),
    /// It can't be known who asks.
    Store(Problem),
}

/// The middleware that lets through who may, by the table of [`Need`]s.
///
/// What is asked is judged by the route that answers, not by the text of the path: there are no two ways to read it.
/// A route that is not in the table is closed.
pub(in crate::service) async fn guard(
    extract::State(state): extract::State<State>,
    mut request: Request,
    next: Next,
) -> Response {
    let pattern = request.extensions().get::<MatchedPath>();
    let (role, is_page) = match pattern.and_then(|pattern| Need::of(pattern.as_str())) {
        Some(Need::Nothing) => return next.run(request).await,
        Some(Need::Link) => return link(&state, request, next).await,
        Some(Need::Role(role)) => (role, false),
        Some(Need::Page(role)) => (role, true),
        None => {
            return Problem::new(StatusCode::FORBIDDEN, "nobody may ask this").into_response();
        }
    };
    match admit(&state, request.headers(), request.extensions(), role).await {
        Ok((caller, session)) => {
            let extensions = request.extensions_mut();
            extensions.insert(caller.clone());
            if let Some(session) = session {
                extensions.insert(session);
            }
            let mut response = next.run(request).await;
            // For the log.
            response.extensions_mut().insert(caller);
            response
        }
        Err(refusal) if is_page => sign_in::lead(&request, refusal),
        Err(refusal) => refusal.into_response(),
    }
}

async fn admit(
    state: &State,
    headers: &HeaderMap,
    extensions: &Extensions,
    needs: Role,
) -> Result<(Caller, Option<SessionId>), Refusal> {
    let Known { token, session } =
        who(state, headers, extensions).await?.ok_or(Refusal::Unknown)?;
    token.rate.take().map_err(Refusal::Rate)?;
    let caller = Caller { name: token.kept.name.clone(), role: token.kept.role };
    if caller.role < needs {
        return Err(Refusal::Role { caller, needs });
    }
    Ok((caller, session))
}

/// Who asks. A bearer token counts alone, whatever cookie comes with it.
pub(super) async fn who(
    state: &State,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Option<Known>, Refusal> {
    let token = match bearer(headers) {
        Bearer::Token(token) => {
            let token = state.tokens().find(state, token).await.map_err(Refusal::Store)?;
            return Ok(token.map(|token| Known { token, session: None }));
        }
        Bearer::Unclear => return Ok(None),
        Bearer::None => cookie::shown(headers, is_secure(state, extensions)),
    };
    let Some(session) = token.and_then(|shown| state.access().sessions.find(shown, now(state)))
    else {
        return Ok(None);
    };
    // A token that was revoked ends what began with it at once, not when the sessions are next gone through.
    let token = state.tokens().of_digest(&session.token);
    Ok(token.map(|token| Known { token, session: Some(session.id) }))
}

pub(super) fn now(state: &State) -> Moment {
    Moment { instant: Instant::now(), timestamp: state.now() }
}

/// What the request says in `Authorization`.
#[derive(Debug, PartialEq, Eq)]
enum Bearer<'a> {
    Token(&'a str),
    /// Several, or characters that no token has.
    Unclear,
    /// Nothing, or what is for somebody in front of the service (`Basic`).
    None,
}

fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Bearer::None };
    if values.next().is_some() {
        return Bearer::Unclear;
    }
    let Ok(value) = value.to_str() else { return Bearer::Unclear };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Bearer::None;
    }
    Bearer::Token(token.trim_matches(' '))
}

/// Who opts out by a link is asked for nothing, and limited only in being wrong.
async fn link(state: &State, request: Request, next: Next) -> Response {
    let client = client(state, request.headers(), request.extensions());
    let response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND
        && let Err(too_often) = state.access().rates.wrong_links.count(client)
    {
        return too_often.into_response();
    }
    response
}

impl Refusal {
    /// In one sentence.
    pub fn detail(&self) -> String {
        match self {
            Self::Unknown => "no token, or none that is known".to_owned(),
            Self::Role { caller, needs } => {
                format!("the token's role is {}, this needs {needs}", caller.role)
            }
            Self::Rate(too_often) => {
                format!("too many requests; come back in {} s", too_often.seconds())
            }
            Self::Store(_) => "the store can't be read".to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = self.detail();
        match self {
            Self::Unknown => {
                let problem = Problem::new(StatusCode::UNAUTHORIZED, detail).with_hint(
                    "send `Authorization: Bearer TOKEN`; make a token with `quell token create`",
                );
                let mut response = problem.into_response();
                challenge(&mut response);
                response
            }
            Self::Role { caller, .. } => {
                let mut response = Problem::new(StatusCode::FORBIDDEN, detail).into_response();
                // For the log.
                response.extensions_mut().insert(caller);
                response
            }
            Self::Rate(too_often) => too_often.into_response(),
            Self::Store(problem) => problem.into_response(),
        }
    }
}

/// What a 401 has to say.
pub(super) fn challenge(response: &mut Response) {
    let value = HeaderValue::from_static("Bearer realm=\"quell\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_token_is_read_from_one_header_of_its_scheme() {
        for value in ["Bearer abc", "bearer abc", "BEARER abc", "Bearer   abc", "Bearer abc  "] {
            assert_eq!(bearer(&said(&[value.as_bytes()])), Bearer::Token("abc"), "{value}");
        }
        assert_eq!(bearer(&said(&[b"Bearer"])), Bearer::Token(""));
        assert_eq!(bearer(&said(&[b"Bearer a b"])), Bearer::Token("a b"));
        assert_eq!(bearer(&said(&[b"Bearer a, Bearer b"])), Bearer::Token("a, Bearer b"));
        for value in ["Basic abc", "Bearerabc", "abc", "", "Bearer\tabc", "Token abc"] {
            assert_eq!(bearer(&said(&[value.as_bytes()])), Bearer::None, "{value}");
        }
        assert_eq!(bearer(&said(&[])), Bearer::None);
    }

    #[test]
    fn two_headers_are_none() {
        assert_eq!(bearer(&said(&[b"Bearer a", b"Bearer b"])), Bearer::Unclear);
        assert_eq!(bearer(&said(&[b"Basic a", b"Bearer b"])), Bearer::Unclear);
        assert_eq!(bearer(&said(&[b"Bearer a", b"Bearer a"])), Bearer::Unclear);
        assert_eq!(bearer(&said(&[b"Bearer \xe9"])), Bearer::Unclear);
    }
}
