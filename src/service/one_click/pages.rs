//! The pages behind a link: one button, what was done, and the lists to choose from. No script, no cookie.
//!
//! Pages name each other by relative paths, so that they work behind whatever path a proxy puts before them.

use super::away;
use super::language::words;
use super::record::record;
use super::tokens::{link_of, token_of};
use super::words::{Words, filled};
use crate::action::link::{Leave, Link, Preferences, preferences};
use crate::address::redact;
use crate::ledger::Ledger;
use crate::service::answer::blocking;
use crate::service::{Problem, State, change};
use askama::Template;
use axum::Form;
use axum::body::Body;
use axum::extract::{self, FromRequest};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

const STYLE: &str = include_str!("../../../templates/one_click/quell.css");

/// What a page may load and do: its style, and its form.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A form here has one short field.
const FORM_BYTES_MAX: usize = 4 << 10;

/// What the buttons send.
#[derive(Deserialize)]
struct Choice {
    leave: String,
}

#[derive(Template)]
#[template(path = "one_click/page.html")]
struct Page<'a> {
    words: &'static Words,
    title: &'a str,
    /// As it stands in the path.
    token: &'a str,
    content: Content,
}

enum Content {
    Ask { sentence: String },
    Done { sentence: String },
    Choose { address: String, preferences: Preferences },
    Sentence { sentence: String },
}

/// Who asks, in which language, and by which link.
struct Reader<'a> {
    words: &'static Words,
    headers: &'a HeaderMap,
    path: &'a Uri,
}

impl<'a> Reader<'a> {
    fn new(headers: &'a HeaderMap, path: &'a Uri) -> Self {
        Self { words: words(headers), headers, path }
    }

    fn page(&self, status: StatusCode, title: &str, content: Content) -> Response {
        let page = Page { words: self.words, title, token: token_of(self.path), content };
        let Ok(text) = page.render() else {
            let problem =
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made");
            return problem.into_response();
        };
        let mut response = (status, Html(text)).into_response();
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_LANGUAGE, self.words.language),
            (header::VARY, "accept, accept-language"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// A problem: as a page for people, as a problem document for programs.
    fn problem(&self, problem: Problem) -> Response {
        let accepted = self.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        if !accepted.is_some_and(|types| types.contains("text/html")) {
            return problem.into_response();
        }
        let status = problem.status();
        let (title, cure) = match status {
            StatusCode::NOT_FOUND => (self.words.no_link, self.words.no_link_cure),
            _ => (self.words.not_now, self.words.not_now_cure),
        };
        let mut response =
            self.page(status, title, Content::Sentence { sentence: cure.to_owned() });
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The page with one button. Whoever asks for it changes nothing: programs that look at links do so.
#[utoipa::path(
    get,
    path = "/u/{token}",
    tag = "one-click",
    params(("token" = String, Path, description = "What stands behind `/u/` in the mail's link")),
    responses(
        (status = 200, description = "A page with one button, in the reader's language", body = String, content_type = "text/html"),
        (status = 404, description = "There is no such link", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The link can't be read now", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(in crate::service) async fn unsubscribe_page(
    extract::State(state): extract::State<State>,
    path: Uri,
    headers: HeaderMap,
) -> Response {
    let reader = Reader::new(&headers, &path);
    match link_of(&state, &path) {
        Ok(link) => {
            let (all, list) = (reader.words.ask_all, reader.words.ask_list);
            let sentence = sentence(&link.key, link.list.as_deref(), all, list);
            reader.page(StatusCode::OK, reader.words.ask, Content::Ask { sentence })
        }
        Err(problem) => reader.problem(problem),
    }
}

/// The preference page: the lists that are recorded of the address, and the link's own. It changes nothing.
#[utoipa::path(
    get,
    path = "/p/{token}",
    tag = "one-click",
    params(("token" = String, Path, description = "What stands behind `/u/` in the mail's link")),
    responses(
        (status = 200, description = "A page with a button for each list, in the reader's language", body = String, content_type = "text/html"),
        (status = 404, description = "There is no such link", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The ledger can't be read now", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(in crate::service) async fn preference_page(
    extract::State(state): extract::State<State>,
    path: Uri,
    headers: HeaderMap,
) -> Response {
    let reader = Reader::new(&headers, &path);
    let seen = async {
        let link = link_of(&state, &path)?;
        let address = filled(reader.words.of_address, &redact(&link.key), "");
        let preferences = recorded(&state, link).await?;
        Ok((address, preferences))
    };
    match seen.await {
        Ok((address, preferences)) => {
            let content = Content::Choose { address, preferences };
            reader.page(StatusCode::OK, reader.words.preferences, content)
        }
        Err(problem) => reader.problem(problem),
    }
}

/// Opts out by a button of one of the pages. Durable, and in every later decision, when the answer comes.
#[utoipa::path(
    post,
    path = "/p/{token}",
    tag = "one-click",
    params(("token" = String, Path, description = "What stands behind `/u/` in the mail's link")),
    request_body(
        content = String,
        content_type = "application/x-www-form-urlencoded",
        description = "`leave=this` for what the link says, `leave=all` for everything, or `leave=list:NAME` for a list that the page names",
    ),
    responses(
        (status = 200, description = "Opted out: a page that says so", body = String, content_type = "text/html"),
        (status = 400, description = "The form says nothing that could be done", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such link", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not recorded; try again", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(in crate::service) async fn leave(
    extract::State(state): extract::State<State>,
    path: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let reader = Reader::new(&headers, &path);
    match left(&state, &path, body).await {
        Ok((key, list)) => {
            let (all, of_list) = (reader.words.done_all, reader.words.done_list);
            let sentence = sentence(&key, list.as_deref(), all, of_list);
            reader.page(StatusCode::OK, reader.words.done, Content::Done { sentence })
        }
        Err(problem) => reader.problem(problem),
    }
}

/// Records what the form says; gives whose opt-out it is, and of which list.
async fn left(state: &State, path: &Uri, body: Body) -> Result<(String, Option<String>), Problem> {
    let link = link_of(state, path)?;
    state.access().take_one_click().map_err(|too_often| {
        let detail = format!("too many requests; come back in {} s", too_often.seconds());
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
    })?;
    let choice = choice(body).await?;
    if let Leave::List(list) = &choice {
        // Whoever holds a link may not fill the ledger with names that nobody gave a list.
        let known = recorded(state, link.clone()).await?.lists;
        if !known.iter().any(|(name, _)| name == list) {
            return Err(unclear());
        }
    }
    let opt_out = choice.of(link);
    let (key, list) = (opt_out.link.key.clone(), opt_out.link.list.clone());
    record(state, opt_out).await?;
    Ok((key, list))
}

/// What the form says.
async fn choice(body: Body) -> Result<Leave, Problem> {
    let body = axum::body::to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| unclear())?;
    let request = axum::http::Request::post("/")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body));
    let request = request.map_err(|_| unclear())?;
    let Form(form) = Form::<Choice>::from_request(request, &()).await.map_err(|_| unclear())?;
    Leave::parse(&form.leave).ok_or_else(unclear)
}

fn unclear() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the form says nothing that could be done").with_hint(
        "send `leave=this`, `leave=all`, or `leave=list:NAME` for a list that the page names",
    )
}

/// What is recorded of the link's address, as its holder may see it.
async fn recorded(state: &State, link: Link) -> Result<Preferences, Problem> {
    let seen = move |state: &State| {
        let store = change::store(state)?;
        let view = store.ledger().view()?;
        preferences(&*view, &link)
    };
    blocking(state, move |state| Ok(seen(state))).await?.map_err(|error| away(&error))
}

fn sentence(key: &str, list: Option<&str>, all: &str, of_list: &str) -> String {
    let address = redact(key);
    match list {
        None => filled(all, &address, ""),
        Some(list) => filled(of_list, &address, list),
    }
}

/// How the pages look.
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLE).into_response()
}
