//! The tokens of links, under the store's keys as they are now.

use super::away;
use crate::action::link::{Link, Links};
use crate::error::{Error, Result};
use crate::service::{Problem, State};
use crate::store::{LinkKeysMark, Store};
use axum::http::{StatusCode, Uri};
use std::sync::{Arc, Mutex, PoisonError};

/// The store's link keys as they were last read.
#[derive(Debug, Default)]
pub(in crate::service) struct LinkTokens(Mutex<Option<(LinkKeysMark, Arc<Links>)>>);

impl LinkTokens {
    /// What opens tokens now; `None` for a store that never made one. Cost: a `stat`, and a read when keys changed.
    ///
    /// # Errors
    ///
    /// Untrusted when the keys can't be read, or there were some and they are gone.
    fn links(&self, state: &State) -> Result<Option<Arc<Links>>> {
        let path = &state.settings().store;
        let mark = Store::link_keys_mark(path);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, links)) = &*known
            && mark == Some(*of)
        {
            return Ok(Some(Arc::clone(links)));
        }
        let Some((keys, mark)) = Store::link_keys_of(path)? else {
            // A 404 is final: mailbox providers don't come again. While a backup is put back there are no keys either.
            if known.is_some() {
                return Err(Error::untrusted("the store's link keys are gone")
                    .with_hint("put `link.keys` back from the backup"));
            }
            Store::require(path)?;
            return Ok(None);
        };
        let links = Arc::new(Links::new(&keys));
        *known = Some((mark, Arc::clone(&links)));
        Ok(Some(links))
    }
}

/// The token in a path, as it stands there: no token has a character that a path would escape.
pub(super) fn token_of(path: &Uri) -> &str {
    path.path().rsplit('/').next().unwrap_or_default()
}

/// What the token in `path` says.
///
/// # Errors
///
/// 404 for one that is none; 503 when the keys can't be read.
pub(super) fn link_of(state: &State, path: &Uri) -> Result<Link, Problem> {
    let links = state.link_tokens().links(state).map_err(|error| away(&error))?;
    links.and_then(|links| links.open(token_of(path))).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "there is no such link")
            .with_hint("use the link as it stands in the mail")
    })
}
