//! How much a client may take: connections, bytes and time.

use super::Problem;
use super::server::Progress;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The largest body of a request, unless its route says otherwise: 10,000 addresses of the greatest length fit.
pub(super) const BODY_BYTES: usize = 8 << 20;
/// Routes whose requests carry files. They take as long as bytes come and go, and bound themselves how many there are.
const FILES: [&str; 2] = ["/v1/filter", "/console/import"];
/// Routes that whoever looks after the service asks: they wait for nobody.
const HEALTH: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The route of decisions that are asked for one by one.
const DECISION: &str = "/v1/check";
/// The route of opt-outs that mailbox providers send.
const ONE_CLICK: &str = "/u/{token}";

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections are served at once; more wait to be accepted.
    pub connections: usize,
    /// How many requests are worked on at once, of decisions, of one-click opt-outs and of all others each; more wait.
    pub requests: usize,
    /// How many bytes a request's head may have.
    pub head_bytes: usize,
    /// How long a request's head may take, and a TLS handshake.
    pub head: Duration,
    /// How long a connection may wait for its next request.
    pub idle: Duration,
    /// How long nothing may come of a body under way, and how long nothing may be taken of an answer.
    pub stall: Duration,
    /// How long a request may take until its answer begins, its body and its waiting included; one that carries a
    /// file may take longer.
    pub request: Duration,
    /// How long requests under way may take once the service is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            requests: 512,
            head_bytes: 64 << 10,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(60),
            request: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}

/// What all requests of a service share.
#[derive(Debug)]
pub(super) struct Requests {
    decisions: Semaphore,
    one_clicks: Semaphore,
    others: Semaphore,
    time: Duration,
}

impl Requests {
    pub fn new(limits: &Limits) -> Self {
        let slots = || Semaphore::new(limits.requests);
        Self { decisions: slots(), one_clicks: slots(), others: slots(), time: limits.request }
    }

    /// What requests of a route wait for. Decisions wait for no change, opt-outs for nobody's page, and neither for who
    /// has no token and sends slowly.
    fn slots(&self, route: Option<&str>) -> Option<&Semaphore> {
        match route {
            Some(route) if HEALTH.contains(&route) => None,
            Some(DECISION) => Some(&self.decisions),
            Some(ONE_CLICK) => Some(&self.one_clicks),
            _ => Some(&self.others),
        }
    }
}

/// What a request is bounded by, in its extensions. A request that comes through no connection has none.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub requests: Arc<Requests>,
    pub progress: Arc<Progress>,
}

/// Does `work`, in its turn and in time, or answers why not. The request has a body of `body_bytes` at least.
pub(super) async fn within(
    bounds: Option<Bounds>,
    route: Option<&str>,
    body_bytes: u64,
    work: impl Future<Output = Response>,
) -> Response {
    let is_file = route.is_some_and(|route| FILES.contains(&route));
    let Some(bounds) = bounds.filter(|_| !is_file) else { return work.await };
    // What comes with a click is not looked at, however much it is.
    if body_bytes > BODY_BYTES as u64 && route != Some(ONE_CLICK) {
        // Before it is sent; one that does not say how long it is, is found out by its reader.
        let detail = format!("the body is larger than {BODY_BYTES} bytes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).into_response();
    }
    let in_turn = async {
        let _slot = match bounds.requests.slots(route) {
            // Nobody closes it.
            Some(slots) => slots.acquire().await.ok(),
            None => None,
        };
        work.await
    };
    match tokio::time::timeout(bounds.requests.time, in_turn).await {
        Ok(response) => response,
        Err(_) => late(&bounds),
    }
}

/// Says whose fault it is that a request took too long.
fn late(bounds: &Bounds) -> Response {
    let time = bounds.requests.time.as_secs_f64();
    if bounds.progress.lacks_body() {
        let detail = format!("the request was not here within {time} s");
        let mut response = Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response();
        // The rest of it would be taken for the next one.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("there was no answer within {time} s"))
        .with_hint(
            "try again; a change may have been made meanwhile, and making it again does no harm",
        )
        .into_response()
}
