//! The access tokens of the store, in memory.

use super::rates::Rate;
use crate::error::Result;
use crate::ledger::{AccessToken, AccessTokens};
use crate::service::Problem;
use crate::service::State;
use crate::service::answer::blocking;
use crate::store::Store;
use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// What every token begins with, as `quell token create` makes them.
const PREFIX: &str = "quell_";
/// How long a token is: the prefix, and 256 bits in base64.
const LENGTH: usize = PREFIX.len() + 43;

/// The access tokens that are known.
#[derive(Debug, Default)]
pub(in crate::service) struct Tokens {
    known: ArcSwap<Vec<Arc<Token>>>,
    /// Held while they are read and taken: what was read earlier is never taken later.
    loading: Mutex<()>,
    /// How many readings began, and the number of the last that is done.
    begun: AtomicU64,
    done: AtomicU64,
    /// Whose turn it is to have them read because of a token that is not known: one reading answers all who wait.
    turn: tokio::sync::Mutex<()>,
}

/// A token that is known.
#[derive(Debug)]
pub(super) struct Token {
    pub kept: AccessToken,
    /// How much it was used lately.
    pub rate: Rate,
}

impl Tokens {
    /// Takes the tokens that the store has now, and ends the sessions of those that are gone.
    ///
    /// # Errors
    ///
    /// Untrusted when they can't be read; those known before stay.
    pub fn load(&self, state: &State) -> Result<()> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let tokens = with_store(state, |store| store.ledger().access_tokens())?;
        let known = self.known.load();
        if !known.iter().map(|token| &token.kept).eq(&tokens) {
            // One that stays keeps the memory of how much it was used.
            let kept = |token: AccessToken| {
                let same = known.iter().find(|known| known.kept == token);
                same.cloned().unwrap_or_else(|| {
                    let rate = Rate::new(state.settings().access.rate_per_token);
                    Arc::new(Token { kept: token, rate })
                })
            };
            self.known.store(Arc::new(tokens.into_iter().map(kept).collect()));
            state.access().sessions.keep_those_of(|digest| self.of_digest(digest).is_some());
        }
        self.done.store(number, Ordering::Release);
        Ok(())
    }

    /// The token that these characters are. One that is not known may have been created a moment ago: the store is
    /// asked then, at most once at a time.
    ///
    /// # Errors
    ///
    /// A problem of status 503 when it is not known and the store can't be asked.
    pub(super) async fn find(
        &self,
        state: &State,
        token: &str,
    ) -> Result<Option<Arc<Token>>, Problem> {
        if token.len() != LENGTH || !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(token) = self.of_digest(&digest) {
            return Ok(Some(token));
        }
        let before = self.begun.load(Ordering::Acquire);
        let _turn = self.turn.lock().await;
        if self.done.load(Ordering::Acquire) <= before {
            blocking(state, |state| state.tokens().load(state)).await?;
        }
        Ok(self.of_digest(&digest))
    }

    /// Compares with every token, each in constant time: how long it takes tells nothing of any.
    pub(super) fn of_digest(&self, digest: &[u8; 32]) -> Option<Arc<Token>> {
        let mut found = None;
        for token in self.known.load().iter() {
            if bool::from(token.kept.digest.ct_eq(digest)) {
                found = Some(Arc::clone(token));
            }
        }
        found
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> Arc<Vec<Arc<Token>>> {
        self.known.load_full()
    }
}

/// Gives `work` the store, also while the index can't be trusted: tokens are in the ledger.
pub(super) fn with_store<T>(state: &State, work: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
    match state.live().answers() {
        Ok(answers) => work(answers.store()),
        Err(_) => work(&Store::open(&state.settings().store)?),
    }
}
