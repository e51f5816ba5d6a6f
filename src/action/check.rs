//! May an address be mailed, and if not, why: the index answers, the ledger explains.

mod many;

pub use many::{Judge, Judged};

use crate::address::{InvalidAddress, KeyBuffer};
use crate::error::{Error, Result};
use crate::record::{Cause, Contact, KeyState, Outside, Query, Reason, ReasonSet};
use crate::store::Reader;
use serde_json::{Value, json};

/// What is said of one address.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The address as it was asked about.
    pub address: &'a str,
    /// Its key, or why it has none.
    pub key: Result<String, InvalidAddress>,
    /// What withholds mail to it, in the contract's order.
    pub causes: Vec<Cause>,
}

/// What is to be said of an address as things are, and of a contact if one is named.
///
/// # Errors
///
/// As the store says, and untrusted when index and ledger disagree.
pub fn answer<'a>(
    reader: &Reader<'_>,
    address: &'a str,
    contact: Option<&str>,
    query: &Query<'_>,
) -> Result<Answer<'a>> {
    answer_with(reader, address, contact, query, true)
}

/// [`answer`] at less cost: domain rules and digests are asked for only when the index holds any, or is older than the
/// ledger. For many addresses at once.
///
/// # Errors
///
/// As [`answer`].
pub fn answer_of_many<'a>(
    reader: &Reader<'_>,
    address: &'a str,
    contact: Option<&str>,
    query: &Query<'_>,
) -> Result<Answer<'a>> {
    let may_be_outside = !reader.present().is_nothing() || !reader.is_of_one_generation();
    answer_with(reader, address, contact, query, may_be_outside)
}

fn answer_with<'a>(
    reader: &Reader<'_>,
    address: &'a str,
    contact: Option<&str>,
    query: &Query<'_>,
    asks_outside: bool,
) -> Result<Answer<'a>> {
    let nothing = || Ok(Outside::default());
    let mut buffer = KeyBuffer::default();
    let key = match reader.policy().key(address.as_bytes(), &mut buffer) {
        Ok(key) => key,
        Err(fault) => {
            let mut state = KeyState::default();
            add_contact(reader, contact, &mut state)?;
            let raw = address.as_bytes();
            let outside = if asks_outside { reader.outside_of_cell(raw) } else { nothing() }?;
            return Ok(Answer {
                address,
                key: Err(fault),
                causes: state.causes_with(&outside, query),
            });
        }
    };
    let mut state = reader.view().state_of(key.as_bytes())?;
    add_contact(reader, contact, &mut state)?;
    let raw = address.as_bytes();
    let outside = if asks_outside { reader.outside(raw, key) } else { nothing() }?;
    let causes = state.causes_with(&outside, query);
    // The index answers; the ledger only says why. When the two differ, neither is to be believed.
    let told: ReasonSet = causes.iter().map(|cause| cause.reason).collect();
    if reader.is_of_one_generation() && reader.reasons(raw, key, contact, query) != told {
        return Err(Error::untrusted(format!(
            "index and ledger disagree about {}",
            crate::address::redact(address)
        ))
        .with_hint("run `quell verify`, then `quell compile --full`"));
    }
    Ok(Answer { address, key: Ok(key.as_str().to_owned()), causes })
}

/// Lets the contact asked about count, whatever its own address is.
fn add_contact(reader: &Reader<'_>, contact: Option<&str>, state: &mut KeyState) -> Result<()> {
    if let Some(id) = contact
        && let Some(contact) = reader.view().contact_flags(id)?
    {
        count_contact(state, contact);
    }
    Ok(())
}

/// Adds a contact to a state, unless it is one of it.
pub fn count_contact(state: &mut KeyState, contact: Contact) {
    let is_it = |known: &Contact| !known.former && known.contact_id == contact.contact_id;
    if !state.contacts.iter().any(is_it) {
        state.contacts.push(contact);
    }
}

impl Answer<'_> {
    /// `clear`, `suppressed` or `invalid`.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match (&self.key, self.causes.is_empty()) {
            (Err(_), _) => "invalid",
            (Ok(_), true) => "clear",
            (Ok(_), false) => "suppressed",
        }
    }

    /// As contract §6 has it.
    #[must_use]
    pub fn to_json(&self, generation: u64) -> Value {
        let invalid = json!({
            "reason": Reason::InvalidAddress.as_str(),
            "scope": "global",
            "class": "all",
            "since": null,
            "source": null,
        });
        let mut reasons: Vec<Value> = self.causes.iter().map(cause_json).collect();
        if self.key.is_err() {
            reasons.insert(0, invalid);
        }
        json!({
            "address": self.address,
            "key": self.key.as_deref().ok(),
            "verdict": self.verdict(),
            "reasons": reasons,
            "generation": generation,
        })
    }
}

/// A cause as contract §6 has it.
#[must_use]
pub fn cause_json(cause: &Cause) -> Value {
    json!({
        "reason": cause.reason.as_str(),
        "scope": cause.scope.to_string(),
        "class": cause.class.as_str(),
        "since": cause.since.map(|since| since.to_string()),
        "source": cause.source,
    })
}
