//! What every request is answered with.

use super::Metrics;
use super::access::{Access, AccessSettings, Tokens};
use super::answer::Changing;
use super::console::Console;
use super::decide::{BatchLimits, Turns};
use super::log::RequestIds;
use super::one_click::{LinkTokens, Recorder};
use crate::error::Result;
use crate::record::Timestamp;
use crate::store::Live;
use std::path::PathBuf;
use std::sync::Arc;

/// So many bytes a file may have that is imported in the console, unless something else is said.
pub const IMPORT_BYTES: u64 = 2 << 30;

/// What the service is told when it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's directory.
    pub store: PathBuf,
    /// What tells the time.
    pub clock: fn() -> Timestamp,
    /// So many bytes a file may have that is imported in the console.
    pub import_bytes: u64,
    /// Who may ask how much.
    pub access: AccessSettings,
    /// What batches may take.
    pub batches: BatchLimits,
}

impl Settings {
    /// The settings of a service over the store in this directory, all others as they are unless they are given.
    #[must_use]
    pub fn new(store: PathBuf, clock: fn() -> Timestamp) -> Self {
        Self {
            store,
            clock,
            import_bytes: IMPORT_BYTES,
            access: AccessSettings::default(),
            batches: BatchLimits::default(),
        }
    }
}

/// What every request is answered with. A clone is the same state.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    settings: Settings,
    live: Live,
    access: Access,
    turns: Turns,
    changing: Changing,
    metrics: Metrics,
    console: Console,
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
            access: Access::new(&settings.access),
            turns: Turns::new(settings.batches),
            changing: Changing::default(),
            settings,
            live,
            metrics: Metrics::new()?,
            console: Console::default(),
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

    /// Who may ask, and how much.
    pub(super) fn access(&self) -> &Access {
        &self.0.access
    }

    /// The tokens that are known.
    pub(super) fn tokens(&self) -> &Tokens {
        self.0.access.tokens()
    }

    /// Whose turn it is to filter a batch.
    pub(super) fn turns(&self) -> &Turns {
        &self.0.turns
    }

    /// Who may change the ledger now.
    pub(super) fn changing(&self) -> &Changing {
        &self.0.changing
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
