//! Errors as RFC 9457 problem documents.

use crate::address::redact;
use crate::error::{Error, ErrorKind};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of a problem.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not done: `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was wrong, without any address.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Problem {
    /// A problem of this status. An address in `detail` is redacted.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        let detail = without_addresses(detail.into());
        Self { kind: "about:blank", title, status: status.as_u16(), detail, hint: None }
    }

    /// Adds what to do about it. An address in `hint` is redacted.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(without_addresses(hint.into()));
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The status in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What was wrong, without any address.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// Whose fault it is decides: 4xx is the request's, 503 the store's.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Usage | ErrorKind::Input => StatusCode::BAD_REQUEST,
            ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Untrusted | ErrorKind::BrokenPipe => StatusCode::SERVICE_UNAVAILABLE,
        };
        let problem = Self::new(status, error.to_string());
        match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(&self)).into_response();
        // A page may tell it in its own way.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM);
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Every error without a page or a problem of its own becomes a problem, whoever answered it: the router, an extractor, a
/// layer. Its headers stay.
pub(super) fn every_error(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let is_bare = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_bare {
        return response;
    }
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "this path is not asked by this method",
        StatusCode::REQUEST_TIMEOUT => "the request took too long",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than is taken here",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body is of a type that is not taken here",
        StatusCode::TOO_MANY_REQUESTS => "too many requests",
        StatusCode::FORBIDDEN => "this is not allowed from here",
        StatusCode::SERVICE_UNAVAILABLE => "there is no answer now",
        _ if status.is_server_error() => "the request could not be finished",
        _ => "the request can't be understood",
    };
    let mut problem = Problem::new(status, detail).into_response();
    for (name, value) in response.headers() {
        if !matches!(
            *name,
            header::CONTENT_TYPE | header::CONTENT_LENGTH | header::TRANSFER_ENCODING
        ) {
            problem.headers_mut().append(name, value.clone());
        }
    }
    problem
}

/// The text with every address in it redacted. What was quoted of a request stands between backticks; it is redacted as
/// one, whatever is in it.
fn without_addresses(text: String) -> String {
    // An `@` between backticks is the library's word for it.
    let is_quoted = |place| text[..place].ends_with('`') && text[place + 1..].starts_with('`');
    let last = text.match_indices('@').map(|(place, _)| place).rfind(|place| !is_quoted(*place));
    let Some(last) = last else { return text };
    if let Some(open) = text[..last].find('`') {
        let close = text[last..].find('`').map_or(text.len(), |place| last + place);
        return format!("{}`{}{}", &text[..open], redact(&text[open + 1..close]), &text[close..]);
    }
    let word = |word: &str| match word.contains('@') {
        true => redact(word),
        false => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_problem_holds_an_address() {
        for (text, shown) in [
            ("there is nothing here", "there is nothing here"),
            ("`***` is no address: it has no `@`", "`***` is no address: it has no `@`"),
            ("`ann@example.com` has one `@`", "`a***@example.com` has one `@`"),
            (
                "unknown class `ann@example.com`, expected `bulk`",
                "unknown class `a***@example.com`, expected `bulk`",
            ),
            ("`\"ann b`ob\"@example.com` is no list", "`***@example.com` is no list"),
            (
                "`a***@example.com` is no address: too long",
                "`a***@example.com` is no address: too long",
            ),
            ("`ann@example.com and bob@example.org", "`b***@example.org"),
            (
                "ann@example.com and bob@example.org: no",
                "a***@example.com and b***@example.org: no",
            ),
        ] {
            let problem = Problem::new(StatusCode::BAD_REQUEST, text).with_hint(text);
            assert_eq!((problem.detail.as_str(), problem.hint.as_deref()), (shown, Some(shown)));
        }
    }

    #[test]
    fn an_error_without_words_becomes_a_problem_and_keeps_its_headers() {
        let bare = (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
        let problem = every_error(bare);
        assert_eq!(problem.headers()[header::CONTENT_TYPE], PROBLEM);
        assert_eq!(problem.headers()[header::ALLOW], "GET");
        let page = (StatusCode::NOT_FOUND, axum::response::Html("<p>gone")).into_response();
        assert!(
            every_error(page).headers()[header::CONTENT_TYPE].as_bytes().starts_with(b"text/html")
        );
        let fine = every_error("fine".into_response());
        assert_eq!(fine.status(), StatusCode::OK);
    }
}
