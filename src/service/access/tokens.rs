//! The access tokens of the store, in memory.

use super::Caller;
use crate::error::Result;
use crate::ledger::{AccessToken, AccessTokens};
use crate::service::State;
use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The access tokens that are known.
#[derive(Debug, Default)]
pub(in crate::service) struct Tokens(ArcSwap<Vec<AccessToken>>);

impl Tokens {
    /// Takes the tokens that the store has now.
    pub fn load(&self, state: &State) -> Result<()> {
        let tokens = state.live().answers()?.store().ledger().access_tokens()?;
        if **self.0.load() != tokens {
            self.0.store(tokens.into());
        }
        Ok(())
    }

    /// Who bears `token`. One that is not known may have been created a moment ago.
    pub fn bearer(&self, state: &State, token: &str) -> Option<Caller> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        self.find(&digest).or_else(|| {
            self.load(state).ok()?;
            self.find(&digest)
        })
    }

    /// Compares with every token, each in constant time: how long it takes tells nothing of any.
    fn find(&self, digest: &[u8; 32]) -> Option<Caller> {
        let mut found = None;
        for token in self.0.load().iter() {
            if bool::from(token.digest.ct_eq(digest)) {
                found = Some(Caller { name: token.name.clone(), role: token.role });
            }
        }
        found
    }
}
