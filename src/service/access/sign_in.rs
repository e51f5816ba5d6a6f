//! Signing in with a token, signing out, and being led there.

use super::client::client;
use super::guard::{Refusal, challenge, now, who};
use super::tokens::Token;
use super::{cookie, is_secure, logged};
use crate::ledger::Role;
use crate::service::console::layout::{Page, Place, html_with, see_other};
use crate::service::{Problem, State};
use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, Request, State as Given};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::Arc;

const SIGN_IN: &str = "/console/sign-in";
const HOME: &str = "/console/";

#[derive(Template)]
#[template(path = "access/sign_in.html")]
struct SignInPage<'a> {
    page: Page,
    next: &'a str,
    /// What went wrong, if anything did.
    fault: Option<&'a str>,
}

/// Where to go on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// What the form holds.
#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

/// `GET /console/sign-in`
pub(super) async fn page(
    Given(state): Given<State>,
    query: Result<Query<Next>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let next = query.map(|Query(query)| query.next).unwrap_or_default();
    match who(&state, &headers, &extensions).await {
        Ok(Some(known)) if known.session.is_some() => see_other(below_console(&next)),
        _ => told(StatusCode::OK, &next, None),
    }
}

/// `POST /console/sign-in`: a token in, a session out. The session is a new one whatever the browser showed before.
pub(super) async fn sign_in(
    Given(state): Given<State>,
    headers: HeaderMap,
    extensions: Extensions,
    form: Result<Form<SignIn>, FormRejection>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => {
            return told(rejection.status(), "", Some("That was no form of this page."));
        }
    };
    let token = match state.tokens().find(&state, form.token.trim()).await {
        Ok(Some(token)) => token,
        Ok(None) => return failed(&state, &headers, &extensions, &form.next),
        Err(problem) => return told(problem.status(), &form.next, Some(problem.detail())),
    };
    if let Err(too_often) = token.rate.take() {
        let mut response =
            told(StatusCode::TOO_MANY_REQUESTS, &form.next, Some("This token is used too much."));
        too_often.tell(&mut response);
        return response;
    }
    if token.kept.role < Role::Operator {
        let fault = format!(
            "The role of this token is {}; the console needs operator or admin.",
            token.kept.role
        );
        return told(StatusCode::FORBIDDEN, &form.next, Some(&fault));
    }
    begin(&state, &headers, &extensions, &token, &form.next)
}

fn begin(
    state: &State,
    headers: &HeaderMap,
    extensions: &Extensions,
    token: &Arc<Token>,
    next: &str,
) -> Response {
    let is_secure = is_secure(state, extensions);
    let sessions = &state.access().sessions;
    let begun = sessions.begin(token, now(state)).map_err(Problem::from);
    let shown = match begun {
        Ok(shown) => shown,
        Err(problem) => return told(problem.status(), next, Some(problem.detail())),
    };
    // What was shown before would live on without anybody to show it.
    cookie::shown(headers, is_secure).and_then(|before| sessions.end(before));
    tracing::info!(token = %logged(&token.kept.name), role = %token.kept.role, "signed in");
    let mut response = see_other(below_console(next));
    show(&mut response, cookie::set(&shown, is_secure));
    response
}

fn failed(state: &State, headers: &HeaderMap, extensions: &Extensions, next: &str) -> Response {
    let client = client(state, headers, extensions);
    let address = client.map(|client| client.to_string()).unwrap_or_default();
    tracing::warn!(client = address, "a sign-in failed");
    match state.access().rates.failed_sign_ins.count(client) {
        Ok(()) => {
            let fault =
                "This token is not known here. It may be revoked, or not all of it was copied.";
            let mut response = told(StatusCode::UNAUTHORIZED, next, Some(fault));
            challenge(&mut response);
            response
        }
        Err(too_often) => {
            let fault = format!(
                "Too many tokens were wrong. Try again in {} seconds.",
                too_often.seconds()
            );
            let mut response = told(StatusCode::TOO_MANY_REQUESTS, next, Some(&fault));
            too_often.tell(&mut response);
            response
        }
    }
}

/// `POST /console/sign-out`: the session is over, here and in the browser.
pub(super) async fn sign_out(
    Given(state): Given<State>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let is_secure = is_secure(&state, &extensions);
    let shown = cookie::shown(&headers, is_secure);
    if let Some(session) = shown.and_then(|shown| state.access().sessions.end(shown)) {
        let token = state.tokens().of_digest(&session.token);
        let name = token.as_ref().map(|token| logged(&token.kept.name)).unwrap_or_default();
        tracing::info!(token = %name, "signed out");
    }
    let mut response = see_other(SIGN_IN);
    show(&mut response, cookie::forget(is_secure));
    response
}

/// The answer to somebody who may not see a page: where a session begins, or why not.
pub(super) fn lead(request: &Request, refusal: Refusal) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::AUTHORIZATION) {
        // A program, which reads problem documents.
        return refusal.into_response();
    }
    if !matches!(refusal, Refusal::Unknown) {
        return refused(refusal);
    }
    if headers.contains_key("hx-request") {
        // A part of a page was asked for: the whole of it has to go where a session begins.
        let mut response = refusal.into_response();
        response.headers_mut().insert("hx-redirect", HeaderValue::from_static(SIGN_IN));
        return response;
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        let asked = request.uri().path_and_query().map_or("", |asked| asked.as_str());
        return match below_console(asked) {
            HOME => see_other(SIGN_IN),
            next => {
                let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
                see_other(&format!("{SIGN_IN}?next={next}"))
            }
        };
    }
    let fault = "You are not signed in, or no longer. What you sent was not done.";
    let mut response = told(StatusCode::UNAUTHORIZED, HOME, Some(fault));
    challenge(&mut response);
    response
}

#[derive(Template)]
#[template(path = "access/refused.html")]
struct RefusedPage {
    page: Page,
    detail: String,
}

fn refused(refusal: Refusal) -> Response {
    let page = match &refusal {
        Refusal::Role { caller, .. } => Page::new(Place::Access, caller),
        _ => Page::of_nobody(),
    };
    let detail = refusal.detail();
    let answer = refusal.into_response();
    let mut response = html_with(answer.status(), &RefusedPage { page, detail });
    if let Some(value) = answer.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, value.clone());
    }
    response
}

fn told(status: StatusCode, next: &str, fault: Option<&str>) -> Response {
    let page = Page::of_nobody();
    html_with(status, &SignInPage { page, next: below_console(next), fault })
}

fn show(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// The path if it is a page of the console, else the console's first: nobody is led anywhere else.
fn below_console(next: &str) -> &str {
    let path = next.split_once('?').map_or(next, |(path, _)| path);
    let lower = path.to_ascii_lowercase();
    let is_plain = next.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'\\');
    let is_straight = !["..", "%2e", "%2f", "%5c", "//"].iter().any(|trick| lower.contains(trick));
    // Neither leads anywhere with a GET.
    let is_page = path.starts_with(HOME) && !path.starts_with("/console/sign-");
    if is_plain && is_straight && is_page { next } else { HOME }
}

#[cfg(test)]
mod tests {
    use super::below_console;

    #[test]
    fn nobody_is_led_away_from_the_console() {
        for next in [
            "/console/",
            "/console/changes",
            "/console/person?address=ann%2Bx%40example.com",
            "/console/search?q=a/../b",
        ] {
            assert_eq!(below_console(next), next);
        }
        for next in [
            "",
            "/",
            "/console",
            "console/",
            "//example.org/console/",
            "https://example.org/console/",
            "/\\example.org/console/",
            "/console\\..\\",
            "/console/../v1/records",
            "/console/%2E%2e/v1/records",
            "/console//example.org",
            "/console/x\r\nset-cookie: a=b",
            "/console/é",
            "/console/ x",
            "/console/\t",
            "/consoles/",
            "/Console/",
            "/console/sign-out",
            "/console/sign-in?next=/console/",
            "javascript:alert(1)",
        ] {
            assert_eq!(below_console(next), "/console/", "{next}");
        }
    }
}
