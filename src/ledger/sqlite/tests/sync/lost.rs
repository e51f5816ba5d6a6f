//! What goes with a record that its source let go of, kind by kind.

use super::*;
use crate::ledger::EventKind;

#[test]
fn a_lost_unsubscribe_has_the_consequences_of_a_resubscribe_and_is_told() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    import(
        &ledger,
        &[
            (ANN, contact("c1", "ann@example.com", deny, None)),
            (ANN, contact("c2", "Ann@Example.com", None, deny)),
            (ANN, preference(ANN_ADDRESS, "news", Choice::Out)),
            (BOB, contact("c3", BOB_ADDRESS, deny, None)),
        ],
        1,
    );
    let rows = [
        (ANN, global("Ann@Example.com")),
        (ANN, global(ANN_ADDRESS)),
        (ANN, of_list(ANN_ADDRESS, "news")),
        (BOB, global(BOB_ADDRESS)),
    ];
    sync(&ledger, Kind::Unsubscribes, CRM, &rows, 2);
    let before = ledger.view().unwrap().position();
    let sure = SyncRequest { limit: Limit::Count(2), ..wanted(CRM) };
    let (synced, told) = sync_as(&ledger, Kind::Unsubscribes, &sure, &rows[3..], 3);
    assert!(synced.applied);
    // Two identities; both spellings of the one, the flags of both contacts, and the preference go.
    assert_eq!((synced.owned, synced.removed, synced.released), (3, 2, 1));
    assert_eq!(told, [(ANN.to_vec(), 4, 2, 0)]);
    assert_eq!((first(&ledger, ANN), first(&ledger, BOB)), (None, Some(Reason::BulkEmailDenied)));
    let view = ledger.view().unwrap();
    let named = feed(&*view, before.cursor).unwrap();
    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["address", "contact", "contact", "list news"], "and nothing of Bob");
    let last = view.history(ANN).unwrap().pop().unwrap();
    assert_eq!(last.kind, EventKind::Synced);
    assert_eq!(last.detail["permission"]["by"], "crm team");
    assert_eq!(last.detail["sync"]["source"], CRM);
    assert_eq!(last.detail["deleted"].as_array().unwrap().len(), 4);
    assert_eq!(last.detail["changed"][0]["was"]["bulk_email"], "Do Not Allow");
}

#[test]
fn flags_stay_while_any_global_unsubscribe_is_left() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    import(
        &ledger,
        &[
            (ANN, contact("c1", ANN_ADDRESS, deny, None)),
            (ANN, NativeRecord::Unsubscribe(unsubscribe("ANN@example.com", None))),
        ],
        1,
    );
    sync(
        &ledger,
        Kind::Unsubscribes,
        CRM,
        &[(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))],
        2,
    );
    sync(&ledger, Kind::Unsubscribes, CRM, &[(BOB, global(BOB_ADDRESS))], 3);
    let state = ledger.view().unwrap().state_of(ANN).unwrap();
    assert_eq!(state.unsubscribes.len(), 1, "that of the form");
    assert!(state.contacts[0].bulk_email.is_denied());
}

#[test]
fn a_preference_follows_its_source_both_ways() {
    let ledger = ledger();
    let out = |choice| [(ANN, preference(ANN_ADDRESS, "news", choice))];
    sync(&ledger, Kind::Preferences, CRM, &out(Choice::Out), 1);
    let synced = sync(&ledger, Kind::Preferences, CRM, &out(Choice::In), 2);
    assert_eq!((synced.removed, synced.lifted, synced.counts.held), (1, 1, 0));
    assert_eq!(first(&ledger, ANN), None);
    assert_eq!(sync(&ledger, Kind::Preferences, CRM, &out(Choice::Out), 3).counts.added, 1);
    assert_eq!(first(&ledger, ANN), Some(Reason::OptedOut));
    let both = [out(Choice::In), out(Choice::Out)].concat();
    assert_eq!(
        sync(&ledger, Kind::Preferences, CRM, &both, 4).removed,
        0,
        "the stronger row counts"
    );
}

#[test]
fn a_contact_follows_its_flags_and_goes_with_what_it_left_behind() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    let rows = |key: &'static [u8], address: &str, flag| {
        [
            (key, contact("c1", address, flag, None)),
            (b"x@x.test".as_slice(), contact("c9", "x@x.test", None, None)),
        ]
    };
    sync(&ledger, Kind::Contacts, CRM, &rows(ANN, ANN_ADDRESS, deny), 1);
    let synced = sync(&ledger, Kind::Contacts, CRM, &rows(ANN, ANN_ADDRESS, Some(Flag::Allow)), 2);
    assert_eq!((synced.removed, synced.lifted, synced.counts.added), (1, 1, 1));
    assert_eq!(first(&ledger, ANN), None);
    sync(&ledger, Kind::Contacts, CRM, &rows(ANN, ANN_ADDRESS, deny), 3);
    // It moves: the block stays at the address it left.
    sync(&ledger, Kind::Contacts, CRM, &rows(BOB, BOB_ADDRESS, None), 4);
    assert_eq!(first(&ledger, ANN), Some(Reason::BulkEmailDenied));
    assert_eq!(first(&ledger, BOB), Some(Reason::BulkEmailDenied));
    // It is deleted: both addresses are free of it.
    let rest = &rows(BOB, BOB_ADDRESS, None)[1..];
    let synced = sync(&ledger, Kind::Contacts, CRM, rest, 5);
    assert_eq!((synced.removed, synced.released), (1, 2));
    assert_eq!((first(&ledger, ANN), first(&ledger, BOB)), (None, None));
    assert_eq!(ledger.view().unwrap().counts().unwrap().contacts, 1);
    assert!(ledger.view().unwrap().contact_flags("c1").unwrap().is_none());
}

#[test]
fn a_flag_that_an_unsubscribe_denied_stays_as_long_as_it_does() {
    let ledger = ledger();
    let rows = [(ANN, contact("c1", ANN_ADDRESS, Some(Flag::Allow), Some(Flag::Allow)))];
    sync(&ledger, Kind::Contacts, CRM, &rows, 1);
    ledger.unsubscribe(ANN, &unsubscribe(ANN_ADDRESS, None), at(2), None).unwrap();
    let synced = sync(&ledger, Kind::Contacts, CRM, &rows, 3);
    assert_eq!((synced.removed, synced.counts.held), (0, 1));
    assert!(ledger.view().unwrap().state_of(ANN).unwrap().contacts[0].bulk_email.is_denied());
}

#[test]
fn a_complaint_is_never_lifted_and_everything_else_of_suppressions_is() {
    let ledger = ledger();
    let of = |reason, end| (ANN, suppression(ANN_ADDRESS, reason, end));
    let bob = (BOB, suppression(BOB_ADDRESS, SuppressionReason::Manual, None));
    let all = [
        of(SuppressionReason::Bounce, None),
        of(SuppressionReason::Complaint, None),
        of(SuppressionReason::Invalid, Some(5)),
        bob.clone(),
    ];
    sync(&ledger, Kind::Suppressions, CRM, &all, 1);
    let less = [
        of(SuppressionReason::Bounce, Some(7)),
        of(SuppressionReason::Complaint, Some(7)),
        bob.clone(),
    ];
    let synced = sync(&ledger, Kind::Suppressions, CRM, &less, 2);
    assert_eq!((synced.removed, synced.lifted, synced.counts.held), (2, 1, 1));
    let sure = SyncRequest { limit: Limit::Count(1), ..wanted(CRM) };
    let (synced, told) = sync_as(&ledger, Kind::Suppressions, &sure, &[bob], 3);
    assert_eq!((synced.removed, synced.complaints, synced.released), (1, 1, 0));
    assert_eq!(told, [(ANN.to_vec(), 1, 0, 1)]);
    let left = ledger.view().unwrap().state_of(ANN).unwrap().suppressions;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].reason, left[0].expires_at), (SuppressionReason::Complaint, None));
}

#[test]
fn third_parties_lists_are_taken_back_as_they_shrink() {
    let ledger = ledger();
    let rule = |domain: &str, subdomains| {
        let domain = domain.to_owned();
        NativeRecord::Domain(DomainRule { domain, subdomains, at: None, source: None })
    };
    let one = (b"one.example".as_slice(), rule("one.example", true));
    let two = (b"two.example".as_slice(), rule("two.example", true));
    sync(&ledger, Kind::Domains, CRM, &[one.clone(), two], 1);
    let narrow = (b"one.example".as_slice(), rule("one.example", false));
    let synced = sync(&ledger, Kind::Domains, CRM, &[narrow], 2);
    assert_eq!((synced.removed, synced.released), (2, 1));
    let view = ledger.view().unwrap();
    assert_eq!(view.rules_covering(b"mail.one.example").unwrap(), []);
    assert_eq!(view.rules_covering(b"one.example").unwrap().len(), 1);
    assert_eq!(view.rules_covering(b"two.example").unwrap(), []);
    assert_eq!(
        view.history_of_rule(b"two.example").unwrap().last().unwrap().kind,
        EventKind::Synced
    );
    drop(view);

    // Digests of different lengths are in another order in their table than in the file.
    let digest = |bytes: &[u8], list: Option<&str>, class| {
        NativeRecord::Digest(Digest {
            algorithm: DigestValue::from_bytes(bytes).unwrap().algorithm(),
            digest: bytes.to_vec(),
            list: list.map(str::to_owned),
            class,
            source: None,
            at: None,
        })
    };
    let (md5, sha1, sha256) = ([5_u8; 16], [3_u8; 20], [4_u8; 32]);
    let all = [
        (&md5[..], digest(&md5, None, RecordClass::All)),
        (&md5[..], digest(&md5, Some("news"), RecordClass::All)),
        (&sha256[..], digest(&sha256, None, RecordClass::Bulk)),
        (&sha1[..], digest(&sha1, None, RecordClass::Bulk)),
    ];
    sync(&ledger, Kind::Digests, CRM, &all, 3);
    let less = [(&md5[..], digest(&md5, None, RecordClass::Bulk)), all[2].clone()];
    let synced = sync(&ledger, Kind::Digests, CRM, &less, 4);
    assert_eq!((synced.owned, synced.removed, synced.released, synced.lifted), (4, 3, 1, 1));
    let view = ledger.view().unwrap();
    let of =
        |bytes: &[u8]| view.digests_of(&DigestValue::from_bytes(bytes).unwrap()).unwrap().len();
    assert_eq!((of(&md5), of(&sha1), of(&sha256)), (1, 0, 1));
    assert!(!view.has_digests(crate::record::Algorithm::Sha1).unwrap());
}

#[test]
fn a_class_that_is_narrowed_frees_the_rest() {
    let ledger = ledger();
    let of = |class| {
        let record = Unsubscribe { source: None, class, ..unsubscribe(ANN_ADDRESS, None) };
        [(ANN, NativeRecord::Unsubscribe(record))]
    };
    sync(&ledger, Kind::Unsubscribes, CRM, &of(RecordClass::All), 1);
    let synced = sync(&ledger, Kind::Unsubscribes, CRM, &of(RecordClass::Bulk), 2);
    assert_eq!((synced.removed, synced.counts.added, synced.released), (1, 1, 0));
    let state = ledger.view().unwrap().state_of(ANN).unwrap();
    assert_eq!(state.unsubscribes.len(), 1);
    assert_eq!(state.unsubscribes[0].class, RecordClass::Bulk);
}

#[test]
fn a_state_that_changes_removes_nothing_and_both_go_together() {
    let ledger = ledger();
    let of = |state| {
        let record = Unsubscribe { source: None, state, ..unsubscribe(ANN_ADDRESS, None) };
        [(ANN, NativeRecord::Unsubscribe(record)), (BOB, global(BOB_ADDRESS))]
    };
    sync(&ledger, Kind::Unsubscribes, CRM, &of(UnsubscribeState::Active), 1);
    let synced = sync(&ledger, Kind::Unsubscribes, CRM, &of(UnsubscribeState::Inactive), 2);
    assert_eq!((synced.removed, synced.counts.added), (0, 1));
    let synced = sync(&ledger, Kind::Unsubscribes, CRM, &of(UnsubscribeState::Inactive)[1..], 3);
    assert_eq!(synced.removed, 1);
    assert_eq!(first(&ledger, ANN), None);
}
