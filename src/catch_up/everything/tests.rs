//! Two threads and any blocks give what one loop gives.

use super::*;
use crate::index::SecretKey;
use crate::ledger::{Identity, ImportSource, Ledger, SqliteLedger};
use crate::record::{
    Choice, ContactRow, Flag, Kind, NativeRecord, Preference, RecordClass, Suppression,
    SuppressionReason, Timestamp,
};

/// Contacts, opt-outs, and suppressions with and without an end: 300 addresses.
fn ledger() -> SqliteLedger {
    let identity = Identity { policy: "exact".into(), key_id: "0123456789abcdef".into() };
    let now = Timestamp::from_micros(0);
    let ledger = SqliteLedger::temporary(&identity, now).unwrap();
    let source = ImportSource { name: "test".into(), format: "native".into() };
    let mut import = ledger.import_session(Kind::Suppressions, source, now).unwrap();
    for number in 0..300 {
        let address = format!("{}user{number}@example.com", "a".repeat(number % 7));
        let record = match number % 5 {
            0 => NativeRecord::Contact(ContactRow {
                contact_id: number.to_string(),
                address: address.clone(),
                bulk_email: Some(if number % 2 == 0 { Flag::DoNotAllow } else { Flag::Allow }),
                email_allowed: Some(Flag::Allow),
                at: None,
                former: false,
            }),
            1 => NativeRecord::Preference(Preference {
                address: address.clone(),
                list: "news".into(),
                choice: if number % 2 == 0 { Choice::Out } else { Choice::In },
                at: None,
                source: None,
            }),
            _ => NativeRecord::Suppression(Suppression {
                address: address.clone(),
                reason: SuppressionReason::Bounce,
                class: RecordClass::All,
                at: None,
                expires_at: (number % 5 == 2).then_some(now),
                source: None,
            }),
        };
        import.push(address.as_bytes(), &record).unwrap();
    }
    import.apply(300, 0, "").unwrap();
    ledger
}

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([7; 16]))
}

/// Everything, plainly.
fn plainly(view: &dyn View, hasher: &KeyHasher) -> Batch {
    let (mut batch, mut dictionary) = (Batch::default(), DictionaryBuilder::new());
    view.for_each_key(&mut |entries| {
        dictionary.push(entries.key, dictionary_value(Some(entries.address.blocks)))?;
        if !entries.address.blocks.is_empty() {
            batch.push(hasher.address(entries.key), entries.address);
        }
        for list in entries.lists.iter().filter(|list| !list.entry.blocks.is_empty()) {
            batch.push(hasher.list(list.list.as_bytes(), entries.key), &list.entry);
        }
        Ok(())
    })
    .unwrap();
    view.for_each_contact(&mut |id, blocks| {
        if !blocks.is_empty() {
            let state = EntryState { blocks, expiries: Vec::new() };
            batch.push(hasher.contact(id.as_bytes()), &state);
        }
        Ok(())
    })
    .unwrap();
    batch.dictionary = Some(dictionary.finish());
    sorted(batch)
}

fn sorted(mut batch: Batch) -> Batch {
    batch.entries.sort_unstable_by_key(|entry| entry.hash);
    batch.expiring.sort_unstable_by_key(|row| (row.hash, row.at, row.bits));
    batch
}

#[test]
fn any_blocks_give_what_one_loop_gives() {
    let ledger = ledger();
    let view = ledger.view().unwrap();
    let expected = plainly(&*view, &hasher());
    assert_eq!((expected.entries.len(), expected.expiring.len()), (300, 60));
    for block_bytes in [0, 1, 40, 1000, BLOCK_BYTES] {
        let found = everything_in_blocks(&*view, &hasher(), true, block_bytes).unwrap();
        let found = sorted(found);
        assert_eq!(found.entries, expected.entries);
        assert_eq!(found.expiring, expected.expiring);
        assert_eq!(found.dictionary, expected.dictionary);
        let bare = everything_in_blocks(&*view, &hasher(), false, block_bytes).unwrap();
        assert_eq!(bare.dictionary, None);
        assert_eq!(sorted(bare).entries, expected.entries);
    }
}

/// Keys out of order stop the worker: the scan then stops as well, and the cause is what is told.
#[test]
fn a_worker_that_stops_ends_the_rebuild_with_its_error() {
    let (blocks, received) = bounded(1);
    let mut worker = Blocked { blocks, block: Block::default(), block_bytes: 0 };
    let state = EntryState::default();
    let entries = |key| KeyEntries { key, address: &state, lists: &[] };
    let built = thread::scope(|scope| {
        let built = scope.spawn(|| addresses(&{ received }, &hasher(), true));
        worker.push(&entries(b"b")).unwrap();
        // The first that finds nobody there; how many are on their way by then is open.
        while worker.push(&entries(b"a")).is_ok() {}
        built.join().unwrap()
    });
    assert!(built.unwrap_err().to_string().contains("not in order"));
}
