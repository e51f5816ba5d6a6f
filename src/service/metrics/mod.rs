//! What the service counts, as Prometheus reads it.
//!
//! Everything that is counted while a request is answered is an atomic number that was looked up before. Labels are
//! words of this program (a reason, a route's pattern, a status), never what a client sent: their number is bounded.

mod exposition;
mod routes;

use crate::error::{Error, Result};
use crate::ledger::ImportCounts;
use crate::record::{Kind, Reason};
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};
use routes::Routes;
use std::time::Duration;

pub(super) use exposition::metrics;
pub(super) use routes::{Answered, word_of};

/// Seconds of a look-up that stays in memory, up to those of a large batch that asks the ledger.
const CHECK_SECONDS: [f64; 12] =
    [1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 5e-2, 0.25, 1.0];
/// Seconds of a request, from one that asks memory to one that applies an import.
const REQUEST_SECONDS: [f64; 12] =
    [2.5e-5, 1e-4, 2.5e-4, 1e-3, 2.5e-3, 1e-2, 2.5e-2, 0.1, 0.25, 1.0, 5.0, 30.0];
/// What the files of imports are when their rows are of more than one kind.
const SEVERAL_KINDS: &str = "several";

/// What the service counts. One a [`State`](super::State).
pub struct Metrics {
    registry: Registry,
    clear: IntCounter,
    /// By the number of the first reason.
    withheld: Vec<IntCounter>,
    check_seconds: Histogram,
    routes: Routes,
    opt_outs: [IntCounter; 2],
    resubscribes: IntCounter,
    imports: IntCounter,
    import_rows: IntCounterVec,
    panics: IntCounter,
    connections: IntGauge,
    requests_under_way: IntGauge,
    gauges: exposition::Gauges,
}

impl Metrics {
    /// Nothing counted yet.
    ///
    /// # Errors
    ///
    /// Untrusted when two of the names or labels below don't go together.
    pub(super) fn new() -> Result<Self> {
        Self::registered(Registry::new())
            .map_err(|error| Error::untrusted(format!("cannot count: {error}")))
    }

    fn registered(registry: Registry) -> prometheus::Result<Self> {
        let of = &registry;
        let decisions = register(of, counters(DECISIONS, &["verdict", "reason"])?)?;
        let withheld = Reason::all()
            .map(|reason| {
                let verdict =
                    if reason == Reason::InvalidAddress { "invalid" } else { "suppressed" };
                decisions.get_metric_with_label_values(&[verdict, reason.as_str()])
            })
            .collect::<prometheus::Result<_>>()?;
        let opt_outs = register(of, counters(OPT_OUTS, &["scope"])?)?;
        let opt_outs_of = |scope| opt_outs.get_metric_with_label_values(&[scope]);
        let (name, help) = REQUESTS;
        let requests = IntCounterVec::new(Opts::new(name, help), &["route", "method", "status"])?;
        let (name, help) = REQUESTS_SECONDS;
        let buckets = REQUEST_SECONDS.to_vec();
        let seconds =
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), &["route"])?;
        let (name, help) = CHECKS_SECONDS;
        let check_seconds =
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(CHECK_SECONDS.to_vec()))?;
        Ok(Self {
            clear: decisions.get_metric_with_label_values(&["clear", ""])?,
            withheld,
            check_seconds: register(of, check_seconds)?,
            routes: Routes::new(register(of, requests)?, register(of, seconds)?),
            opt_outs: [opt_outs_of("global")?, opt_outs_of("list")?],
            resubscribes: register(of, counter(RESUBSCRIBES)?)?,
            imports: register(of, counter(IMPORTS)?)?,
            import_rows: register(of, counters(IMPORT_ROWS, &["kind", "outcome"])?)?,
            panics: register(of, counter(PANICS)?)?,
            connections: register(of, gauge(CONNECTIONS)?)?,
            requests_under_way: register(of, gauge(UNDER_WAY)?)?,
            gauges: exposition::Gauges::registered(of)?,
            registry,
        })
    }

    /// So many addresses were decided about: withheld under this first reason (the verdict is `invalid` for
    /// [`Reason::InvalidAddress`], else `suppressed`), or `clear` without one. Cost: one atomic addition; count the
    /// addresses of a batch first.
    pub fn decided(&self, first: Option<Reason>, addresses: u64) {
        match first {
            None => self.clear.inc_by(addresses),
            Some(reason) => {
                if let Some(counter) = self.withheld.get(reason as usize) {
                    counter.inc_by(addresses);
                }
            }
        }
    }

    /// A request of decisions was decided in so long, without its way through HTTP.
    pub fn checked(&self, took: Duration) {
        self.check_seconds.observe(took.as_secs_f64());
    }

    /// An opt-out is recorded: of one list, or of everything.
    pub fn opted_out(&self, list: Option<&str>) {
        self.opt_outs[usize::from(list.is_some())].inc();
    }

    /// Somebody was made reachable again.
    pub fn resubscribed(&self) {
        self.resubscribes.inc();
    }

    /// An import was applied; no `kind` when its rows were of several.
    pub fn imported(&self, kind: Option<Kind>, counts: &ImportCounts) {
        let kind = kind.map_or(SEVERAL_KINDS, Kind::as_str);
        self.imports.inc();
        let ImportCounts { added, unchanged, held, rejected, .. } = *counts;
        for (outcome, rows) in
            [("added", added), ("unchanged", unchanged), ("held", held), ("rejected", rejected)]
        {
            if let Ok(counter) = self.import_rows.get_metric_with_label_values(&[kind, outcome]) {
                counter.inc_by(rows);
            }
        }
    }

    /// A request was answered.
    pub(super) fn answered(&self, answered: &Answered<'_>) {
        self.routes.answered(answered);
    }

    /// A handler panicked.
    pub(super) fn panicked(&self) {
        self.panics.inc();
    }

    /// A connection, until the guard is dropped.
    pub(super) fn connected(&self) -> Counted {
        Counted::new(&self.connections)
    }

    /// A request under way, until the guard is dropped.
    pub(super) fn under_way(&self) -> Counted {
        Counted::new(&self.requests_under_way)
    }
}

/// One of those a gauge counts, until it is dropped.
pub(super) struct Counted(IntGauge);

impl Counted {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

type Named = (&'static str, &'static str);

const DECISIONS: Named =
    ("quell_decisions_total", "Addresses decided about, by verdict and first reason.");
const REQUESTS: Named =
    ("quell_http_requests_total", "Requests answered, by route, method and status.");
const REQUESTS_SECONDS: Named =
    ("quell_http_request_seconds", "Seconds from a request's head to its answer's head, by route.");
const CHECKS_SECONDS: Named =
    ("quell_check_seconds", "Seconds to decide one request of addresses, without HTTP.");
const OPT_OUTS: Named = ("quell_opt_outs_total", "Opt-outs recorded through the service.");
const RESUBSCRIBES: Named =
    ("quell_resubscribes_total", "Addresses made reachable again through the service.");
const IMPORTS: Named = ("quell_imports_total", "Imports applied through the service.");
const IMPORT_ROWS: Named =
    ("quell_import_rows_total", "Rows of imports applied through the service, by outcome.");
const PANICS: Named = ("quell_panics_total", "Requests that ended in a fault of the program.");
const CONNECTIONS: Named = ("quell_connections", "Connections that are open.");
const UNDER_WAY: Named = ("quell_requests_under_way", "Requests that are being answered.");

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn counter((name, help): Named) -> prometheus::Result<IntCounter> {
    IntCounter::new(name, help)
}

fn counters((name, help): Named, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn gauge((name, help): Named) -> prometheus::Result<IntGauge> {
    IntGauge::new(name, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_under_its_own_word() {
        let metrics = Metrics::new().unwrap();
        metrics.decided(None, 3);
        for (number, reason) in Reason::all().enumerate() {
            metrics.decided(Some(reason), number as u64 + 10);
        }
        let text = metrics.text();
        assert!(
            text.contains("quell_decisions_total{reason=\"\",verdict=\"clear\"} 3\n"),
            "{text}"
        );
        for (number, reason) in Reason::all().enumerate() {
            let verdict = if number == 0 { "invalid" } else { "suppressed" };
            let line = format!(
                "quell_decisions_total{{reason=\"{reason}\",verdict=\"{verdict}\"}} {}\n",
                number + 10
            );
            assert!(text.contains(&line), "{line}{text}");
        }
    }

    #[test]
    fn what_is_dropped_is_no_longer_counted() {
        let metrics = Metrics::new().unwrap();
        let connection = metrics.connected();
        assert!(metrics.text().contains("quell_connections 1\n"));
        drop(connection);
        assert!(metrics.text().contains("quell_connections 0\n"));
    }

    #[test]
    fn an_import_is_counted_by_outcome() {
        let metrics = Metrics::new().unwrap();
        let counts = ImportCounts { read: 9, added: 4, rejected: 5, ..ImportCounts::default() };
        metrics.imported(Some(Kind::Unsubscribes), &counts);
        metrics.imported(None, &counts);
        metrics.opted_out(Some("news"));
        let text = metrics.text();
        for line in [
            "quell_imports_total 2\n",
            "quell_import_rows_total{kind=\"unsubscribes\",outcome=\"added\"} 4\n",
            "quell_import_rows_total{kind=\"several\",outcome=\"rejected\"} 5\n",
            "quell_opt_outs_total{scope=\"list\"} 1\n",
            "quell_opt_outs_total{scope=\"global\"} 0\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
