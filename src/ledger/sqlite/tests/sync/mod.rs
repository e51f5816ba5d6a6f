//! A source's complete file: what it no longer names goes, and nothing else does.

mod brakes;
mod lost;
mod model;
mod others;
mod play;

use super::*;
use crate::ledger::{Limit, SyncFile, SyncRequest, Synced};
use crate::record::{Digest, DigestValue, DomainRule, Reason};

const BOB: &[u8] = b"bob@example.com";
const CRM: &str = "crm";
const SHOP: &str = "shop";

pub(super) fn wanted(source: &str) -> SyncRequest {
    SyncRequest {
        source: source.into(),
        permission: Permission::new(Channel::Form, "export of 3 May", "crm team"),
        limit: Limit::Usual,
        allow_empty: false,
        dry_run: false,
    }
}

fn file(rows: &[(&[u8], NativeRecord)]) -> SyncFile {
    SyncFile {
        read: rows.len() as u64,
        rejected: 0,
        sha256: "5a".into(),
        has_header: true,
        ended: true,
        cut: None,
    }
}

/// What one key was told to come to: key, deleted, changed, held.
type Told = (Vec<u8>, usize, usize, usize);

pub(super) fn sync_as(
    ledger: &SqliteLedger,
    kind: Kind,
    request: &SyncRequest,
    rows: &[(&[u8], NativeRecord)],
    now: i64,
) -> (Synced, Vec<Told>) {
    let source = ImportSource { name: format!("sync-{now}.csv"), format: "native".into() };
    let mut session = ledger.import_session(kind, source, at(now)).unwrap();
    for (key, row) in rows {
        session.push(key, &of_source(row, &request.source)).unwrap();
    }
    let mut told = Vec::new();
    let synced = session
        .sync(&file(rows), request, &mut |removal| {
            let of = (removal.deleted.len(), removal.changed.len(), removal.held.len());
            told.push((removal.key.to_vec(), of.0, of.1, of.2));
            Ok(())
        })
        .unwrap();
    let ImportCounts { read, added, unchanged, held, rejected, .. } = synced.counts;
    assert_eq!(read, added + unchanged + held + rejected);
    (synced, told)
}

/// Syncs, and sees to it that the same file again changes nothing and that the ledger is sound.
fn sync(
    ledger: &SqliteLedger,
    kind: Kind,
    source: &str,
    rows: &[(&[u8], NativeRecord)],
    now: i64,
) -> Synced {
    let (synced, _) = sync_as(ledger, kind, &wanted(source), rows, now);
    assert!(synced.applied, "{:?}", synced.brakes);
    let before = ledger.view().unwrap().position();
    let (again, told) = sync_as(ledger, kind, &wanted(source), rows, now);
    assert!(again.applied);
    let done = (again.counts.added, again.removed, again.adopted, again.passed_on, again.lifted);
    assert_eq!(done, (0, 0, 0, 0, 0), "the same file twice changes nothing");
    assert!(told.iter().all(|(_, deleted, changed, _)| (*deleted, *changed) == (0, 0)));
    let view = ledger.view().unwrap();
    assert_eq!(view.position(), before);
    assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
    synced
}

/// The row as a sync stages it.
fn of_source(row: &NativeRecord, source: &str) -> NativeRecord {
    let source = Some(source.to_owned());
    match row.clone() {
        NativeRecord::Contact(row) => NativeRecord::Contact(row),
        NativeRecord::Unsubscribe(row) => NativeRecord::Unsubscribe(Unsubscribe { source, ..row }),
        NativeRecord::Preference(row) => NativeRecord::Preference(Preference { source, ..row }),
        NativeRecord::Suppression(row) => NativeRecord::Suppression(Suppression { source, ..row }),
        NativeRecord::Domain(row) => NativeRecord::Domain(DomainRule { source, ..row }),
        NativeRecord::Digest(row) => NativeRecord::Digest(Digest { source, ..row }),
    }
}

fn global(address: &str) -> NativeRecord {
    NativeRecord::Unsubscribe(Unsubscribe { source: None, ..unsubscribe(address, None) })
}

fn of_list(address: &str, list: &str) -> NativeRecord {
    NativeRecord::Unsubscribe(Unsubscribe { source: None, ..unsubscribe(address, Some(list)) })
}

fn suppression(address: &str, reason: SuppressionReason, expires_at: Option<i64>) -> NativeRecord {
    NativeRecord::Suppression(Suppression {
        address: address.into(),
        reason,
        class: RecordClass::All,
        at: None,
        expires_at: expires_at.map(at),
        source: None,
    })
}

fn first(ledger: &SqliteLedger, key: &[u8]) -> Option<Reason> {
    reasons(&*ledger.view().unwrap(), key, &["news", "offers"]).first()
}

const ANN_ADDRESS: &str = "ann@example.com";
const BOB_ADDRESS: &str = "bob@example.com";

/// So many people, in the order of their keys.
fn crowd(count: usize) -> Vec<(Vec<u8>, NativeRecord)> {
    let address = |number| format!("p{number:05}@example.com");
    (0..count).map(|number| (address(number).into_bytes(), global(&address(number)))).collect()
}

fn rows(crowd: &[(Vec<u8>, NativeRecord)]) -> Vec<(&[u8], NativeRecord)> {
    crowd.iter().map(|(key, row)| (key.as_slice(), row.clone())).collect()
}
