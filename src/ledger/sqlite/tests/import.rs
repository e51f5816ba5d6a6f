//! Imports: whole or not at all, and never lifting a block.

use super::*;
use crate::ErrorKind;
use crate::ledger::{EventKind, StagedRows};
use crate::record::Reason;

const ALLOW: Option<Flag> = Some(Flag::Allow);
const DENY: Option<Flag> = Some(Flag::DoNotAllow);

/// added, unchanged, held
fn outcome(counts: ImportCounts) -> (u64, u64, u64) {
    (counts.added, counts.unchanged, counts.held)
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let ledger = ledger();
    let rows = [
        (ANN, contact("c1", "Ann@example.com", DENY, None)),
        (ANN, NativeRecord::Unsubscribe(unsubscribe("Ann@example.com", None))),
        (ANN, preference("ann@example.com", "news", Choice::Out)),
        (ANN, bounce("ann@example.com", Some(5))),
    ];
    assert_eq!(outcome(import(&ledger, &rows, 1)), (4, 0, 0));
    let before = ledger.view().unwrap().position();
    let again = import(&ledger, &rows, 2);
    assert_eq!(outcome(again), (0, 4, 0));
    assert_eq!(again.generation, before.generation);
    let view = ledger.view().unwrap();
    assert_eq!(view.position(), before);
    let imports = view.imports().unwrap();
    assert_eq!(imports.len(), 2, "that it was read again is known");
    assert_eq!(imports[0].counts.added, 4);
    assert_eq!(imports[1].counts, again);
}

#[test]
fn a_contact_s_flags_are_only_ever_tightened() {
    let ledger = ledger();
    let one = |bulk, email, now| {
        outcome(import(&ledger, &[(ANN, contact("c1", "ann@example.com", bulk, email))], now))
    };
    assert_eq!(one(None, None, 1), (1, 0, 0));
    assert_eq!(one(ALLOW, ALLOW, 2), (0, 1, 0));
    assert_eq!(one(DENY, None, 3), (1, 0, 0));
    assert_eq!(one(DENY, None, 4), (0, 1, 0));
    assert_eq!(one(ALLOW, None, 5), (0, 0, 1));
    assert_eq!(one(ALLOW, DENY, 6), (1, 0, 0), "added, because it also adds");
    let view = ledger.view().unwrap();
    let contact = view.contact_flags("c1").unwrap().unwrap();
    assert_eq!((contact.bulk_email, contact.email_allowed), (Flag::DoNotAllow, Flag::DoNotAllow));
    let kinds: Vec<EventKind> = view.history(ANN).unwrap().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EventKind::Imported, EventKind::Changed, EventKind::Changed]);
}

#[test]
fn a_new_address_of_a_denied_contact_is_denied_and_the_old_one_stays_so() {
    let ledger = ledger();
    let new = b"ann@new.example.com".as_slice();
    import(&ledger, &[(ANN, contact("c1", "ann@example.com", DENY, None))], 1);
    let moved = [(new, contact("c1", "ann@new.example.com", ALLOW, None))];
    assert_eq!(outcome(import(&ledger, &moved, 2)), (1, 0, 0));
    let view = ledger.view().unwrap();
    for key in [ANN, new] {
        assert_eq!(reasons(&*view, key, &[]).first(), Some(Reason::BulkEmailDenied));
    }
    assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
}

#[test]
fn rows_of_one_contact_in_one_file_end_with_equal_flags() {
    let ledger = ledger();
    let rows: [(&[u8], NativeRecord); 3] = [
        (b"z@example.com", contact("c1", "z@example.com", None, None)),
        (b"a@example.com", contact("c1", "a@example.com", DENY, None)),
        (b"m@example.com", contact("c1", "m@example.com", ALLOW, DENY)),
    ];
    assert_eq!(outcome(import(&ledger, &rows, 1)), (3, 0, 0));
    let view = ledger.view().unwrap();
    for (key, _) in &rows {
        let contact = &view.state_of(key).unwrap().contacts[0];
        assert_eq!(
            (contact.bulk_email, contact.email_allowed),
            (Flag::DoNotAllow, Flag::DoNotAllow)
        );
    }
    let mut contacts = Vec::new();
    view.for_each_contact(&mut |id, blocks| {
        contacts.push((id.to_owned(), blocks));
        Ok(())
    })
    .unwrap();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].1, view.contact_flags("c1").unwrap().unwrap().blocks());
}

#[test]
fn a_preference_goes_out_and_never_in() {
    let ledger = ledger();
    let one = |choice, now| {
        outcome(import(&ledger, &[(ANN, preference("ann@example.com", "news", choice))], now))
    };
    assert_eq!(one(Choice::In, 1), (1, 0, 0));
    assert_eq!(one(Choice::In, 2), (0, 1, 0));
    assert_eq!(one(Choice::Out, 3), (1, 0, 0));
    assert_eq!(one(Choice::In, 4), (0, 0, 1));
    let view = ledger.view().unwrap();
    assert_eq!(view.state_of(ANN).unwrap().preferences[0].choice, Choice::Out);
    let history = view.history(ANN).unwrap();
    assert_eq!(history[0].detail["record"]["preference"], "In", "as it was added");
    assert_eq!(history[1].detail["changed"][0]["now"]["preference"], "Out");
    assert_eq!(history[1].detail["cause"]["name"], "file-3.csv");
    assert_eq!(history.len(), 2);
}

#[test]
fn an_expiry_is_only_ever_put_off() {
    let ledger = ledger();
    let one = |expires_at, now| {
        outcome(import(&ledger, &[(ANN, bounce("ann@example.com", expires_at))], now))
    };
    assert_eq!(one(Some(10), 1), (1, 0, 0));
    assert_eq!(one(Some(10), 2), (0, 1, 0));
    assert_eq!(one(Some(9), 3), (0, 0, 1));
    assert_eq!(one(Some(11), 4), (1, 0, 0));
    assert_eq!(one(None, 5), (1, 0, 0));
    assert_eq!(one(Some(99), 6), (0, 0, 1));
    assert_eq!(one(None, 7), (0, 1, 0));
    let view = ledger.view().unwrap();
    assert_eq!(view.state_of(ANN).unwrap().suppressions[0].expires_at, None);
    assert_eq!(
        view.history(ANN).unwrap()[0].detail["record"]["expires_at"],
        "1970-01-01T00:00:00.00001Z"
    );
}

#[test]
fn of_two_equal_rows_the_first_counts() {
    let ledger = ledger();
    let record = |source: &str| {
        let source = Some(source.to_owned());
        NativeRecord::Unsubscribe(Unsubscribe { source, ..unsubscribe("ann@example.com", None) })
    };
    let counts = import(&ledger, &[(ANN, record("first")), (ANN, record("second"))], 1);
    assert_eq!(outcome(counts), (1, 1, 0));
    let state = ledger.view().unwrap().state_of(ANN).unwrap();
    assert_eq!(state.unsubscribes[0].source.as_deref(), Some("first"));
}

#[test]
fn a_session_that_is_not_applied_leaves_no_trace() {
    let ledger = ledger();
    let source = ImportSource { name: "file.csv".into(), format: "native".into() };
    let session = || {
        let mut session = ledger.import_session(Kind::Suppressions, source.clone(), at(1)).unwrap();
        session.push(ANN, &bounce("ann@example.com", None)).unwrap();
        session
    };
    drop(session());
    session().abandon();
    let wrong = session().apply(7, 1, "00").unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Untrusted);
    let view = ledger.view().unwrap();
    assert!(view.state_of(ANN).unwrap().is_empty());
    assert!(view.imports().unwrap().is_empty());
    assert_eq!(view.position().generation, 0);
}

#[test]
fn rows_without_an_id_or_a_list_are_refused_as_they_come() {
    let ledger = ledger();
    let source = ImportSource { name: "file.csv".into(), format: "native".into() };
    let mut session = ledger.import_session(Kind::Contacts, source, at(1)).unwrap();
    for row in [contact("", "ann@example.com", None, None), preference("a@x.test", "", Choice::In)]
    {
        assert_eq!(session.push(ANN, &row).unwrap_err().kind(), ErrorKind::Input);
    }
}

#[test]
fn an_export_hands_out_every_record_whole_and_in_key_order() {
    let ledger = ledger();
    let rows: [(&[u8], NativeRecord); 3] = [
        (b"b@example.com", bounce("B@example.com", Some(7))),
        (b"a@example.com", bounce("a@example.com", None)),
        (b"c@example.com", preference("c@example.com", "news", Choice::In)),
    ];
    import(&ledger, &rows, 4);
    let view = ledger.view().unwrap();
    let mut lines = Vec::new();
    view.export(Kind::Suppressions, &mut |key, stored| {
        lines.push((key.to_vec(), stored.to_json()));
        Ok(())
    })
    .unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].0, b"a@example.com");
    assert_eq!(lines[0].1["address"], "a@example.com");
    assert_eq!(
        lines[1].1.to_string(),
        "{\"address\":\"B@example.com\",\"at\":null,\"class\":\"all\",\
         \"expires_at\":\"1970-01-01T00:00:00.000007Z\",\"import\":1,\"kind\":\"suppression\",\
         \"reason\":\"bounce\",\"recorded_at\":\"1970-01-01T00:00:00.000004Z\",\"source\":null}"
    );
}

/// Imports rows of any number of records each.
fn import_rows(ledger: &SqliteLedger, rows: &[&[NativeRecord]]) -> ImportCounts {
    let source = ImportSource { name: "vendor.csv".into(), format: "vendor".into() };
    let mut session = ledger.import_session(Kind::Unsubscribes, source, at(1)).unwrap();
    // Every row in staged rows of its own, as from another thread each.
    let mut number = 0;
    for row in rows {
        let mut staged = StagedRows::default();
        match row {
            [] => staged.pass_over(),
            [record] => staged.push(record.address().as_bytes(), &record.as_row()).unwrap(),
            several => {
                let rows: Vec<_> = several.iter().map(NativeRecord::as_row).collect();
                let keyed = several.iter().map(|record| record.address().as_bytes()).zip(&rows);
                staged.push_several(number, keyed).unwrap();
                number += 1;
            }
        }
        session.take(&staged).unwrap();
    }
    session.apply(rows.len() as u64, 0, "00").unwrap()
}

#[test]
fn a_row_of_several_records_is_one_row_and_one_of_none_is_unchanged() {
    let ledger = ledger();
    let ann = |list| NativeRecord::Unsubscribe(unsubscribe("ann@example.com", list));
    let choice = |choice| preference("ann@example.com", "tips", choice);
    let counts = import_rows(
        &ledger,
        &[
            &[],
            &[ann(None), ann(Some("news"))],
            &[choice(Choice::Out)],
            // Added and unchanged: added. Unchanged both: unchanged.
            &[ann(None), ann(Some("offers"))],
            &[ann(None), ann(Some("news"))],
        ],
    );
    assert_eq!(outcome(counts), (3, 2, 0));
    assert_eq!((counts.read, counts.generation), (5, 1));
    let counts = import_rows(
        &ledger,
        &[
            &[],
            // Unchanged and held: held. Held and added: added.
            &[ann(None), choice(Choice::In)],
            &[choice(Choice::In), contact("1", "ann@example.com", None, None)],
            &[ann(None)],
        ],
    );
    assert_eq!(outcome(counts), (1, 2, 1));
    let counts = import_rows(&ledger, &[&[], &[ann(None), ann(Some("news"))], &[]]);
    assert_eq!(outcome(counts), (0, 3, 0));
    assert_eq!(counts.generation, 2, "nothing was added");
    assert_eq!(ledger.view().unwrap().imports().unwrap().len(), 3);
}

#[test]
fn a_row_of_several_records_counts_once_in_contacts_and_among_many_rows() {
    let ledger = ledger();
    let address = |row: usize| format!("p{row:04}@example.com");
    let rows: Vec<Vec<NativeRecord>> = (0..500)
        .map(|row| {
            let of = address(row);
            let id = row.to_string();
            vec![
                contact(&id, &of, Some(Flag::DoNotAllow), None),
                NativeRecord::Unsubscribe(unsubscribe(&of, None)),
                bounce(&of, None),
            ]
        })
        .collect();
    let rows: Vec<&[NativeRecord]> = rows.iter().map(Vec::as_slice).collect();
    assert_eq!(outcome(import_rows(&ledger, &rows)), (500, 0, 0));
    assert_eq!(outcome(import_rows(&ledger, &rows)), (0, 500, 0));
}
