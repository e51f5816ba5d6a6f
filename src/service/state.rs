//! What every request is answered with.

use super::Metrics;
use super::access::Tokens;
use super::log::RequestIds;
use super::one_click::{LinkTokens, Recorder};
use crate::error::Result;
use crate::record::Timestamp;
use crate::store::Live;
use std::path::PathBuf;
use std::sync::Arc;

/// What the service is told when it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's directory.
    pub store: PathBuf,
    /// What tells the time.
    pub clock: fn() -> Timestamp,
}

/// What every request is answered with. A clone is the same state.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    settings: Settings,
    live: Live,
    tokens: Tokens,
    metrics: Metrics,
    request_ids: RequestIds,
    link_tokens: LinkTokens,
    recorder: Recorder,
}

impl State {
    /// Opens the store that `settings` name.
    ///
    /// # Errors
    ///
    /// Untrusted when there is none. One that can't be trusted is answered with errors until it is mended.
    pub fn open(settings: Settings) -> Result<Self> {
        let live = Live::open(&settings.store, (settings.clock)())?;
        Ok(Self(Arc::new(Inner {
            settings,
            live,
            tokens: Tokens::default(),
            metrics: Metrics::new()?,
            request_ids: RequestIds::new()?,
            link_tokens: LinkTokens::default(),
            recorder: Recorder::default(),
        })))
    }

    /// What the service was told.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What answers.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    /// Who may ask.
    pub(super) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What numbers requests.
    pub(super) fn request_ids(&self) -> &RequestIds {
        &self.0.request_ids
    }

    /// What the tokens of links say.
    pub(super) fn link_tokens(&self) -> &LinkTokens {
        &self.0.link_tokens
    }

    /// What takes opt-outs by links into the ledger.
    pub(super) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0.settings.clock)()
    }
}
