//! `quell check --as-of`: how it was, told by the ledger alone. The index knows only how it is.

use crate::action::check::{Answer, count_contact};
use crate::address::{KeyBuffer, Policy};
use crate::cli::as_of::AsOf;
use crate::error::Result;
use crate::ledger::View;
use crate::record::{KeyState, Query};
use crate::store::outside_at;

/// The ledger at a time that is over.
pub(super) struct Past<'v> {
    pub view: &'v dyn View,
    pub policy: Policy,
    pub then: AsOf,
}

impl Past<'_> {
    /// What would have been said of an address. The query's time is that of the answer, so what had an end
    /// is judged as it was then.
    pub fn answer<'a>(
        &self,
        address: &'a str,
        contact: Option<&str>,
        query: &Query<'_>,
    ) -> Result<Answer<'a>> {
        let (view, generation) = (self.view, self.then.generation);
        let mut buffer = KeyBuffer::default();
        let key = self.policy.key(address.as_bytes(), &mut buffer);
        let mut state = match &key {
            Ok(key) => view.state_at(key.as_bytes(), generation)?,
            Err(_) => KeyState::default(),
        };
        if let Some(id) = contact
            && let Some(contact) = view.contact_at(id, generation)?
        {
            count_contact(&mut state, contact);
        }
        let domain = key.as_ref().map(|key| key.domain()).unwrap_or_default();
        let outside = outside_at(view, generation, address.as_bytes(), domain)?;
        let causes = state.causes_with(&outside, query);
        Ok(Answer { address, key: key.map(|key| key.as_str().to_owned()), causes })
    }
}
