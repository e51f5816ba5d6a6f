//! Reachable again, with permission and proof: what was done, what still blocks, and who set it.

use super::check::cause_json;
use super::words;
use crate::address::{Key, KeyBuffer};
use crate::error::Result;
use crate::ledger::{Ledger, Record, ResubscribeRequest, Resubscribed, StoredRecord, View};
use crate::record::{Cause, Class, KeyState, Outside, Permission, Query, Reason, Timestamp};
use crate::store::{Store, outside};
use serde_json::{Value, json};

/// What a resubscribe came to.
#[derive(Debug)]
pub struct Done {
    /// The address as it was given.
    pub address: String,
    /// Its key.
    pub key: String,
    /// What the ledger did.
    pub did: Resubscribed,
    /// By which permission.
    pub permission: Permission,
    /// What still withholds some mail to the address.
    pub blocks: Vec<Cause>,
    /// Who set what was set by hand.
    pub who: Who,
}

/// Lifts what `request` names. `follow` is given the generation that holds the change, which is in the ledger then, and
/// brings up whatever answers; what is told of it afterwards is told of that state.
///
/// # Errors
///
/// Usage for a text that is no address; as the ledger, and `follow`, say otherwise.
pub fn resubscribe(
    store: &Store,
    address: &str,
    request: &ResubscribeRequest,
    now: Timestamp,
    follow: impl FnOnce(u64) -> Result<()>,
) -> Result<Done> {
    let mut buffer = KeyBuffer::default();
    let key = words::key(store.policy(), address, &mut buffer)?;
    let did = store.ledger_to_change()?.resubscribe(key.as_bytes(), address, request, now)?;
    told(store, (address, key), request, did, now, follow)
}

/// [`resubscribe`] if what was foreseen still holds: nothing is given, and nothing changed, if what is recorded of the
/// address has another [`basis`](crate::ledger::basis) by now.
///
/// # Errors
///
/// As [`resubscribe`].
pub fn resubscribe_as_foreseen(
    store: &Store,
    basis: &str,
    address: &str,
    request: &ResubscribeRequest,
    now: Timestamp,
    follow: impl FnOnce(u64) -> Result<()>,
) -> Result<Option<Done>> {
    let mut buffer = KeyBuffer::default();
    let key = words::key(store.policy(), address, &mut buffer)?;
    let ledger = store.ledger_to_change()?;
    let did = ledger.resubscribe_if(basis, key.as_bytes(), address, request, now)?;
    did.map(|did| told(store, (address, key), request, did, now, follow)).transpose()
}

fn told(
    store: &Store,
    (address, key): (&str, Key<'_>),
    request: &ResubscribeRequest,
    did: Resubscribed,
    now: Timestamp,
    follow: impl FnOnce(u64) -> Result<()>,
) -> Result<Done> {
    follow(did.generation)?;
    let view = store.ledger().view()?;
    let blocks = still_blocked_by(&*view, address, key, now)?;
    let who = Who::of(&*view, &did.deleted, &view.records_of(key.as_bytes())?)?;
    Ok(Done {
        address: address.to_owned(),
        key: key.as_str().to_owned(),
        did,
        permission: request.permission.clone(),
        blocks,
        who,
    })
}

impl Done {
    /// As contract §6 has it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { did, who, permission, .. } = self;
        let deleted: Vec<_> = did.deleted.iter().zip(&who.deleted).map(with_who).collect();
        let changed: Vec<_> = did.changed.iter().map(|change| change.to_json()).collect();
        let still: Vec<_> = self.blocks.iter().map(|cause| who.cause_json(cause)).collect();
        json!({
            "address": self.address,
            "key": self.key,
            "deleted": deleted,
            "changed": changed,
            "still_blocked_by": still,
            "generation": did.generation,
            "permission": {
                "channel": permission.channel().as_str(),
                "evidence": permission.evidence(),
                "by": permission.by(),
            },
        })
    }
}

/// Everything that withholds some mail to the address, whatever its class and list.
///
/// # Errors
///
/// As the ledger says.
pub fn still_blocked_by(
    view: &dyn View,
    address: &str,
    key: Key<'_>,
    now: Timestamp,
) -> Result<Vec<Cause>> {
    let state = view.state_of(key.as_bytes())?;
    let outside = outside(view, address.as_bytes(), key.domain())?;
    Ok(causes_of_any_send(&state, &outside, now))
}

/// What withholds some mail to an address, whatever its class and list.
#[must_use]
pub fn causes_of_any_send(state: &KeyState, outside: &Outside, now: Timestamp) -> Vec<Cause> {
    let lists = state.opted_out_lists().into_iter().chain(outside.lists());
    let lists: Vec<String> = lists.map(str::to_owned).collect();
    let mut causes = Vec::new();
    for class in [Class::Bulk, Class::Transactional] {
        for cause in state.causes_with(outside, &Query { now, class, lists: &lists }) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
    causes.sort_by(|a, b| (a.reason, &a.scope).cmp(&(b.reason, &b.scope)));
    causes
}

/// Who set what was set by hand: that person can be asked.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// Of each deleted record, when its reason says so.
    pub deleted: Vec<Option<String>>,
    /// Of those that still block: each reason that says so, with everyone who set it.
    left: Vec<(Reason, String)>,
}

impl Who {
    /// Of what was deleted, and of what is left.
    pub(super) fn of(
        view: &dyn View,
        deleted: &[StoredRecord],
        left: &[StoredRecord],
    ) -> Result<Self> {
        let set_by = |stored: &StoredRecord| match &stored.record {
            Record::Suppression(record) if record.reason.lifting().says_who => {
                let who = view.set_by(stored)?;
                Ok(Some((record.reason.reason(), who.unwrap_or_else(|| "nobody known".into()))))
            }
            _ => Ok(None),
        };
        let all = |records: &[StoredRecord]| -> Result<Vec<Option<(Reason, String)>>> {
            records.iter().map(set_by).collect()
        };
        let deleted = all(deleted)?.into_iter().map(|who| who.map(|(_, who)| who)).collect();
        let mut left: Vec<_> = all(left)?.into_iter().flatten().collect();
        left.sort();
        left.dedup();
        Ok(Self { deleted, left })
    }

    /// Everyone who set what a cause is of; `None` when nobody is told of it.
    #[must_use]
    pub fn set(&self, cause: &Cause) -> Option<String> {
        let of_cause = self.left.iter().filter(|(reason, _)| *reason == cause.reason);
        let names: Vec<&str> = of_cause.map(|(_, who)| who.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn cause_json(&self, cause: &Cause) -> Value {
        let mut json = cause_json(cause);
        if let Some(who) = self.set(cause) {
            json["set_by"] = who.into();
        }
        json
    }
}

fn with_who((stored, who): (&StoredRecord, &Option<String>)) -> Value {
    let mut json = stored.to_json();
    if let Some(who) = who {
        json["set_by"] = who.as_str().into();
    }
    json
}
