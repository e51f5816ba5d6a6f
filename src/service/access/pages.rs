//! The page of tokens and sessions, for admins.

use super::guard::now;
use super::sessions::{Session, SessionId};
use super::tokens::{Token, with_store};
use super::{Caller, logged};
use crate::ledger::{AccessTokens, Role};
use crate::service::answer::{blocking, changing};
use crate::service::console::layout::{Page, Place, When, html, see_other};
use crate::service::{Problem, State};
use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Form};
use serde::Deserialize;
use std::sync::Arc;

const HERE: &str = "/console/access";

#[derive(Template)]
#[template(path = "access/access.html")]
struct AccessPage {
    page: Page,
    tokens: Vec<TokenRow>,
    sessions: Vec<SessionRow>,
    /// What was just done.
    done: Option<&'static str>,
}

struct TokenRow {
    name: String,
    role: Role,
    created: When,
    sessions: usize,
    is_own: bool,
}

struct SessionRow {
    id: SessionId,
    name: String,
    role: Role,
    began: When,
    used: When,
    is_own: bool,
}

/// What was just done, in the query of the page that is led to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Did {
    #[serde(default)]
    done: String,
}

/// `GET /console/access`
pub(super) async fn page(
    Given(state): Given<State>,
    Extension(caller): Extension<Caller>,
    own: Option<Extension<SessionId>>,
    query: Result<Query<Did>, QueryRejection>,
) -> Result<Response, Problem> {
    // As the store says now: a token that a command created a moment ago is there to be seen.
    blocking(&state, |state| state.tokens().load(state)).await?;
    let own = own.map(|Extension(id)| id);
    let (tokens, sessions) = (state.tokens().all(), state.access().sessions.all(now(&state)));
    let done = match query.map(|Query(query)| query.done).unwrap_or_default().as_str() {
        "revoked" => Some("The token is revoked, and the sessions that began with it are over."),
        "ended" => Some("The session is over."),
        "gone" => Some("That was gone already."),
        _ => None,
    };
    let page = AccessPage {
        page: Page::new(Place::Access, &caller),
        tokens: tokens.iter().map(|token| token_row(token, &sessions, &caller)).collect(),
        sessions: sessions
            .iter()
            .filter_map(|session| session_row(session, &tokens, own))
            .collect(),
        done,
    };
    Ok(html(&page))
}

fn token_row(token: &Token, sessions: &[Session], caller: &Caller) -> TokenRow {
    let kept = &token.kept;
    TokenRow {
        name: kept.name.clone(),
        role: kept.role,
        created: When(kept.created_at),
        sessions: sessions.iter().filter(|session| session.token == kept.digest).count(),
        is_own: kept.name == caller.name,
    }
}

fn session_row(
    session: &Session,
    tokens: &[Arc<Token>],
    own: Option<SessionId>,
) -> Option<SessionRow> {
    let token = tokens.iter().find(|token| token.kept.digest == session.token)?;
    Some(SessionRow {
        id: session.id,
        name: token.kept.name.clone(),
        role: token.kept.role,
        began: When(session.began_at),
        used: When(session.used_at),
        is_own: own == Some(session.id),
    })
}

/// Which token.
#[derive(Deserialize)]
pub(super) struct Revoke {
    name: String,
}

/// `POST /console/access/revoke`: a token is of no use any more when this is answered, nor is a session of it.
pub(super) async fn revoke(
    Given(state): Given<State>,
    Extension(caller): Extension<Caller>,
    form: Result<Form<Revoke>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(Revoke { name }) = form.map_err(no_form)?;
    let was_there = changing(&state, {
        let name = name.clone();
        move |state| {
            let was_there = with_store(state, |store| store.ledger().revoke_access_token(&name))?;
            state.tokens().load(state)?;
            Ok(was_there)
        }
    })
    .await?;
    if was_there {
        tracing::info!(token = %caller.logged(), revoked = %logged(&name), "a token was revoked");
    }
    Ok(see_other(&format!("{HERE}?done={}", if was_there { "revoked" } else { "gone" })))
}

/// Which session.
#[derive(Deserialize)]
pub(super) struct End {
    session: String,
}

/// `POST /console/access/end`: a session is over when this is answered.
pub(super) async fn end(
    Given(state): Given<State>,
    Extension(caller): Extension<Caller>,
    form: Result<Form<End>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(End { session }) = form.map_err(no_form)?;
    let id = session.parse::<SessionId>();
    let was_there = id.is_ok_and(|id| state.access().sessions.end_called(id));
    if was_there {
        tracing::info!(token = %caller.logged(), "a session was ended");
    }
    Ok(see_other(&format!("{HERE}?done={}", if was_there { "ended" } else { "gone" })))
}

fn no_form(rejection: FormRejection) -> Problem {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    Problem::new(status, "that was no form of this page")
}
