//! Two threads and any blocks give what one loop gives.

use super::*;
use crate::index::SecretKey;
use crate::ledger::Cursor;
use crate::ledger::{Identity, ImportSource, Ledger, SqliteLedger};
use crate::record::{
    Algorithm, Choice, ContactRow, Digest, DomainRule, Flag, Kind, NativeRecord, Preference,
    RecordClass, Suppression, SuppressionReason, Timestamp,
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
    for number in 0..20_u8 {
        import.push(b"", &rule(number)).unwrap();
        import.push(b"", &digest(number)).unwrap();
    }
    import.apply(340, 0, "").unwrap();
    ledger
}

fn rule(number: u8) -> NativeRecord {
    NativeRecord::Domain(DomainRule {
        domain: format!("d{number}.test"),
        subdomains: number.is_multiple_of(2),
        at: None,
        source: None,
    })
}

/// Of two algorithms; each second digest is for a list, each fourth for another one and everywhere too.
fn digest(number: u8) -> NativeRecord {
    let algorithm = if number < 10 { Algorithm::Md5 } else { Algorithm::Sha512 };
    NativeRecord::Digest(Digest {
        algorithm,
        digest: algorithm.digest(&[number / 4]).as_bytes().to_vec(),
        list: [None, Some("news".to_owned()), Some("x".to_owned()), None][usize::from(number) % 4]
            .clone(),
        class: if number.is_multiple_of(3) { RecordClass::All } else { RecordClass::Bulk },
        source: None,
        at: None,
    })
}

/// The hashes and bits of rules, digests and presence, as the feed gives them.
fn by_the_feed(view: &dyn View) -> Batch {
    let batch =
        crate::catch_up::batch(view, Cursor::START, &hasher(), None, false).unwrap().unwrap();
    let mut batch = Batch { dictionary: None, ..batch };
    batch.entries.retain(|entry| entry.state != 0);
    sorted(batch)
}

/// Catching up from nothing and a rebuild come to one index: each row of the feed gives its state, and the
/// presence of rules and of both algorithms.
#[test]
fn the_feed_from_its_start_gives_what_a_rebuild_gives() {
    let ledger = ledger();
    let view = ledger.view().unwrap();
    let rebuilt = sorted(everything(&*view, &hasher(), false).unwrap());
    let caught_up = by_the_feed(&*view);
    assert_eq!(caught_up.entries, rebuilt.entries);
    assert_eq!(caught_up.expiring, rebuilt.expiring);
    let hashes: Vec<_> = rebuilt.entries.iter().map(|entry| entry.hash).collect();
    for (presence, is_there) in [
        (Presence::DomainRules, true),
        (Presence::Digests(Algorithm::Md5), true),
        (Presence::Digests(Algorithm::Sha1), false),
        (Presence::Digests(Algorithm::Sha256), false),
        (Presence::Digests(Algorithm::Sha512), true),
    ] {
        assert_eq!(hashes.contains(&hasher().presence(presence)), is_there, "{presence:?}");
    }
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
    outside(view, hasher, &mut batch).unwrap();
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
    let outside = by_the_feed(&*view).entries.len() - 300;
    assert_eq!((expected.entries.len(), expected.expiring.len()), (300 + outside, 60));
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
