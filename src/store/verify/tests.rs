//! A rule, a digest or a presence entry that the index lacks, or has too many, is a difference.

use super::*;
use crate::catch_up::everything;
use crate::index::{Batch, Index};
use crate::ledger::{ImportSource, SqliteLedger};
use crate::record::{Algorithm, Digest, DomainRule, Kind, NativeRecord, RecordClass};
use crate::storage::Disk;
use crate::{address::Policy, segment::Entry};
use std::path::Path;
use std::sync::Arc;

fn now() -> Timestamp {
    Timestamp::from_micros(1_000_000)
}

/// A store with a rule, a digest everywhere and on a list, and nothing else.
fn store(path: &Path) -> Store {
    Store::create(path, Policy::EXACT, now()).unwrap();
    let store = Store::open(path).unwrap();
    fill(&store.ledger);
    store
}

fn fill(ledger: &SqliteLedger) {
    let source = ImportSource { name: "test".into(), format: "native".into() };
    let mut import = ledger.import_session(Kind::Domains, source, now()).unwrap();
    let rule =
        DomainRule { domain: "example.com".into(), subdomains: true, at: None, source: None };
    import.push(b"", &NativeRecord::Domain(rule)).unwrap();
    for list in [None, Some("news".to_owned())] {
        let digest = Digest {
            algorithm: Algorithm::Md5,
            digest: Algorithm::Md5.digest(b"ann@example.org").as_bytes().to_vec(),
            list,
            class: RecordClass::Bulk,
            source: None,
            at: None,
        };
        import.push(b"", &NativeRecord::Digest(digest)).unwrap();
    }
    import.apply(3, 0, "").unwrap();
}

/// Makes the index of these states, and verifies it.
fn verify_with(store: &Store, batch: Batch) -> Verified {
    let disk = Arc::new(Disk::open(store.path.join(super::super::INDEX)).unwrap());
    let position = super::super::at(store.ledger.view().unwrap().position());
    let identity = store.identity.clone();
    Index::rebuild(disk, identity, Access::Map, batch, position, now()).unwrap();
    store.verify(now()).unwrap()
}

#[test]
fn every_entry_of_rules_digests_and_presence_is_compared() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory.path().join("store"));
    let whole = everything(&*store.ledger.view().unwrap(), &store.hasher, true).unwrap();
    // A rule, a digest, the digest on a list, and that there are some of both.
    assert_eq!(whole.entries.len(), 5);
    let sound = verify_with(&store, whole.clone());
    assert_eq!((sound.faults.as_slice(), sound.entries, sound.compared), (&[][..], 5, 2));
    for at in 0..whole.entries.len() {
        let mut less = whole.clone();
        let gone = less.entries.remove(at);
        assert_eq!(verify_with(&store, less).faults.len(), 1, "without {gone:?}");
        let mut other = whole.clone();
        other.entries[at].state ^= 1 << 13;
        assert_eq!(verify_with(&store, other).faults.len(), 1, "{gone:?} with another bit");
    }
    let mut more = whole.clone();
    let hash = store.hasher.presence(Presence::Digests(Algorithm::Sha256));
    more.entries.push(Entry { hash, state: 1 });
    let faults = verify_with(&store, more).faults;
    assert_eq!(faults, ["index and ledger differ about whether there are any sha256 digests"]);
    let mut more = whole.clone();
    more.entries.push(Entry { hash: store.hasher.domain_rule(b"example.net"), state: 1 });
    let faults = verify_with(&store, more).faults;
    assert_eq!(faults, ["the index holds 6 entries, the ledger accounts for 5"]);
}
