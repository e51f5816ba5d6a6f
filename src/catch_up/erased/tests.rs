//! Two ledgers told the same things, of which one erases: it withholds at least as much at any time, of addresses
//! that are not erased, or not any more, exactly the same, and the index follows.

use super::*;
use crate::catch_up::{batch, everything};
use crate::index::{Batch, Index, IndexIdentity, Overlay, Position, SecretKey, Snapshot};
use crate::ledger::{
    Cursor, EraseRequest, Identity, ImportSource, Ledger, ResubscribeRequest, SqliteLedger,
};
use crate::record::{
    Channel, Choice, Class, ContactRow, Flag, Kind, NativeRecord, Permission, Preference, Query,
    Reason, RecordClass, Suppression, SuppressionReason, Timestamp, Unsubscribe, UnsubscribeState,
};
use crate::segment::{self, Entry, Expiring};
use crate::storage::{Access, Memory};
use crate::{ErrorKind, ledger};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const KEYS: [&str; 3] = ["ada@example.com", "bea@example.com", "cleo@example.com"];
const LISTS: [&str; 2] = ["news", "offers"];
const IDS: [&str; 3] = ["c1", "c2", "c3"];

#[derive(Debug, Clone)]
enum Step {
    Unsubscribe(usize, Unsubscribe),
    Resubscribe(usize, ResubscribeRequest),
    Import(Vec<(usize, NativeRecord)>),
    Erase(usize),
    /// The index is brought up to the ledger.
    Compile,
}

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([7; 16]))
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn flag() -> impl Strategy<Value = Option<Flag>> {
    prop_oneof![Just(None), Just(Some(Flag::Allow)), Just(Some(Flag::DoNotAllow))]
}

fn class() -> impl Strategy<Value = RecordClass> {
    prop_oneof![Just(RecordClass::Bulk), Just(RecordClass::Transactional), Just(RecordClass::All)]
}

/// How an address is written: as its key, or otherwise.
fn written(key: usize, capital: bool) -> String {
    if capital { KEYS[key].to_uppercase() } else { KEYS[key].to_owned() }
}

fn unsubscribe() -> impl Strategy<Value = (usize, Unsubscribe)> {
    let list = proptest::option::of(proptest::sample::select(&LISTS[..]));
    (0..KEYS.len(), any::<bool>(), list, any::<bool>(), class()).prop_map(
        |(key, capital, list, is_active, class)| {
            let state =
                if is_active { UnsubscribeState::Active } else { UnsubscribeState::Inactive };
            let (address, list) = (written(key, capital), list.map(str::to_owned));
            (key, Unsubscribe { address, list, state, class, at: None, source: None })
        },
    )
}

fn contact() -> impl Strategy<Value = (usize, NativeRecord)> {
    let id = proptest::sample::select(&IDS[..]);
    let former = proptest::bool::weighted(0.2);
    (0..KEYS.len(), any::<bool>(), id, flag(), flag(), former).prop_map(
        |(key, capital, id, bulk_email, email_allowed, former)| {
            let (contact_id, address, at) = (id.to_owned(), written(key, capital), None);
            let row = ContactRow { contact_id, address, bulk_email, email_allowed, at, former };
            (key, NativeRecord::Contact(row))
        },
    )
}

fn row() -> impl Strategy<Value = (usize, NativeRecord)> {
    let list = proptest::sample::select(&LISTS[..]);
    let reason = prop_oneof![
        Just(SuppressionReason::Bounce),
        Just(SuppressionReason::Complaint),
        Just(SuppressionReason::Manual)
    ];
    let preference = (0..KEYS.len(), any::<bool>(), list, any::<bool>()).prop_map(
        |(key, capital, list, is_out)| {
            let choice = if is_out { Choice::Out } else { Choice::In };
            let (address, list) = (written(key, capital), list.to_owned());
            let record = Preference { address, list, choice, at: None, source: None };
            (key, NativeRecord::Preference(record))
        },
    );
    let suppression =
        (0..KEYS.len(), any::<bool>(), reason, class(), proptest::option::of(1_i64..4)).prop_map(
            |(key, capital, reason, class, until)| {
                let (address, expires_at) = (written(key, capital), until.map(at));
                let record =
                    Suppression { address, reason, class, at: None, expires_at, source: None };
                (key, NativeRecord::Suppression(record))
            },
        );
    prop_oneof![
        5 => contact(),
        2 => unsubscribe().prop_map(|(key, record)| (key, NativeRecord::Unsubscribe(record))),
        2 => preference,
        2 => suppression,
    ]
}

fn resubscribe() -> impl Strategy<Value = Step> {
    let lists = proptest::sample::subsequence(&LISTS[..], 0..=2);
    let include = proptest::sample::subsequence(
        vec![SuppressionReason::Bounce, SuppressionReason::Complaint],
        0..=2,
    );
    let with_manual = any::<bool>();
    (0..KEYS.len(), any::<bool>(), lists, any::<bool>(), include, with_manual).prop_map(
        |(key, global, lists, all_lists, mut include, with_manual)| {
            if with_manual {
                include.push(SuppressionReason::Manual);
            }
            let lists = lists.into_iter().map(str::to_owned).collect();
            let permission = Permission::new(Channel::Phone, "ticket 4711", "support").unwrap();
            let request = ResubscribeRequest {
                global,
                lists,
                all_lists,
                include,
                permission,
                recorded_by: None,
            };
            Step::Resubscribe(key, request)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => unsubscribe().prop_map(|(key, record)| Step::Unsubscribe(key, record)),
        3 => resubscribe(),
        5 => proptest::collection::vec(row(), 1..6).prop_map(Step::Import),
        3 => (0..KEYS.len()).prop_map(Step::Erase),
        2 => Just(Step::Compile),
    ]
}

fn new_ledger() -> SqliteLedger {
    let identity = Identity { policy: "exact".into(), key_id: "0123456789abcdef".into() };
    SqliteLedger::temporary(&identity, at(0)).unwrap()
}

/// What an index holds: of each hash its bits, and those that expire.
type Held = BTreeMap<Hash, (u16, BTreeSet<(i64, u16)>)>;

fn held(batch: &Batch) -> Held {
    let mut held = Held::new();
    for entry in &batch.entries {
        let twice = held.insert(entry.hash, (entry.state, BTreeSet::new()));
        assert_eq!(twice, None, "each hash once");
    }
    for row in &batch.expiring {
        held.get_mut(&row.hash).unwrap().1.insert((row.at, row.bits));
    }
    held
}

fn without_tombstones(mut held: Held) -> Held {
    held.retain(|_, (state, _)| *state != 0);
    held
}

struct World {
    plain: SqliteLedger,
    erasing: SqliteLedger,
    hasher: KeyHasher,
    index: Held,
    cursor: Cursor,
    now: i64,
}

impl World {
    fn new() -> Self {
        let erasing = new_ledger().with_pseudonyms(Arc::new(hasher()));
        let (index, cursor) = (Held::new(), Cursor::START);
        Self { plain: new_ledger(), erasing, hasher: hasher(), index, cursor, now: 10 }
    }

    fn run(&mut self, step: &Step) {
        self.now += 1;
        let now = at(self.now);
        match step {
            Step::Unsubscribe(key, record) => {
                for ledger in [&self.plain, &self.erasing] {
                    ledger.unsubscribe(KEYS[*key].as_bytes(), record, now, None).unwrap();
                }
            }
            Step::Resubscribe(key, request) => {
                let key = KEYS[*key];
                let is_erased = self.is_erased(key);
                let done = self.erasing.resubscribe(key.as_bytes(), key, request, now);
                if is_erased && !request.include.contains(&SuppressionReason::Manual) {
                    assert_eq!(done.unwrap_err().kind(), ErrorKind::Refused);
                    return;
                }
                assert_eq!(done.unwrap().erased.is_some(), is_erased);
                assert!(!self.is_erased(key));
                self.plain.resubscribe(key.as_bytes(), key, request, now).unwrap();
            }
            Step::Import(rows) => {
                import(&self.plain, rows, now);
                let before = self.erasing.view().unwrap().position().generation;
                let counts = import(&self.erasing, rows, now);
                assert_eq!(counts.added > 0, counts.generation > before, "{counts:?}");
            }
            Step::Erase(key) => self.erase(KEYS[*key]),
            Step::Compile => self.compile(),
        }
    }

    fn erase(&self, key: &str) {
        let request = EraseRequest::new("privacy", "request 1").unwrap();
        let was_erased = self.is_erased(key);
        let erased = self.erasing.erase(key.as_bytes(), key, &request, at(self.now)).unwrap();
        assert_eq!(erased.is_new, !was_erased);
        let view = self.erasing.view().unwrap();
        assert!(view.records_of(key.as_bytes()).unwrap().is_empty());
        for entry in view.history(key.as_bytes()).unwrap() {
            let is_erasure = entry.kind == ledger::EventKind::Erased;
            assert!(is_erasure || !entry.detail.to_string().contains(key), "{entry:?}");
        }
    }

    fn is_erased(&self, key: &str) -> bool {
        self.erasing.view().unwrap().erased_since(key.as_bytes()).unwrap().is_some()
    }

    /// The index as it was last compiled, to be compared with what the feed says.
    fn snapshot(&self) -> Snapshot {
        let mut batch = Batch::default();
        for (&hash, (state, expiring)) in &self.index {
            batch.entries.push(Entry { hash, state: *state });
            batch.expiring.extend(expiring.iter().map(|&(at, bits)| Expiring { hash, at, bits }));
        }
        let segment = segment::Identity { key_id: self.hasher.key_id(), policy: 0 };
        let identity = IndexIdentity { ledger_id: "ledger".into(), segment };
        let (directory, position) = (Arc::new(Memory::new()), Position::default());
        let index = Index::rebuild(directory, identity, Access::Map, batch, position, at(0));
        index.unwrap().snapshot(Overlay::new(), position)
    }

    /// The index follows the feed to what a rebuild gives.
    fn compile(&mut self) {
        let view = self.erasing.view().unwrap();
        let all = held(&everything(&*view, &self.hasher, true).unwrap());
        match batch(&*view, self.cursor, &self.hasher, Some(&self.snapshot()), true).unwrap() {
            Some(batch) => self.index.extend(held(&batch)),
            None => self.index.clone_from(&all),
        }
        self.index = without_tombstones(std::mem::take(&mut self.index));
        self.cursor = view.position().cursor;
        assert_eq!(self.index, all);
        for key in KEYS {
            let said = view.state_of(key.as_bytes()).unwrap().address_entry().blocks.to_bits();
            let (state, _) =
                self.index.get(&self.hasher.address(key.as_bytes())).cloned().unwrap_or_default();
            assert_eq!(state, said, "{key}");
        }
        for id in IDS {
            let said = view.contact_flags(id).unwrap().map(|contact| contact.blocks().to_bits());
            let (state, _) =
                self.index.get(&self.hasher.contact(id.as_bytes())).cloned().unwrap_or_default();
            assert_eq!(state, said.unwrap_or_default(), "{id}");
        }
    }

    /// Nobody is reachable who would not be without the erasures.
    fn compare(&self) {
        let (plain, erasing) = (self.plain.view().unwrap(), self.erasing.view().unwrap());
        let all: Vec<String> = LISTS.iter().map(|list| (*list).to_owned()).collect();
        for key in KEYS {
            let is_erased = self.is_erased(key);
            let (would, is) = (
                plain.state_of(key.as_bytes()).unwrap(),
                erasing.state_of(key.as_bytes()).unwrap(),
            );
            for now in 0..5 {
                for class in [Class::Bulk, Class::Transactional] {
                    for lists in [&[], &all[..1], &all[1..], &all[..]] {
                        let query = Query { now: at(now), class, lists };
                        let (would, is) = (would.reasons(&query), is.reasons(&query));
                        if is_erased {
                            assert_eq!(is.first(), Some(Reason::Manual), "{key} {query:?}");
                            assert_eq!(is.iter().count(), 1);
                        } else {
                            assert_eq!(is, would, "{key} {query:?}");
                        }
                    }
                }
            }
        }
        for id in IDS {
            let blocks = |view: &dyn View| {
                view.contact_flags(id).unwrap().map_or(Blocks::NONE, |c| c.blocks())
            };
            assert_eq!(blocks(&*erasing), blocks(&*plain), "{id}");
        }
        assert_eq!(erasing.integrity_check().unwrap(), [""; 0]);
    }
}

fn import(
    ledger: &SqliteLedger,
    rows: &[(usize, NativeRecord)],
    now: Timestamp,
) -> ledger::ImportCounts {
    let source = ImportSource { name: "file.csv".into(), format: "native".into() };
    let mut session = ledger.import_session(Kind::Contacts, source, now).unwrap();
    for (key, row) in rows {
        session.push(KEYS[*key].as_bytes(), row).unwrap();
    }
    session.apply(rows.len() as u64, 0, "00").unwrap()
}

/// How many cases are tried: many more when the environment says so.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_erasure_lets_nobody_through_and_a_lift_brings_everything_back(
        steps in proptest::collection::vec(step(), 1..14),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
            world.compare();
        }
        world.compile();
    }
}

/// The feed named the contact by its hash; when it names it no more, it must do so by its id, though its flags are
/// the same.
#[test]
fn a_contact_denied_at_an_erased_address_and_moved_at_once_is_denied_in_the_index() {
    let mut world = World::new();
    let row = |key: usize| {
        let denied = Some(Flag::DoNotAllow);
        let row = ContactRow {
            contact_id: IDS[0].to_owned(),
            address: written(key, false),
            bulk_email: denied,
            email_allowed: denied,
            at: None,
            former: false,
        };
        Step::Import(vec![(key, NativeRecord::Contact(row))])
    };
    for step in [Step::Erase(0), Step::Compile, row(0), row(1), Step::Compile] {
        world.run(&step);
        world.compare();
    }
    let (state, _) = &world.index[&world.hasher.contact(IDS[0].as_bytes())];
    assert_ne!(*state, 0);
}

/// What the feed said of the contact by its id and by its hash contradicted each other: a daily export of the
/// contacts after a lifted erasure was taken for damage.
#[test]
fn a_contact_that_is_imported_after_the_erasure_was_lifted_is_no_damage() {
    let mut world = World::new();
    let row = |key: usize, denied: bool| {
        let flag = Some(if denied { Flag::DoNotAllow } else { Flag::Allow });
        let row = ContactRow {
            contact_id: IDS[0].to_owned(),
            address: written(key, false),
            bulk_email: flag,
            email_allowed: flag,
            at: None,
            former: false,
        };
        Step::Import(vec![(key, NativeRecord::Contact(row))])
    };
    let permission = Permission::new(Channel::Phone, "ticket 4711", "support").unwrap();
    let lift = Step::Resubscribe(
        0,
        ResubscribeRequest {
            global: true,
            lists: Vec::new(),
            all_lists: true,
            include: vec![SuppressionReason::Manual],
            permission,
            recorded_by: None,
        },
    );
    let steps = [row(0, true), Step::Erase(0), Step::Compile, lift, row(0, false), Step::Compile];
    for step in steps.iter().chain(&[Step::Erase(0), row(1, true), row(0, false), Step::Compile]) {
        world.run(step);
        world.compare();
    }
}

/// Each row once rewrote all that was parked before it: a file of one address on many lists took minutes.
#[test]
fn an_erased_address_may_opt_out_of_hundreds_of_lists_at_once() {
    const LISTS: usize = 500;
    let world = World::new();
    world.erase(KEYS[0]);
    let rows: Vec<(usize, NativeRecord)> = (0..LISTS)
        .map(|number| {
            let (address, list) = (written(0, true), format!("list {number}"));
            let choice = Choice::Out;
            let record = Preference { address, list, choice, at: None, source: None };
            (0, NativeRecord::Preference(record))
        })
        .collect();
    for _ in 0..2 {
        let counts = import(&world.erasing, &rows, at(20));
        assert_eq!((counts.added, counts.unchanged), (0, LISTS as u64));
    }
    let permission = Permission::new(Channel::Phone, "ticket 4711", "support").unwrap();
    let request = ResubscribeRequest {
        global: true,
        lists: Vec::new(),
        all_lists: false,
        include: vec![SuppressionReason::Manual],
        permission,
        recorded_by: None,
    };
    world.erasing.resubscribe(KEYS[0].as_bytes(), KEYS[0], &request, at(21)).unwrap();
    let state = world.erasing.view().unwrap().state_of(KEYS[0].as_bytes()).unwrap();
    assert_eq!(state.opted_out_lists().len(), LISTS);
}

#[test]
fn a_pseudonym_is_the_hash_of_the_index() {
    let hasher = hasher();
    assert_eq!(hash(&hasher.of_address(b"a@example.com")), hasher.address(b"a@example.com"));
    assert_eq!(hash(&hasher.of_contact("42")), hasher.contact(b"42"));
    assert_ne!(hasher.of_address(b"42"), hasher.of_contact("42"));
}

/// Without what makes pseudonyms an erased address would look clear.
#[test]
fn a_ledger_with_erasures_answers_nobody_without_its_pseudonyms() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let identity = Identity { policy: "exact".into(), key_id: "0123456789abcdef".into() };
    let request = EraseRequest::new("privacy", "request 1").unwrap();
    let key = KEYS[0].as_bytes();
    let plain = SqliteLedger::create(&path, &identity, at(0)).unwrap();
    let refused = plain.erase(key, KEYS[0], &request, at(1)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Untrusted);
    assert!(plain.view().unwrap().state_of(key).is_ok());
    drop(plain);
    let erasing = SqliteLedger::open(&path).unwrap().with_pseudonyms(Arc::new(hasher()));
    erasing.erase(key, KEYS[0], &request, at(1)).unwrap();
    drop(erasing);
    let plain = SqliteLedger::open(&path).unwrap();
    let error = plain.view().unwrap().state_of(key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    let source = ImportSource { name: "file.csv".into(), format: "native".into() };
    let session = plain.import_session(Kind::Contacts, source, at(2)).unwrap();
    assert!(session.apply(0, 0, "00").is_err());
}

#[test]
fn who_and_why_may_not_hold_what_is_erased() {
    let world = World::new();
    let (now, key) = (at(2), KEYS[0].as_bytes());
    let record = Unsubscribe {
        address: "Ada@EXAMPLE.com".to_owned(),
        list: None,
        state: UnsubscribeState::Active,
        class: RecordClass::Bulk,
        at: None,
        source: None,
    };
    world.erasing.unsubscribe(key, &record, now, None).unwrap();
    for (by, reason) in [("privacy", "mail of ADA@example.com"), ("ada@example.com", "request")] {
        let request = EraseRequest::new(by, reason).unwrap();
        let error = world.erasing.erase(key, "ada@example.com", &request, now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(!world.is_erased(KEYS[0]));
    }
}

/// Its hash can't be told from another's; its checksum can.
#[test]
fn a_damaged_erasure_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let identity = Identity { policy: "exact".into(), key_id: "0123456789abcdef".into() };
    let ledger = SqliteLedger::create(&path, &identity, at(0)).unwrap();
    let ledger = ledger.with_pseudonyms(Arc::new(hasher()));
    let request = EraseRequest::new("privacy", "request 1").unwrap();
    ledger.erase(KEYS[0].as_bytes(), KEYS[0], &request, at(1)).unwrap();
    let tamper = |sql: &str| {
        rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
        let view = ledger.view().unwrap();
        let mut told = 0;
        let read = view.for_each_erased(&mut |_, _| {
            told += 1;
            Ok(())
        });
        (read.map(|()| told), view.integrity_check())
    };
    for sql in [
        "UPDATE erased SET hash = x'00112233445566778899aabbccddeeff'",
        "UPDATE erased SET at = at + 1",
        "UPDATE erased SET space = 1",
        "UPDATE erased SET flags = 1",
    ] {
        assert!(tamper(sql).0.is_err(), "{sql}");
        restore(&path, &ledger);
    }
    let (told, faults) = tamper("DELETE FROM erased");
    assert_eq!(told.unwrap(), 0);
    assert_eq!(faults.unwrap(), ["1 erased addresses are missing among those held as erased"]);
}

/// Puts back the one row that the test above tampers with.
fn restore(path: &std::path::Path, ledger: &SqliteLedger) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute("DELETE FROM erased", []).unwrap();
    let request = EraseRequest::new("privacy", "request 1").unwrap();
    ledger.erase(KEYS[0].as_bytes(), KEYS[0], &request, at(1)).unwrap();
}
