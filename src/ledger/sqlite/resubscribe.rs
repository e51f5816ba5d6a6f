//! Lifting a block.

use super::delete::delete;
use super::erase;
use super::flags::{Flags, RowChange, set_flags};
use super::history::of_address;
use super::rows::{contacts_of, of_key};
use super::write::Writer;
use crate::error::{Error, Result};
use crate::ledger::{EventKind, ResubscribeRequest, Resubscribed, StoredRecord, basis};
use crate::record::{Kind, NoOwnAct, Permission, SuppressionReason, Timestamp};
use serde_json::{Value, json};

/// Lifts what the request names. The generation in the answer is the caller's to fill in.
pub(super) fn resubscribe(
    writer: &Writer<'_>,
    key: &[u8],
    address: &str,
    request: &ResubscribeRequest,
) -> Result<Resubscribed> {
    // '' is how the tables say "everywhere": as a list it would lift the global block by half.
    if request.lists.iter().any(String::is_empty) {
        return Err(Error::usage("the name of a list is empty"));
    }
    for reason in &request.include {
        request.permission.lifts(*reason).map_err(not_enough)?;
    }
    let erased = lift_erasure(writer, key, request)?;
    let changed = if request.global { allow(writer, key)? } else { Vec::new() };
    let mut deleted = Vec::new();
    for kind in [Kind::Unsubscribes, Kind::Preferences, Kind::Suppressions] {
        for stored in of_key(writer.connection(), kind, key)? {
            if request.deletes(&stored.record) {
                deleted.push(stored);
            }
        }
    }
    for stored in &deleted {
        delete(writer, key, &stored.record)?;
    }
    write_event(writer, key, address, request, (&deleted, &changed, erased))?;
    let changed = changed.iter().map(RowChange::summary).collect();
    Ok(Resubscribed { changed, deleted, generation: 0, erased })
}

/// The basis of the records as they are in this transaction.
pub(super) fn basis_of(writer: &Writer<'_>, key: &[u8]) -> Result<String> {
    let records = of_address(writer.connection(), key)?;
    let erased = writer.erasures().of_address(writer.connection(), key)?;
    Ok(basis(&records, erased.map(|row| Timestamp::from_micros(row.at))))
}

/// Lifts the erasure of the address, if there is one; says since when it was erased.
fn lift_erasure(
    writer: &Writer<'_>,
    key: &[u8],
    request: &ResubscribeRequest,
) -> Result<Option<Timestamp>> {
    let Some(row) = writer.erasures().of_address(writer.connection(), key)? else {
        return Ok(None);
    };
    let since = Timestamp::from_micros(row.at);
    if !request.include.contains(&SuppressionReason::Manual) {
        return Err(Error::refused(format!("the address was erased at {since}; nothing was changed"))
            .with_hint(
                "an erased address stays suppressed; if the person asks to be mailed again, say \
                 --include manual, which brings back what blocked before and then lifts what you name",
            ));
    }
    erase::lift(writer, key, &row)?;
    Ok(Some(since))
}

fn not_enough(fault: NoOwnAct) -> Error {
    Error::refused(format!("{fault}; nothing was changed")).with_hint(
        "say in --evidence when it was or where it is kept (`call of 3 May 2026`, `ticket 4711`), or \
         have the person write: by email, form or resubscription-link",
    )
}

/// Sets both flags to *Allow* on every contact with the key, and on what contacts left behind there.
fn allow(writer: &Writer<'_>, key: &[u8]) -> Result<Vec<RowChange>> {
    let mut changed = Vec::new();
    for row in contacts_of(writer.connection(), key)? {
        changed.extend(set_flags(writer, row, Flags::ALLOW, Some(writer.now()))?);
    }
    Ok(changed)
}

/// Stores the permission with everything it lifted.
fn write_event(
    writer: &Writer<'_>,
    key: &[u8],
    address: &str,
    request: &ResubscribeRequest,
    (deleted, changed, erased): (&[StoredRecord], &[RowChange], Option<Timestamp>),
) -> Result<()> {
    let permission = permission(&request.permission);
    let changed: Vec<Value> = changed.iter().map(RowChange::to_json).collect();
    let deleted: Vec<Value> = deleted.iter().map(StoredRecord::to_json).collect();
    let include: Vec<&str> = request.include.iter().map(|reason| reason.as_str()).collect();
    let mut detail = json!({
        "address": address,
        "request": {
            "global": request.global,
            "lists": request.lists,
            "all_lists": request.all_lists,
            "include": include,
        },
        "permission": permission,
        "deleted": deleted,
        "changed": changed,
    });
    if let Some(by) = &request.recorded_by {
        detail["by"] = json!(by);
    }
    if let Some(since) = erased {
        detail["erased"] = json!(since.to_string());
    }
    writer.event(EventKind::Resubscribed, key, &detail)
}

/// The proof, as events keep it.
pub(super) fn permission(permission: &Permission) -> Value {
    json!({
        "channel": permission.channel().as_str(),
        "evidence": permission.evidence(),
        "by": permission.by(),
    })
}
