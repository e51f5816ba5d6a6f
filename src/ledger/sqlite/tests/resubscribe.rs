//! Making a person reachable again.

use super::*;
use crate::ErrorKind;
use crate::ledger::{EventKind, basis};
use crate::record::Reason;

/// Three duplicates in different spellings, two global unsubscribes of which one is inactive, list
/// opt-outs of both sorts, and a bounce.
fn story() -> SqliteLedger {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    let inactive =
        Unsubscribe { state: UnsubscribeState::Inactive, ..unsubscribe("ANN@example.com", None) };
    import(
        &ledger,
        &[
            (ANN, contact("c1", "ann@example.com", deny, None)),
            (ANN, contact("c2", "Ann@Example.com", None, deny)),
            (ANN, contact("c3", "ANN@EXAMPLE.COM", deny, deny)),
            (ANN, NativeRecord::Unsubscribe(unsubscribe("Ann@Example.com", None))),
            (ANN, NativeRecord::Unsubscribe(inactive)),
            (ANN, NativeRecord::Unsubscribe(unsubscribe("ann@example.com", Some("offers")))),
            (ANN, preference("ann@example.com", "news", Choice::Out)),
            (ANN, preference("ann@example.com", "offers", Choice::Out)),
            (ANN, bounce("ann@example.com", None)),
        ],
        1,
    );
    ledger
}

#[test]
fn lifting_the_global_block_clears_every_duplicate_and_every_spelling() {
    let ledger = story();
    let before = ledger.view().unwrap().position();
    let done = ledger.resubscribe(ANN, "Ann@example.com", &request(true, &[]), at(2)).unwrap();
    assert_eq!(done.generation, before.generation + 1);
    assert_eq!(done.deleted.len(), 2);
    let ids: Vec<&str> = done.changed.iter().map(|change| change.contact_id.as_str()).collect();
    assert_eq!(ids, ["c1", "c2", "c3"]);
    let bulk = done.changed[0].bulk_email;
    assert_eq!((bulk.from, bulk.to), (Flag::DoNotAllow, Flag::Allow));
    let view = ledger.view().unwrap();
    let state = view.state_of(ANN).unwrap();
    assert!(state.contacts.iter().all(|contact| contact.blocks().is_empty()));
    let left: Vec<Reason> = reasons(&*view, ANN, &["news", "offers"]).iter().collect();
    assert_eq!(left, [Reason::Bounce, Reason::OptedOut]);
    let touched = feed(&*view, before.cursor).unwrap();
    let mut want: BTreeSet<(String, Vec<u8>)> =
        ["c1", "c2", "c3"].map(|id| ("contact".into(), id.into())).into();
    want.insert(("address".into(), ANN.to_vec()));
    assert_eq!(touched, want);
}

#[test]
fn what_came_since_somebody_looked_is_not_lifted() {
    let ledger = story();
    let look = || {
        let view = ledger.view().unwrap();
        (basis(&view.records_of(ANN).unwrap(), view.erased_since(ANN).unwrap()), view.position())
    };
    let lift = |basis: &str| {
        ledger.resubscribe_if(basis, ANN, "ann@example.com", &request(true, &[]), at(3)).unwrap()
    };
    let (seen, _) = look();
    ledger.unsubscribe(ANN, &unsubscribe("ann@EXAMPLE.com", None), at(2), None).unwrap();
    let (now, before) = look();
    assert_ne!(seen, now);
    assert_eq!(lift(&seen), None);
    assert_eq!(look(), (now.clone(), before), "nothing is changed or stored");
    let events = ledger.view().unwrap().history(ANN).unwrap();
    assert!(events.iter().all(|event| event.kind != EventKind::Resubscribed));
    assert_eq!(lift(&now).unwrap().deleted.len(), 3);
}

#[test]
fn a_list_is_lifted_with_its_preference_and_its_unsubscribe() {
    let ledger = story();
    let before = ledger.view().unwrap().position();
    let done = ledger.resubscribe(ANN, "ann@example.com", &request(false, &["offers"]), at(2));
    let done = done.unwrap();
    assert_eq!(done.deleted.len(), 2);
    assert!(done.changed.is_empty());
    let view = ledger.view().unwrap();
    assert_eq!(view.state_of(ANN).unwrap().opted_out_lists(), ["news"].into());
    assert_eq!(view.state_of(ANN).unwrap().unsubscribes.len(), 2, "the global ones stay");
    assert_eq!(
        feed(&*view, before.cursor).unwrap(),
        [("address".into(), ANN.to_vec()), ("list offers".into(), ANN.to_vec())].into()
    );
}

#[test]
fn everything_asked_for_leaves_nothing_but_contacts_that_allow() {
    let ledger = story();
    let request = ResubscribeRequest {
        all_lists: true,
        include: vec![SuppressionReason::Bounce],
        ..request(true, &[])
    };
    let done = ledger.resubscribe(ANN, "ann@example.com", &request, at(2)).unwrap();
    assert_eq!(done.deleted.len(), 6);
    let view = ledger.view().unwrap();
    assert!(reasons(&*view, ANN, &["news", "offers"]).is_empty());
    assert_eq!(view.counts().unwrap().total(), 3);
    assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
}

#[test]
fn the_history_keeps_what_was_deleted_and_how_it_came() {
    let ledger = story();
    ledger.resubscribe(ANN, "Ann@example.com", &request(true, &["news"]), at(2)).unwrap();
    let history = ledger.view().unwrap().history(ANN).unwrap();
    let imported = history.iter().filter(|entry| entry.kind == EventKind::Imported);
    assert_eq!(imported.clone().count(), 9, "each of the nine rows, deleted or not");
    assert!(imported.clone().all(|entry| entry.detail["import"]["name"] == "file-1.csv"));
    let first = imported.clone().find(|entry| entry.detail["record"]["contact_id"] == "c1");
    assert_eq!(first.unwrap().detail["record"]["bulk_email"], "Do Not Allow", "as it was added");
    let last = history.last().unwrap();
    assert_eq!(last.kind, EventKind::Resubscribed);
    assert_eq!(last.detail["permission"]["evidence"], "call of 3 May, ticket 4711");
    assert_eq!(last.detail["permission"]["by"], "support");
    assert_eq!(last.detail["address"], "Ann@example.com");
    let deleted = last.detail["deleted"].as_array().unwrap();
    assert_eq!(deleted.len(), 3);
    assert!(deleted.iter().all(|record| record["import"] == 1));
    assert!(deleted.iter().any(|record| record["address"] == "ANN@example.com"));
    assert_eq!(last.detail["changed"][0]["was"]["bulk_email"], "Do Not Allow");
    assert_eq!(last.detail["changed"][0]["now"]["bulk_email"], "Allow");
}

#[test]
fn permission_is_stored_even_when_there_is_nothing_to_lift() {
    let ledger = ledger();
    let done = ledger.resubscribe(ANN, "ann@example.com", &request(true, &[]), at(1)).unwrap();
    assert_eq!(done.generation, 0, "nothing changed");
    assert!(done.deleted.is_empty());
    let view = ledger.view().unwrap();
    assert_eq!(view.position().generation, 0);
    assert_eq!(view.history(ANN).unwrap()[0].kind, EventKind::Resubscribed);
}

/// The table says "everywhere" with an empty list: a resubscribe of list '' would lift half of the
/// global block.
#[test]
fn an_empty_list_name_lifts_nothing() {
    let ledger = story();
    let before = ledger.view().unwrap().position();
    let error = ledger.resubscribe(ANN, "ann@example.com", &request(false, &[""]), at(2));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Usage);
    let view = ledger.view().unwrap();
    assert_eq!(view.position(), before);
    assert_eq!(view.counts().unwrap().unsubscribes, 3);
}
