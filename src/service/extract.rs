//! What requests say → values; what can't be understood is answered with a [`Problem`] that quotes none of it.

use super::Problem;
use axum::Form;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde::de::DeserializeOwned;

/// A body of JSON, and no query: 400 for one that is none or says something else than is asked for, 413 for one that is
/// too large, 415 for one of another type.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonBody<T>(pub T);

/// What stands in the query, each name once, as texts: 400 for anything else than is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters<T>(pub T);

/// What a form says, field by field: 400 for what is no form, or is not UTF-8.
#[derive(Debug, Clone)]
pub(super) struct Fields(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let wrong = |status, detail: &str| Problem::new(status, detail);
        let form = Form::<Vec<(String, String)>>::from_request(request, state).await;
        let unread = |no: FormRejection| wrong(no.status(), "the form can't be understood");
        let Form(fields) = form.map_err(unread)?;
        if fields.iter().any(|(name, value)| is_replaced(name) || is_replaced(value)) {
            return Err(wrong(StatusCode::BAD_REQUEST, "the form is not UTF-8"));
        }
        Ok(Self(fields))
    }
}

/// Says whether a text may have been none: what is no UTF-8 is decoded to this character, and the rest would be about
/// somebody else.
pub(super) fn is_replaced(text: &str) -> bool {
    text.contains('\u{fffd}')
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        without_query(request.uri())?;
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        json(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let wrong = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| wrong("the query can't be understood".to_owned()))?
            .0;
        if pairs.iter().any(|(_, value)| is_replaced(value)) {
            return Err(wrong("the query is not UTF-8".to_owned()));
        }
        let mut members = serde_json::Map::new();
        for (name, value) in pairs {
            if members.insert(name, value.into()).is_some() {
                return Err(wrong("the query has a name twice".to_owned()));
            }
        }
        serde_json::from_value(members.into())
            .map(Self)
            .map_err(|error| wrong(format!("the query: {}", unquoted(&error.to_string()))))
    }
}

/// Refuses a query: whoever writes one takes it for part of what is asked, and without it something else is asked.
///
/// # Errors
///
/// 400.
pub(super) fn without_query(uri: &Uri) -> Result<(), Problem> {
    match uri.query() {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "a query means nothing here")
            .with_hint("everything that is asked stands in the body: lists, class and all else")),
    }
}

/// Fails with 415 unless the body is said to be JSON as it stands.
///
/// # Errors
///
/// The problem to answer with.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let kind = text(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    let is_plain = text(header::CONTENT_ENCODING)
        .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    if is_json && is_plain {
        return Ok(());
    }
    let problem =
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not said to be JSON");
    Err(problem.with_hint("send JSON, not compressed, as `Content-Type: application/json`"))
}

/// The value that a body of JSON is.
///
/// # Errors
///
/// A problem that says what was expected where, and nothing of what was found.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let detail = if error.is_data() {
            format!("the body: {}", unquoted(&error.to_string()))
        } else {
            format!("the body is no JSON: {error}")
        };
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// Why a body could not be read.
pub(super) fn unread(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than is taken here")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "the body could not be read to its end"),
    }
}

/// A message of serde's without what it quotes of the request. What is asked for stands at its end, and those words are
/// ours.
fn unquoted(message: &str) -> String {
    const OURS: [&str; 2] = ["missing field ", "duplicate field "];
    if OURS.iter().any(|ours| message.starts_with(ours)) {
        return message.to_owned();
    }
    let what = message.split([':', '`', ',']).next().unwrap_or_default().trim();
    let known =
        ["invalid type", "invalid value", "invalid length", "unknown field", "unknown variant"];
    let what = if known.contains(&what) { what } else { "it is not what is asked for" };
    match message.rfind(", expected ") {
        Some(place) => format!("{what}{}", &message[place..]),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::response::IntoResponse;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        address: String,
        list: Option<String>,
    }

    fn said(problem: &Problem) -> String {
        serde_json::to_string(problem).unwrap()
    }

    async fn body(kind: &str, body: &str) -> Result<Asked, Problem> {
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()))
            .unwrap();
        JsonBody::from_request(request, &()).await.map(|JsonBody(asked)| asked)
    }

    async fn query(query: &str) -> Result<Asked, Problem> {
        let (mut parts, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        Parameters::from_request_parts(&mut parts, &()).await.map(|Parameters(asked)| asked)
    }

    #[tokio::test]
    async fn a_body_is_understood_or_refused_without_quoting_it() {
        let asked = Asked { address: "ann@example.com".into(), list: None };
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/x+json"] {
            let text = r#"{"address": "ann@example.com", "list": null}"#;
            assert_eq!(body(kind, text).await.unwrap(), asked);
        }
        for (kind, text, status, words) in [
            ("text/plain", "{}", 415, "not said to be JSON"),
            ("application/json", "", 400, "no JSON: EOF"),
            ("application/json", "{\"address\": ann@example.com}", 400, "no JSON: expected value"),
            ("application/json", "{}", 400, "missing field `address` at line 1"),
            ("application/json", "\"ann@example.com\"", 400, "invalid type, expected struct"),
            ("application/json", r#"{"address": ["ann@example.com"]}"#, 400, "expected a string"),
            (
                "application/json",
                r#"{"ann@example.com": 1}"#,
                400,
                "unknown field, expected `address`",
            ),
            (
                "application/json",
                r#"{"missing field `ann@example.com`, expected ": 1}"#,
                400,
                "unknown field, expected `address`",
            ),
            ("application/json", r#"{"address": "x"} ann@example.com"#, 400, "trailing characters"),
        ] {
            let problem = body(kind, text).await.unwrap_err();
            assert_eq!(problem.status().as_u16(), status, "{text}");
            assert!(said(&problem).contains(words), "{text}: {}", said(&problem));
            assert!(!said(&problem).contains("ann"), "{}", said(&problem));
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_413() {
        use axum::Router;
        use axum::extract::DefaultBodyLimit;
        use axum::routing::post;
        use tower::ServiceExt;
        let router: Router = Router::new()
            .route("/", post(|_: JsonBody<Asked>| async { "" }))
            .layer(DefaultBodyLimit::max(16));
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(r#"{"address": "ann@example.com"}"#))
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_query_is_understood_or_refused_without_quoting_it() {
        let asked = query("address=ann%2Bnews%40example.com&list=a%20b").await.unwrap();
        let expected = Asked { address: "ann+news@example.com".into(), list: Some("a b".into()) };
        assert_eq!(asked, expected);
        for (text, words) in [
            ("", "missing field `address`"),
            ("address=a&address=ann", "a name twice"),
            ("address=a&ann%40example.com=1", "unknown field, expected `address`"),
            ("address=ann%ff%40example.com", "not UTF-8"),
        ] {
            let problem = query(text).await.unwrap_err();
            assert_eq!(problem.clone().into_response().status(), StatusCode::BAD_REQUEST);
            assert!(said(&problem).contains(words), "{text}: {}", said(&problem));
            assert!(!said(&problem).contains("ann"), "{}", said(&problem));
        }
    }
}
