//! The ledger's promises, through its public interface.

mod as_of;
mod bulk;
mod chain;
mod feed;
mod import;
mod lifecycle;
mod model;
mod moves;
mod outside;
mod resubscribe;
mod single;
mod sums;
mod sync;
mod tallies;

use super::SqliteLedger;
use crate::ledger::{
    Change, Changes, Cursor, Identity, ImportCounts, ImportSource, Ledger, ResubscribeRequest, View,
};
use crate::record::{
    Channel, Choice, Class, ContactRow, Flag, Kind, NativeRecord, Permission, Preference, Query,
    ReasonSet, RecordClass, Suppression, SuppressionReason, Timestamp, Unsubscribe,
    UnsubscribeState,
};
use std::collections::BTreeSet;

const ANN: &[u8] = b"ann@example.com";

fn identity() -> Identity {
    Identity { policy: "exact".into(), key_id: "0123456789abcdef".into() }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn ledger() -> SqliteLedger {
    SqliteLedger::temporary(&identity(), at(0)).unwrap()
}

fn contact(id: &str, address: &str, bulk: Option<Flag>, email: Option<Flag>) -> NativeRecord {
    NativeRecord::Contact(ContactRow {
        contact_id: id.into(),
        address: address.into(),
        bulk_email: bulk,
        email_allowed: email,
        at: None,
        former: false,
    })
}

fn unsubscribe(address: &str, list: Option<&str>) -> Unsubscribe {
    Unsubscribe {
        address: address.into(),
        list: list.map(str::to_owned),
        state: UnsubscribeState::Active,
        class: RecordClass::Bulk,
        at: None,
        source: Some("form".into()),
    }
}

fn preference(address: &str, list: &str, choice: Choice) -> NativeRecord {
    NativeRecord::Preference(Preference {
        address: address.into(),
        list: list.into(),
        choice,
        at: None,
        source: None,
    })
}

fn bounce(address: &str, expires_at: Option<i64>) -> NativeRecord {
    NativeRecord::Suppression(Suppression {
        address: address.into(),
        reason: SuppressionReason::Bounce,
        class: RecordClass::All,
        at: None,
        expires_at: expires_at.map(at),
        source: None,
    })
}

fn request(global: bool, lists: &[&str]) -> ResubscribeRequest {
    ResubscribeRequest {
        global,
        lists: lists.iter().map(|list| (*list).to_owned()).collect(),
        all_lists: false,
        include: Vec::new(),
        permission: Permission::new(Channel::Phone, "call of 3 May, ticket 4711", "support")
            .unwrap(),
        recorded_by: None,
    }
}

/// Imports rows under one key each.
fn import(ledger: &SqliteLedger, rows: &[(&[u8], NativeRecord)], now: i64) -> ImportCounts {
    let source = ImportSource { name: format!("file-{now}.csv"), format: "native".into() };
    let mut session = ledger.import_session(Kind::Contacts, source, at(now)).unwrap();
    for (key, row) in rows {
        session.push(key, row).unwrap();
    }
    let counts = session.apply(rows.len() as u64, 0, "00").unwrap();
    assert_eq!(counts.read, counts.added + counts.unchanged + counts.held + counts.rejected);
    counts
}

/// The reasons of a key for a bulk send on `lists`.
fn reasons(view: &dyn View, key: &[u8], lists: &[&str]) -> ReasonSet {
    let lists: Vec<String> = lists.iter().map(|list| (*list).to_owned()).collect();
    let query = Query { now: at(0), class: Class::Bulk, lists: &lists };
    view.state_of(key).unwrap().reasons(&query)
}

/// The keys the feed names after `cursor`, or none when it says "everything".
fn feed(view: &dyn View, cursor: Cursor) -> Option<BTreeSet<(String, Vec<u8>)>> {
    let mut keys = BTreeSet::new();
    let changes = view
        .changes_after(cursor, &mut |change, _| {
            assert!(keys.insert(name(change)), "each key once");
            Ok(())
        })
        .unwrap();
    match changes {
        Changes::Keys(count) => {
            assert_eq!(count, keys.len() as u64);
            Some(keys)
        }
        Changes::Everything => None,
    }
}

fn name(change: Change<'_>) -> (String, Vec<u8>) {
    match change {
        Change::Address(key) => ("address".into(), key.to_vec()),
        Change::Contact(id) => ("contact".into(), id.as_bytes().to_vec()),
        Change::ListAddress { list, key } => (format!("list {list}"), key.to_vec()),
        Change::Domain(domain) => ("domain".into(), domain.to_vec()),
        Change::Digest { digest, list } => {
            (format!("digest {}", list.unwrap_or_default()), digest.as_bytes().to_vec())
        }
        Change::Hashed(hash) => ("hashed".into(), hash.to_vec()),
    }
}
