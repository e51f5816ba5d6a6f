//! What is nobody's, and what another source or an import says as well.

use super::*;

#[test]
fn a_record_that_two_sources_name_goes_when_both_let_go_of_it() {
    for (one, other) in [(CRM, SHOP), (SHOP, CRM)] {
        let ledger = ledger();
        let rows = [(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))];
        sync(&ledger, Kind::Unsubscribes, CRM, &rows, 1);
        sync(&ledger, Kind::Unsubscribes, SHOP, &rows, 2);
        let synced = sync(&ledger, Kind::Unsubscribes, one, &rows[1..], 3);
        assert_eq!((synced.removed, synced.passed_on), (0, u64::from(one == CRM)));
        assert_eq!(first(&ledger, ANN), Some(Reason::Unsubscribed), "{other} has it");
        let synced = sync(&ledger, Kind::Unsubscribes, other, &rows[1..], 4);
        assert_eq!(synced.removed, 1);
        assert_eq!(first(&ledger, ANN), None);
        assert_eq!(first(&ledger, BOB), Some(Reason::Unsubscribed));
    }
}

#[test]
fn whoever_names_a_synced_record_keeps_it_from_going() {
    type Says = dyn Fn(&SqliteLedger);
    let says: [(&str, &Says, Option<&str>); 3] = [
        (
            "an import without a source",
            &|ledger| {
                import(ledger, &[(ANN, global(ANN_ADDRESS))], 2);
            },
            None,
        ),
        (
            "an import of another source",
            &|ledger| {
                import(
                    ledger,
                    &[(ANN, NativeRecord::Unsubscribe(unsubscribe(ANN_ADDRESS, None)))],
                    2,
                );
            },
            Some("form"),
        ),
        (
            "a single unsubscribe",
            &|ledger| {
                let record = Unsubscribe { source: None, ..unsubscribe(ANN_ADDRESS, None) };
                ledger.unsubscribe(ANN, &record, at(2), None).unwrap();
            },
            None,
        ),
    ];
    let rows = [(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))];
    for (what, say, source) in says {
        let ledger = ledger();
        sync(&ledger, Kind::Unsubscribes, CRM, &rows, 1);
        say(&ledger);
        let synced = sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 3);
        assert_eq!((synced.removed, synced.passed_on), (0, 1), "{what}");
        assert_eq!(first(&ledger, ANN), Some(Reason::Unsubscribed), "{what}");
        let state = ledger.view().unwrap().state_of(ANN).unwrap();
        assert_eq!(state.unsubscribes[0].source.as_deref(), source, "{what}");
        // A sync that names what is nobody's takes it over, as it does a record; not what is another's.
        let ledger = self::ledger();
        sync(&ledger, Kind::Unsubscribes, CRM, &rows, 1);
        say(&ledger);
        sync(&ledger, Kind::Unsubscribes, CRM, &rows, 3);
        let synced = sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 4);
        assert_eq!(synced.removed, u64::from(source.is_none()), "{what}");
        // And a resubscribe ends every claim.
        let ledger = self::ledger();
        sync(&ledger, Kind::Unsubscribes, CRM, &rows, 1);
        say(&ledger);
        ledger.resubscribe(ANN, ANN_ADDRESS, &request(true, &[]), at(3)).unwrap();
        sync(&ledger, Kind::Unsubscribes, CRM, &rows, 4);
        assert_eq!(sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 5).removed, 1, "{what}");
        assert_eq!(first(&ledger, ANN), None, "{what}");
    }
}

#[test]
fn what_is_nobodys_or_anothers_is_held_where_the_file_says_less() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    import(
        &ledger,
        &[
            (ANN, preference(ANN_ADDRESS, "news", Choice::Out)),
            (ANN, contact("c1", ANN_ADDRESS, None, deny)),
        ],
        1,
    );
    let less = [(ANN, preference(ANN_ADDRESS, "news", Choice::In))];
    let synced = sync(&ledger, Kind::Preferences, CRM, &less, 2);
    assert_eq!((synced.adopted, synced.counts.held, synced.removed), (0, 1, 0));
    let less = [(ANN, contact("c1", ANN_ADDRESS, None, Some(Flag::Allow)))];
    let synced = sync(&ledger, Kind::Contacts, CRM, &less, 3);
    assert_eq!((synced.adopted, synced.counts.held, synced.removed), (0, 1, 0));
    assert_eq!(first(&ledger, ANN), Some(Reason::EmailDenied));
    // Named without a word about the flag, the contact is taken over as it is.
    let silent = [(ANN, contact("c1", ANN_ADDRESS, None, None))];
    assert_eq!(sync(&ledger, Kind::Contacts, CRM, &silent, 4).adopted, 1);
    assert_eq!(sync(&ledger, Kind::Contacts, CRM, &less, 5).lifted, 1);
}

#[test]
fn the_first_sync_is_the_baseline_and_takes_over_what_is_nobodys() {
    let ledger = ledger();
    import(&ledger, &[(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))], 1);
    let synced = sync(&ledger, Kind::Unsubscribes, CRM, &[(ANN, global(ANN_ADDRESS))], 2);
    assert!(synced.is_baseline());
    assert_eq!((synced.adopted, synced.removed, synced.counts.added), (1, 0, 0));
    // Bob's is nobody's, so no sync removes it.
    let synced = sync(&ledger, Kind::Unsubscribes, CRM, &[(b"c@x.test", global("c@x.test"))], 3);
    assert_eq!((synced.owned, synced.removed, synced.counts.added), (1, 1, 1));
    assert_eq!(first(&ledger, ANN), None);
    assert_eq!(first(&ledger, BOB), Some(Reason::Unsubscribed));
}

#[test]
fn who_is_removed_and_imported_again_is_blocked_again() {
    let ledger = ledger();
    let rows = [(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))];
    sync(&ledger, Kind::Unsubscribes, CRM, &rows, 1);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 2);
    assert_eq!(first(&ledger, ANN), None);
    assert_eq!(import(&ledger, &rows, 3).added, 1);
    assert_eq!(first(&ledger, ANN), Some(Reason::Unsubscribed));
    // And it is nobody's now: the next sync without her leaves it.
    sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 4);
    assert_eq!(first(&ledger, ANN), Some(Reason::Unsubscribed));
}

#[test]
fn a_contact_of_another_source_keeps_its_flags() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    sync(&ledger, Kind::Contacts, SHOP, &[(ANN, contact("c1", ANN_ADDRESS, deny, None))], 1);
    let rows = [(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))];
    sync(&ledger, Kind::Unsubscribes, CRM, &rows, 2);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 3);
    assert_eq!(first(&ledger, ANN), Some(Reason::BulkEmailDenied));
}
