//! What surrounds every request: its number, its limits, its place in the counts and in the log.

use super::access::Caller;
use super::limits::{Bounds, within};
use super::metrics::Answered;
use super::{Problem, State};
use crate::error::{Error, Result};
use axum::extract::{self, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest number of a client's own that is taken over.
const ID_BYTES_MAX: usize = 64;
/// Routes that answer without changing anything, whatever their method.
const DECISIONS: [&str; 2] = ["/v1/check", "/v1/filter"];

/// The middleware around every route: for `Router::layer`, which knows the route then.
pub(super) async fn observe(
    extract::State(state): extract::State<State>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = state.request_ids().of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let bounds = request.extensions_mut().remove::<Bounds>();
    let under_way = state.metrics().under_way();
    let body_bytes = request.body().size_hint().lower();
    let work = within(bounds, route, body_bytes, next.run(request));
    let mut response = caught(work).await.unwrap_or_else(|| {
        state.metrics().panicked();
        let detail = "the request met a fault of the program";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    });
    drop(under_way);
    let (status, took) = (response.status(), began.elapsed());
    state.metrics().answered(&Answered { route, method: &method, status, took });
    log(&method, route, &response, took, &id);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The end of `work`, or none when it panics.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// One line a request: the route as the program has it, never what the client sent, for that holds addresses and
/// links.
fn log(
    method: &Method,
    route: Option<&str>,
    response: &Response,
    took: Duration,
    id: &HeaderValue,
) {
    let status = response.status();
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                method = super::metrics::word_of(method),
                route = route.unwrap_or("other"),
                status = status.as_u16(),
                milliseconds = took.as_micros() as f64 / 1_000.0,
                token = response.extensions().get().map(name_of).as_deref(),
                request = id.to_str().unwrap_or_default(),
                "answered"
            )
        };
    }
    let changes_nothing = method.is_safe() || route.is_some_and(|route| DECISIONS.contains(&route));
    match status {
        _ if status.is_server_error() => say!(warn),
        _ if changes_nothing && !status.is_client_error() => say!(debug),
        _ => say!(info),
    }
}

/// A token's name, should somebody have named it after an address.
fn name_of(caller: &Caller) -> Cow<'_, str> {
    caller.logged()
}

/// What numbers requests, so that an answer can be found in the log.
#[derive(Debug)]
pub(super) struct RequestIds {
    /// Others than those of the service's last start.
    start: u32,
    next: AtomicU32,
}

impl RequestIds {
    /// # Errors
    ///
    /// Untrusted when the system has no random numbers.
    pub fn new() -> Result<Self> {
        let start = getrandom::u32()
            .map_err(|error| Error::untrusted(format!("no random numbers: {error}")))?;
        Ok(Self { start, next: AtomicU32::new(0) })
    }

    /// The number a request came with, if it is a plain word, else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        if let Some(id) = headers.get(REQUEST_ID)
            && (1..=ID_BYTES_MAX).contains(&id.len())
            && id.as_bytes().iter().all(is_plain)
        {
            return id.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:08x}{number:08x}", self.start);
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(given: Option<&'static str>) -> String {
        let ids = RequestIds { start: 0xabc, next: AtomicU32::new(7) };
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(REQUEST_ID, HeaderValue::from_static(given));
        }
        ids.of(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_request_keeps_its_number_if_it_is_one() {
        assert_eq!(id_of(None), "00000abc00000007");
        assert_eq!(id_of(Some("f00-1.2_3:4")), "f00-1.2_3:4");
        for odd in ["", "ann@example.com", "a b", "a\tb"] {
            assert_eq!(id_of(Some(odd)), "00000abc00000007", "{odd}");
        }
    }

    #[test]
    fn a_token_named_after_an_address_is_not_told_in_full() {
        let named = |name: &str| {
            let caller = Caller { name: name.into(), role: crate::ledger::Role::Decide };
            name_of(&caller).into_owned()
        };
        assert_eq!(named("shop"), "shop");
        assert_eq!(named("ann@example.com"), "a***@example.com");
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        assert_eq!(caught(async { 1 }).await, Some(1));
        assert_eq!(caught(async { panic!("on purpose") }).await, None::<u8>);
    }
}
