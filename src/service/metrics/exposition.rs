//! `GET /metrics`: what was counted, and the store as it is now.

use super::{Metrics, register};
use crate::service::State;
use crate::service::answer::blocking;
use crate::store::Live;
use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::{IntGauge, Registry, TEXT_FORMAT, TextEncoder};

/// What is so at the moment it is asked for.
pub(super) struct Gauges {
    generation: IntGauge,
    ledger_generation: IntGauge,
    lag: IntGauge,
    trusted: IntGauge,
    bytes: IntGauge,
    entries: IntGauge,
    segments: IntGauge,
}

impl Gauges {
    pub fn registered(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name, help| register(registry, IntGauge::new(name, help)?);
        Ok(Self {
            generation: gauge(
                "quell_generation",
                "The generation that decisions are made from; 0 when none can be made.",
            )?,
            ledger_generation: gauge(
                "quell_ledger_generation",
                "The ledger's generation when it was last looked at.",
            )?,
            lag: gauge(
                "quell_lag_generations",
                "How many of the ledger's generations the decisions lack.",
            )?,
            trusted: gauge("quell_index_trusted", "1 when decisions can be made, else 0.")?,
            bytes: gauge("quell_index_bytes", "Bytes of the index on disk.")?,
            entries: gauge("quell_index_entries", "Entries of the index on disk.")?,
            segments: gauge("quell_index_segments", "Segments of the index on disk.")?,
        })
    }

    /// Looks at the store. Cost: one small file.
    fn look(&self, live: &Live) {
        let answers = live.answers();
        let generation = answers.as_ref().map_or(0, |answers| answers.generation());
        let lag = live.lag();
        self.trusted.set(i64::from(answers.is_ok()));
        self.generation.set(whole(generation));
        self.lag.set(whole(lag));
        self.ledger_generation.set(whole(generation.saturating_add(lag)));
        // An index that can't be read now: the last known size is no claim that it can.
        if let Some(index) = answers.ok().and_then(|answers| answers.store().index_state().ok()) {
            self.bytes.set(whole(index.bytes));
            self.entries.set(whole(index.entries));
            self.segments.set(i64::try_from(index.segments).unwrap_or(i64::MAX));
        }
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Metrics {
    /// Everything that was counted, in Prometheus' text format.
    pub(in crate::service) fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// What was counted, and the store as it is now.
pub(in crate::service) async fn metrics(extract::State(state): extract::State<State>) -> Response {
    let text = blocking(&state, |state| {
        state.metrics().gauges.look(state.live());
        Ok(state.metrics().text())
    });
    match text.await {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(problem) => problem.into_response(),
    }
}
