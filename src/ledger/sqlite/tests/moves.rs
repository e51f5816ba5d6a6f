//! Contacts that move: what they leave behind, what they take along, and who may lift which.

use super::*;
use crate::ledger::{EventKind, Record};
use crate::record::{Blocks, Reason};
use proptest::prelude::*;
use std::collections::BTreeMap;

const OLD: &[u8] = b"ann@old.example.com";
const DENY: Option<Flag> = Some(Flag::DoNotAllow);

fn move_to(ledger: &SqliteLedger, key: &[u8], bulk: Option<Flag>, now: i64) -> ImportCounts {
    let address = std::str::from_utf8(key).unwrap();
    import(ledger, &[(key, contact("c1", address, bulk, None))], now)
}

fn first(view: &dyn View, key: &[u8]) -> Option<Reason> {
    reasons(view, key, &[]).first()
}

fn address(key: &[u8]) -> (String, Vec<u8>) {
    ("address".into(), key.to_vec())
}

fn the_contact() -> (String, Vec<u8>) {
    ("contact".into(), b"c1".to_vec())
}

#[test]
fn a_later_deny_does_not_reach_the_former_address() {
    let ledger = ledger();
    move_to(&ledger, OLD, None, 1);
    move_to(&ledger, ANN, None, 2);
    let before = ledger.view().unwrap().position();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(3), None).unwrap();
    move_to(&ledger, ANN, DENY, 4);
    ledger
        .unsubscribe(OLD, &unsubscribe("ann@old.example.com", Some("news")), at(5), None)
        .unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(first(&*view, OLD), None);
    assert_eq!(first(&*view, ANN), Some(Reason::BulkEmailDenied));
    let named = feed(&*view, before.cursor).unwrap();
    let news = ("list news".to_owned(), OLD.to_vec());
    assert_eq!(named, [address(ANN), the_contact(), address(OLD), news].into());
}

#[test]
fn an_unsubscribe_of_the_former_address_leaves_the_contact_alone() {
    let ledger = ledger();
    move_to(&ledger, OLD, None, 1);
    move_to(&ledger, ANN, None, 2);
    ledger.unsubscribe(OLD, &unsubscribe("ann@old.example.com", None), at(3), None).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(first(&*view, OLD), Some(Reason::Unsubscribed));
    assert_eq!(first(&*view, ANN), None);
    assert_eq!(view.contact_flags("c1").unwrap().unwrap().blocks(), Blocks::NONE);
}

#[test]
fn a_move_names_both_addresses_and_is_told_at_the_one_left() {
    let ledger = ledger();
    move_to(&ledger, OLD, DENY, 1);
    let before = ledger.view().unwrap().position();
    assert_eq!(move_to(&ledger, ANN, None, 2).added, 1);
    let view = ledger.view().unwrap();
    assert_eq!(feed(&*view, before.cursor).unwrap(), [address(OLD), address(ANN)].into());
    assert_eq!(view.contact_flags("c1").unwrap().unwrap().address, "ann@example.com");
    assert!(view.state_of(OLD).unwrap().contacts[0].former);
    assert!(!view.state_of(ANN).unwrap().contacts[0].former);
    let history = view.history(OLD).unwrap();
    let kinds: Vec<EventKind> = history.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EventKind::Imported, EventKind::Changed]);
    assert_eq!(history[0].detail["record"]["former"], false, "as it was added");
    assert_eq!(history[1].detail["changed"][0]["now"]["former"], true);
    assert_eq!(history[1].detail["cause"]["name"], "file-2.csv");
}

#[test]
fn a_resubscribe_lifts_what_stands_at_its_own_key_only() {
    for (lifted, other) in [(OLD, ANN), (ANN, OLD)] {
        let ledger = ledger();
        move_to(&ledger, OLD, DENY, 1);
        move_to(&ledger, ANN, None, 2);
        let (before, told) = {
            let view = ledger.view().unwrap();
            (view.position(), view.history(other).unwrap())
        };
        let done = ledger.resubscribe(lifted, "ann", &request(true, &[]), at(3)).unwrap();
        assert_eq!(done.changed.len(), 1);
        assert_eq!(done.changed[0].former, lifted == OLD);
        let view = ledger.view().unwrap();
        assert_eq!(first(&*view, lifted), None);
        assert_eq!(first(&*view, other), Some(Reason::BulkEmailDenied));
        let denied = view.contact_flags("c1").unwrap().unwrap().bulk_email.is_denied();
        assert_eq!(denied, lifted == OLD, "the contact is where it is now");
        let mut want = BTreeSet::from([address(lifted)]);
        want.extend((lifted == ANN).then(the_contact));
        assert_eq!(feed(&*view, before.cursor).unwrap(), want);
        let last = view.history(lifted).unwrap().pop().unwrap();
        assert_eq!(last.detail["changed"][0]["was"]["bulk_email"], "Do Not Allow");
        assert_eq!(view.history(other).unwrap().len(), told.len(), "nothing happened there");
    }
}

#[test]
fn a_contact_that_moves_back_stands_beside_what_it_left_and_both_are_lifted() {
    let ledger = ledger();
    move_to(&ledger, ANN, DENY, 1);
    move_to(&ledger, OLD, None, 2);
    move_to(&ledger, ANN, None, 3);
    let view = ledger.view().unwrap();
    let former: Vec<bool> =
        view.state_of(ANN).unwrap().contacts.iter().map(|contact| contact.former).collect();
    assert_eq!(former, [false, true]);
    assert_eq!(view.counts().unwrap().contacts, 3);
    drop(view);
    assert_eq!(
        ledger.resubscribe(ANN, "ann", &request(true, &[]), at(4)).unwrap().changed.len(),
        2
    );
    let view = ledger.view().unwrap();
    assert_eq!((first(&*view, ANN), first(&*view, OLD)), (None, Some(Reason::BulkEmailDenied)));
}

#[test]
fn leaving_an_address_again_adds_to_what_was_left_there() {
    let ledger = ledger();
    move_to(&ledger, ANN, None, 1);
    move_to(&ledger, OLD, None, 2);
    move_to(&ledger, ANN, DENY, 3);
    move_to(&ledger, OLD, None, 4);
    let view = ledger.view().unwrap();
    let contacts = view.state_of(ANN).unwrap().contacts;
    assert_eq!(contacts.len(), 1);
    assert!(contacts[0].former && contacts[0].bulk_email.is_denied());
    assert_eq!(view.counts().unwrap().contacts, 3);
    assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
    let history = view.history(ANN).unwrap();
    let last = history.last().unwrap();
    assert_eq!(last.detail["deleted"][0]["bulk_email"], "Do Not Allow");
    assert_eq!(last.detail["changed"][0]["now"]["bulk_email"], "Do Not Allow");
    let imported = history.iter().filter(|entry| entry.kind == EventKind::Imported);
    assert_eq!(imported.count(), 2, "both times it came");
}

#[test]
fn a_file_that_alternates_ends_at_its_last_row_and_is_stable() {
    let ledger = ledger();
    let rows = [
        (ANN, contact("c1", "ann@example.com", None, None)),
        (OLD, contact("c1", "ann@old.example.com", DENY, None)),
        (ANN, contact("c1", "ann@example.com", None, None)),
        (OLD, contact("c1", "ann@old.example.com", Some(Flag::Allow), None)),
    ];
    let counts = import(&ledger, &rows, 1);
    assert_eq!((counts.added, counts.unchanged, counts.held), (2, 1, 1));
    let before = {
        let view = ledger.view().unwrap();
        assert_eq!(view.contact_flags("c1").unwrap().unwrap().address, "ann@old.example.com");
        assert_eq!(first(&*view, ANN), Some(Reason::BulkEmailDenied));
        view.position()
    };
    let again = import(&ledger, &rows, 2);
    assert_eq!((again.added, again.unchanged, again.held), (0, 3, 1));
    assert_eq!(ledger.view().unwrap().position(), before);
}

#[test]
fn a_row_of_an_address_that_was_left_says_nothing_of_the_contact() {
    let ledger = ledger();
    move_to(&ledger, ANN, None, 1);
    let rows = [(OLD, left(contact("c1", "ann@old.example.com", DENY, None)))];
    assert_eq!(import(&ledger, &rows, 2).added, 1);
    assert_eq!(import(&ledger, &rows, 3).added, 0);
    let view = ledger.view().unwrap();
    assert_eq!(first(&*view, OLD), Some(Reason::BulkEmailDenied));
    assert_eq!(first(&*view, ANN), None);
    assert_eq!(view.contact_flags("c1").unwrap().unwrap().address, "ann@example.com");
}

const KEYS: [&str; 3] = ["a@example.com", "b@example.com", "c@x.test"];
const IDS: [&str; 2] = ["c1", "c2"];

#[derive(Debug, Clone)]
enum Step {
    Import(&'static str, &'static str, Option<Flag>, Option<Flag>),
    Unsubscribe(&'static str),
    Resubscribe(&'static str),
}

/// What the contract says, as slowly as it says it: contacts, and blocks left behind.
#[derive(Default)]
struct Model {
    contacts: BTreeMap<&'static str, (&'static str, Blocks)>,
    left: BTreeMap<&'static str, Blocks>,
}

fn denied(bulk: bool, email: bool) -> Blocks {
    let of = |denied, reason| if denied { Blocks::of(reason, None) } else { Blocks::NONE };
    of(bulk, Reason::BulkEmailDenied).union(of(email, Reason::EmailDenied))
}

impl Model {
    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Import(id, key, bulk, email) => {
                let (from, flags) = self.contacts.get(id).copied().unwrap_or((key, Blocks::NONE));
                if from != key {
                    let left = self.left.entry(from).or_insert(Blocks::NONE);
                    *left = left.union(flags);
                }
                let said = denied(bulk == DENY, email == DENY);
                self.contacts.insert(id, (key, flags.union(said)));
            }
            Step::Unsubscribe(key) => {
                for (_, flags) in self.contacts.values_mut().filter(|(at, _)| *at == key) {
                    *flags = flags.union(denied(true, false));
                }
            }
            Step::Resubscribe(key) => {
                self.left.remove(key);
                for (_, flags) in self.contacts.values_mut().filter(|(at, _)| *at == key) {
                    *flags = Blocks::NONE;
                }
            }
        }
    }

    /// What the contacts withhold at a key.
    fn at(&self, key: &str) -> Blocks {
        let here = self.contacts.values().filter(|(at, _)| *at == key).map(|(_, flags)| *flags);
        here.fold(self.left.get(key).copied().unwrap_or(Blocks::NONE), Blocks::union)
    }
}

fn play(ledger: &SqliteLedger, step: &Step, now: i64) {
    match *step {
        Step::Import(id, key, bulk, email) => {
            let rows = [(key.as_bytes(), contact(id, key, bulk, email))];
            import(ledger, &rows, now);
            assert_eq!(import(ledger, &rows, now).added, 0, "idempotent");
        }
        Step::Unsubscribe(key) => {
            ledger.unsubscribe(key.as_bytes(), &unsubscribe(key, None), at(now), None).unwrap();
        }
        Step::Resubscribe(key) => {
            ledger.resubscribe(key.as_bytes(), key, &request(true, &[]), at(now)).unwrap();
        }
    }
}

fn agrees(view: &dyn View, model: &Model) {
    for key in KEYS {
        let contacts = view.state_of(key.as_bytes()).unwrap().contacts;
        let blocks = contacts.iter().map(crate::record::Contact::blocks);
        assert_eq!(blocks.fold(Blocks::NONE, Blocks::union), model.at(key), "{key}");
    }
    let mut seen = BTreeMap::new();
    view.for_each_contact(&mut |id, blocks| {
        assert!(seen.insert(id.to_owned(), blocks).is_none(), "each once");
        Ok(())
    })
    .unwrap();
    assert_eq!(seen.len(), model.contacts.len());
    for (id, (key, blocks)) in &model.contacts {
        let contact = view.contact_flags(id).unwrap().unwrap();
        assert_eq!((contact.address.as_str(), contact.blocks()), (*key, *blocks));
        assert_eq!(seen[*id], *blocks);
    }
}

/// The contacts of a ledger as its export gives them to an import.
fn exported(view: &dyn View) -> Vec<(Vec<u8>, NativeRecord)> {
    let mut rows = Vec::new();
    view.export(Kind::Contacts, &mut |key, stored| {
        if let Record::Contact(told) = &stored.record {
            let (bulk, email) = (Some(told.bulk_email), Some(told.email_allowed));
            let row = contact(&told.contact_id, &told.address, bulk, email);
            rows.push((key.to_vec(), if told.former { left(row) } else { row }));
        }
        Ok(())
    })
    .unwrap();
    rows
}

/// The row as one of an address that its contact left.
fn left(row: NativeRecord) -> NativeRecord {
    match row {
        NativeRecord::Contact(row) => NativeRecord::Contact(ContactRow { former: true, ..row }),
        row => row,
    }
}

fn step() -> impl Strategy<Value = Step> {
    let key = || proptest::sample::select(&KEYS[..]);
    let flag = || prop_oneof![Just(None), Just(Some(Flag::Allow)), Just(DENY)];
    prop_oneof![
        4 => (proptest::sample::select(&IDS[..]), key(), flag(), flag())
            .prop_map(|(id, key, bulk, email)| Step::Import(id, key, bulk, email)),
        1 => key().prop_map(Step::Unsubscribe),
        2 => key().prop_map(Step::Resubscribe),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn moves_and_permissions_in_any_order_end_as_the_contract_says(
        steps in proptest::collection::vec(step(), 1..14)
    ) {
        let ledger = ledger();
        let mut model = Model::default();
        for (step, now) in steps.iter().zip(1..) {
            play(&ledger, step, now);
            model.apply(step);
            agrees(&*ledger.view().unwrap(), &model);
        }
        let view = ledger.view().unwrap();
        prop_assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
        let copy = super::ledger();
        let rows = exported(&*view);
        let rows: Vec<(&[u8], NativeRecord)> =
            rows.iter().map(|(key, row)| (key.as_slice(), row.clone())).collect();
        import(&copy, &rows, 99);
        agrees(&*copy.view().unwrap(), &model);
        prop_assert_eq!(exported(&*copy.view().unwrap()).len(), rows.len());
    }
}
