//! Lifts what the source lost, key by key: each with an event that holds the permission and everything that went.

use super::lost::{Lost, for_each_key};
use super::plan::{Plan, plan};
use super::{Job, write};
use crate::error::{Error, Result};
use crate::ledger::sort::Sorted;
use crate::ledger::sqlite::delete::delete;
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::{Flags, set_flags};
use crate::ledger::sqlite::resubscribe::permission;
use crate::ledger::sqlite::rows::{contacts_of, digest_of_key};
use crate::ledger::{EventKind, Record, Removal, StoredRecord, SyncFile, SyncRequest};
use crate::record::{Contact, Kind};
use serde_json::{Value, json};

/// What goes into each event.
pub(super) struct Proof<'p> {
    pub(super) request: &'p SyncRequest,
    pub(super) file: &'p SyncFile,
    pub(super) import: i64,
    /// The file's name.
    pub(super) name: &'p str,
}

/// Tells of every key, and lifts when there is a proof; how many entries of the index are released.
pub(super) fn lift(
    job: &Job<'_>,
    lost: Sorted,
    proof: Option<&Proof<'_>>,
    each: &mut dyn FnMut(&Removal<'_>) -> Result<()>,
) -> Result<u64> {
    let mut released = 0;
    for_each_key(lost, &mut |key, lost: &[Lost]| {
        let plan = plan(job, key, lost)?;
        if let Some(proof) = proof {
            carry_out(job, key, &plan, proof)?;
        }
        released += u64::from(plan.is_released);
        let Plan { deleted, changed, held, after, .. } = &plan;
        each(&Removal { key, deleted, changed, held, after })
    })?;
    Ok(released)
}

fn carry_out(job: &Job<'_>, key: &[u8], plan: &Plan, proof: &Proof<'_>) -> Result<()> {
    if plan.deleted.is_empty() && plan.changed.is_empty() {
        return Ok(());
    }
    let writer = job.writer;
    for stored in &plan.deleted {
        delete(writer, key, &stored.record)?;
    }
    for (_, now) in &plan.changed {
        match now {
            Record::Contact(now) => set(job, key, now)?,
            Record::Preference(now) => write::preference(writer, key, now)?,
            Record::Suppression(now) => write::suppression(writer, key, now)?,
            Record::Domain(now) => write::rule(writer, key, now)?,
            Record::Digest(now) => write::digest(writer, key, now)?,
            Record::Unsubscribe(_) => return Err(damaged("an unsubscribe to weaken")),
        }
    }
    write_event(job, key, plan, proof)
}

/// Sets the flags of one row of a contact.
fn set(job: &Job<'_>, key: &[u8], now: &Contact) -> Result<()> {
    let rows = contacts_of(job.writer.connection(), key)?;
    let row = rows
        .into_iter()
        .find(|row| (&row.contact.contact_id, row.contact.former) == (&now.contact_id, now.former));
    let row = row.ok_or_else(|| damaged("a contact that is there and is not"))?;
    set_flags(job.writer, row, Flags::of(now), now.at).map(|_| ())
}

fn write_event(job: &Job<'_>, key: &[u8], plan: &Plan, proof: &Proof<'_>) -> Result<()> {
    let Proof { request, file, import, name } = proof;
    let Some(proof) = &request.permission else {
        return Err(Error::refused("no permission, nothing was changed"));
    };
    let changed: Vec<Value> = plan
        .changed
        .iter()
        .map(|(was, now)| json!({"was": was.to_json(), "now": now.to_json()}))
        .collect();
    let deleted: Vec<Value> = plan.deleted.iter().map(StoredRecord::to_json).collect();
    let mut detail = json!({
        "permission": permission(proof),
        "sync": {"source": request.source, "import": import, "name": name, "sha256": file.sha256},
        "deleted": deleted,
        "changed": changed,
    });
    if Kind::OF_ADDRESSES.contains(&job.kind) {
        detail["address"] = String::from_utf8_lossy(key).into();
    }
    if job.kind == Kind::Digests {
        let name = digest_of_key(key)?.name();
        return job.writer.event(EventKind::Synced, name.as_bytes(), &detail);
    }
    job.writer.event(EventKind::Synced, key, &detail)
}
