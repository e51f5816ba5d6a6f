//! Requests by route, method and status, and how long they took.

use arc_swap::ArcSwap;
use axum::http::{Method, StatusCode};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What requests that no route answers are counted under.
const OTHER: &str = "other";

/// An answered request.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Answered<'a> {
    /// The route's pattern; none when no route is asked.
    pub route: Option<&'a str>,
    pub method: &'a Method,
    pub status: StatusCode,
    pub took: Duration,
}

/// The counters of all routes.
pub(super) struct Routes {
    requests: IntCounterVec,
    seconds: HistogramVec,
    /// Those of routes that were asked. Read by everybody, replaced when a route is asked for the first time.
    known: ArcSwap<HashMap<Box<str>, Route>>,
}

#[derive(Clone)]
struct Route {
    seconds: Histogram,
    /// What nearly all requests come to.
    fine: [(Method, IntCounter); 2],
}

impl Routes {
    pub fn new(requests: IntCounterVec, seconds: HistogramVec) -> Self {
        Self { requests, seconds, known: ArcSwap::default() }
    }

    /// Counts a request. Cost: a look-up by the route's name, and a few atomic additions.
    pub fn answered(&self, answered: &Answered<'_>) {
        let name = answered.route.unwrap_or(OTHER);
        let known = self.known.load();
        if let Some(route) = known.get(name) {
            self.count(route, name, answered);
        } else if let Ok(route) = self.route(name) {
            self.count(&route, name, answered);
            self.known.rcu(|known| {
                let mut more = HashMap::clone(known);
                more.insert(name.into(), route.clone());
                Arc::new(more)
            });
        }
    }

    fn count(&self, route: &Route, name: &str, answered: &Answered<'_>) {
        route.seconds.observe(answered.took.as_secs_f64());
        let fine = route
            .fine
            .iter()
            .find(|(method, _)| answered.status == StatusCode::OK && method == answered.method);
        if let Some((_, counter)) = fine {
            counter.inc();
        } else if let Ok(counter) = self.requests.get_metric_with_label_values(&[
            name,
            word_of(answered.method),
            answered.status.as_str(),
        ]) {
            counter.inc();
        }
    }

    fn route(&self, name: &str) -> prometheus::Result<Route> {
        let fine = |method: Method| {
            let status = StatusCode::OK;
            self.requests
                .get_metric_with_label_values(&[name, method.as_str(), status.as_str()])
                .map(|counter| (method, counter))
        };
        Ok(Route {
            seconds: self.seconds.get_metric_with_label_values(&[name])?,
            fine: [fine(Method::POST)?, fine(Method::GET)?],
        })
    }
}

/// A client may send any word as its method.
pub(in crate::service) fn word_of(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH") => known,
        _ => OTHER,
    }
}
