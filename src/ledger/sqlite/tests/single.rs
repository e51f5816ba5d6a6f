//! One unsubscribe at a time.

use super::*;
use crate::record::Reason;

#[test]
fn a_global_unsubscribe_also_denies_bulk_email_on_every_contact_of_the_address() {
    let ledger = ledger();
    import(
        &ledger,
        &[
            (ANN, contact("c1", "Ann@Example.com", None, None)),
            (ANN, contact("c2", "ann@example.com", None, None)),
            (b"bob@example.com", contact("c3", "bob@example.com", None, None)),
        ],
        1,
    );
    let record = unsubscribe("Ann@Example.COM", None);
    let applied = ledger.unsubscribe(ANN, &record, at(2), Some("web")).unwrap();
    assert!(applied.changed);
    assert_eq!(applied.generation, 2);
    let view = ledger.view().unwrap();
    let state = view.state_of(ANN).unwrap();
    assert_eq!(state.unsubscribes, [record]);
    assert!(state.contacts.iter().all(|contact| contact.bulk_email == Flag::DoNotAllow));
    assert!(state.contacts.iter().all(|contact| contact.email_allowed == Flag::Allow));
    let bob = view.contact_flags("c3").unwrap().unwrap();
    assert_eq!(bob.bulk_email, Flag::Allow);
}

#[test]
fn an_unsubscribe_of_one_list_leaves_the_contacts_alone() {
    let ledger = ledger();
    import(&ledger, &[(ANN, contact("c1", "ann@example.com", None, None))], 1);
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", Some("news")), at(2), None).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(view.contact_flags("c1").unwrap().unwrap().bulk_email, Flag::Allow);
    assert!(reasons(&*view, ANN, &[]).is_empty());
    assert_eq!(reasons(&*view, ANN, &["news"]).first(), Some(Reason::OptedOut));
    assert!(view.knows_list("news").unwrap());
    assert!(!view.knows_list("newz").unwrap());
    assert_eq!(view.lists().unwrap(), ["news"]);
}

#[test]
fn a_transactional_unsubscribe_leaves_bulk_email_as_it_is() {
    let ledger = ledger();
    import(&ledger, &[(ANN, contact("c1", "ann@example.com", None, None))], 1);
    let record =
        Unsubscribe { class: RecordClass::Transactional, ..unsubscribe("ann@example.com", None) };
    ledger.unsubscribe(ANN, &record, at(2), None).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(view.contact_flags("c1").unwrap().unwrap().bulk_email, Flag::Allow);
}

#[test]
fn a_repeated_unsubscribe_makes_no_generation_no_feed_and_no_event() {
    let ledger = ledger();
    let record = unsubscribe("ann@example.com", None);
    let first = ledger.unsubscribe(ANN, &record, at(1), None).unwrap();
    let before = ledger.view().unwrap().position();
    let again = ledger.unsubscribe(ANN, &record, at(2), None).unwrap();
    assert!(!again.changed);
    assert_eq!(again.generation, first.generation);
    let view = ledger.view().unwrap();
    assert_eq!(view.position(), before);
    assert_eq!(view.history(ANN).unwrap().len(), 1);
}

#[test]
fn a_repeated_unsubscribe_still_denies_a_contact_that_came_later() {
    let ledger = ledger();
    let record = unsubscribe("ann@example.com", None);
    ledger.unsubscribe(ANN, &record, at(1), None).unwrap();
    import(&ledger, &[(ANN, contact("c1", "ann@example.com", None, None))], 2);
    assert!(ledger.unsubscribe(ANN, &record, at(3), None).unwrap().changed);
    let view = ledger.view().unwrap();
    assert_eq!(view.contact_flags("c1").unwrap().unwrap().bulk_email, Flag::DoNotAllow);
}

#[test]
fn a_view_does_not_see_what_is_changed_after_it_began() {
    let ledger = ledger();
    let view = ledger.view().unwrap();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None).unwrap();
    assert!(view.state_of(ANN).unwrap().is_empty());
    assert_eq!(view.position().generation, 0);
    assert!(!ledger.view().unwrap().state_of(ANN).unwrap().is_empty());
}

#[test]
fn keys_are_found_by_pattern_across_all_kinds() {
    let ledger = ledger();
    let rows: [(&[u8], NativeRecord); 5] = [
        (b"ann@example.com", contact("c1", "ann@example.com", None, None)),
        (b"ann@example.com", bounce("ann@example.com", None)),
        (b"anna@example.com", bounce("anna@example.com", None)),
        (b"bob@example.com", preference("bob@example.com", "news", Choice::In)),
        (b"bob@x.test", NativeRecord::Unsubscribe(unsubscribe("bob@x.test", None))),
    ];
    import(&ledger, &rows, 1);
    let view = ledger.view().unwrap();
    let like = |pattern: &str, limit| -> Vec<String> {
        let keys = view.keys_like(pattern.as_bytes(), limit).unwrap();
        keys.into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
    };
    assert_eq!(like("ann*", 9), ["ann@example.com", "anna@example.com"]);
    assert_eq!(like("*@example.com", 2), ["ann@example.com", "anna@example.com"]);
    assert_eq!(like("bob*", 9), ["bob@example.com", "bob@x.test"]);
    assert_eq!(like("ann@example.com", 9), ["ann@example.com"]);
    assert!(like("nobody*", 9).is_empty());
}
