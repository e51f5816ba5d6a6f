//! A source's complete file: what it no longer names goes, and nothing else does.

use super::*;
use crate::ErrorKind;
use crate::ledger::{Brake, EventKind, Limit, SyncFile, SyncRequest, Synced};
use crate::record::{Digest, DigestValue, DomainRule, Reason};

pub(super) const BOB: &[u8] = b"bob@example.com";
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
pub(super) type Told = (Vec<u8>, usize, usize, usize);

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
fn a_contact_of_another_source_keeps_its_flags() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    sync(&ledger, Kind::Contacts, SHOP, &[(ANN, contact("c1", ANN_ADDRESS, deny, None))], 1);
    let rows = [(ANN, global(ANN_ADDRESS)), (BOB, global(BOB_ADDRESS))];
    sync(&ledger, Kind::Unsubscribes, CRM, &rows, 2);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows[1..], 3);
    assert_eq!(first(&ledger, ANN), Some(Reason::BulkEmailDenied));
}

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

/// So many people, in the order of their keys.
fn crowd(count: usize) -> Vec<(Vec<u8>, NativeRecord)> {
    let address = |number| format!("p{number:05}@example.com");
    (0..count).map(|number| (address(number).into_bytes(), global(&address(number)))).collect()
}

fn rows(crowd: &[(Vec<u8>, NativeRecord)]) -> Vec<(&[u8], NativeRecord)> {
    crowd.iter().map(|(key, row)| (key.as_slice(), row.clone())).collect()
}

#[test]
fn the_brake_holds_at_exactly_its_number_and_changes_nothing() {
    let ledger = ledger();
    let all = crowd(1_000);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows(&all), 1);
    let before = ledger.view().unwrap().position();
    let run = |limit, from: usize, dry_run| {
        let request = SyncRequest { limit, dry_run, ..wanted(CRM) };
        sync_as(&ledger, Kind::Unsubscribes, &request, &rows(&all[from..]), 2)
    };
    for (limit, from, passes) in [
        (Limit::Usual, 101, false),
        (Limit::Count(9), 10, false),
        (Limit::Count(0), 1, false),
        (Limit::Share(crate::ledger::sync::Share::of_percent("0.9").unwrap()), 10, false),
        (Limit::Usual, 100, true),
        (Limit::Count(10), 10, true),
        (Limit::Share(crate::ledger::sync::Share::of_percent("1").unwrap()), 10, true),
    ] {
        let (synced, told) = run(limit, from, true);
        assert_eq!(synced.brakes.is_empty(), passes, "{limit:?}");
        assert_eq!((synced.removed, told.len()), (from as u64, from), "the diff is whole");
        assert!(!synced.applied);
        if !passes {
            let want =
                Brake::TooMany { removed: from as u64, limit: limit.allows(1_000), owned: 1_000 };
            assert_eq!(synced.brakes, [want]);
            assert!(!run(limit, from, false).0.applied);
        }
    }
    assert_eq!(ledger.view().unwrap().position(), before);
    assert_eq!(ledger.view().unwrap().counts().unwrap().unsubscribes, 1_000);
    assert_eq!(ledger.view().unwrap().imports().unwrap().len(), 2, "both of the first file");
    assert!(run(Limit::Count(10), 10, false).0.applied);
    assert_eq!(ledger.view().unwrap().counts().unwrap().unsubscribes, 990);
}

#[test]
fn a_file_that_lost_half_its_rows_an_empty_one_and_a_cut_one_stop() {
    let ledger = ledger();
    let all = crowd(20);
    sync(&ledger, Kind::Unsubscribes, CRM, &rows(&all), 1);
    let run = |request: &SyncRequest, from: usize, change: &dyn Fn(&mut SyncFile)| {
        let source = ImportSource { name: "f".into(), format: "native".into() };
        let mut session = ledger.import_session(Kind::Unsubscribes, source, at(2)).unwrap();
        for (key, row) in &all[from..] {
            session.push(key, &of_source(row, CRM)).unwrap();
        }
        let mut file = file(&rows(&all[from..]));
        change(&mut file);
        session.sync(&file, request, &mut |_| Ok(())).unwrap().brakes
    };
    let dry = SyncRequest { dry_run: true, ..wanted(CRM) };
    let same: &dyn Fn(&mut SyncFile) = &|_| ();
    assert_eq!(run(&dry, 11, same), [Brake::Shrunk { rows: 9, before: 20 }]);
    assert_eq!(run(&dry, 10, same), []);
    let sure = SyncRequest { limit: Limit::Count(20), ..dry.clone() };
    assert_eq!(run(&sure, 11, same), []);
    assert_eq!(run(&sure, 20, same), [Brake::NoRows]);
    let empty = SyncRequest { allow_empty: true, ..sure.clone() };
    assert_eq!(run(&empty, 20, same), []);
    assert_eq!(run(&empty, 20, &|file| file.has_header = false), [Brake::NoRows]);
    assert!(matches!(run(&dry, 0, &|file| file.ended = false).as_slice(), [Brake::Cut(_)]));
    assert!(matches!(
        run(&sure, 0, &|file| file.cut = Some("so".into())).as_slice(),
        [Brake::Cut(_)]
    ));
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
fn records_of_another_kind_and_a_missing_permission_are_refused() {
    let ledger = ledger();
    let source = || ImportSource { name: "f".into(), format: "native".into() };
    let mut session = ledger.import_session(Kind::Unsubscribes, source(), at(1)).unwrap();
    session.push(ANN, &bounce(ANN_ADDRESS, None)).unwrap();
    let rows = [(ANN, global(ANN_ADDRESS))];
    let error = session.sync(&file(&rows), &wanted(CRM), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let session = ledger.import_session(Kind::Unsubscribes, source(), at(1)).unwrap();
    let request = SyncRequest { permission: None, ..wanted(CRM) };
    let error = session.sync(&file(&[]), &request, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(ledger.view().unwrap().position().generation, 0);
}
