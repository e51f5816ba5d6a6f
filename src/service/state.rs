//! What every request is answered with.

use super::Metrics;
use super::access::Tokens;
use super::console::Console;
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
    /// So many bytes a file may have that is imported in the console.
    pub import_bytes: u64,
}

/// What every request is answered with. A clone is the same state.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    settings: Settings,
    live: Live,
    tokens: Tokens,
    metrics: Metrics,
    console: Console,
}

impl State {
    /// Opens the store that `settings` name.
    ///
    /// # Errors
    ///
    /// Untrusted when there is none. One that can't be trusted is answered with errors until it is mended.
    pub fn open(settings: Settings) -> Result<Self> {
        let live = Live::open(&settings.store, (settings.clock)())?;
        let metrics = Metrics::new()?;
        let tokens = Tokens::default();
        let console = Console::default();
        Ok(Self(Arc::new(Inner { settings, live, tokens, metrics, console })))
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

    /// What the console keeps.
    pub(super) fn console(&self) -> &Console {
        &self.0.console
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0.settings.clock)()
    }
}
