//! The change feed.

use super::*;

#[test]
fn a_reader_at_the_end_has_nothing_to_do() {
    let ledger = ledger();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None).unwrap();
    let view = ledger.view().unwrap();
    let end = view.position().cursor;
    assert_eq!(feed(&*view, end), Some(BTreeSet::new()));
    assert_eq!(view.change_count_after(end, 100).unwrap(), 0);
    assert_eq!(view.change_count_after(Cursor::START, 100).unwrap(), 1);
    assert_eq!(view.change_count_after(Cursor::START, 0).unwrap(), 0);
}

#[test]
fn a_key_changed_twice_is_named_once() {
    let ledger = ledger();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None).unwrap();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", Some("news")), at(2), None).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(
        feed(&*view, Cursor::START).unwrap(),
        [("address".into(), ANN.to_vec()), ("list news".into(), ANN.to_vec())].into()
    );
}

/// An index is ahead of a ledger that was restored from a backup: it can't know which of its keys
/// the backup has not.
#[test]
fn a_cursor_beyond_the_end_means_everything() {
    let ledger = ledger();
    let view = ledger.view().unwrap();
    assert_eq!(feed(&*view, Cursor::from_u64(1)), None);
    assert_eq!(view.change_count_after(Cursor::from_u64(1), 7).unwrap(), 7);
}

/// Contacts, because a huge import of them also makes their index anew.
#[test]
fn a_huge_import_says_everything_once() {
    let ledger = ledger();
    let source = ImportSource { name: "big.csv".into(), format: "native".into() };
    let rows = 200_000_u32;
    let mut session = ledger.import_session(Kind::Contacts, source, at(1)).unwrap();
    for number in 0..rows {
        let address = format!("{number}@example.com");
        let row = contact(&format!("c{}", number ^ 0x2_aaaa), &address, None, None);
        session.push(address.as_bytes(), &row).unwrap();
    }
    let counts = session.apply(rows.into(), 0, "00").unwrap();
    assert_eq!(counts.added, u64::from(rows));
    let view = ledger.view().unwrap();
    assert_eq!(feed(&*view, Cursor::START), None);
    assert_eq!(view.position().cursor.as_u64(), 1, "one row, not one a key");
    assert_eq!(view.counts().unwrap().contacts, u64::from(rows));
    assert_eq!(view.contact_flags("c7").unwrap().unwrap().address, "174765@example.com");
    assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
    let end = view.position().cursor;
    drop(view);
    let indexed = "SELECT 1 FROM sqlite_schema WHERE name = 'contact_by_id'";
    assert!(ledger.pool.take().unwrap().prepare(indexed).unwrap().exists([]).unwrap());
    import(&ledger, &[(ANN, bounce("ann@example.com", None))], 2);
    let view = ledger.view().unwrap();
    assert_eq!(feed(&*view, end), Some([("address".into(), ANN.to_vec())].into()));
}

/// The feed of an import that proves huge on the way forgets the keys it has named.
#[test]
fn a_feed_over_its_limit_turns_into_everything() {
    let ledger = ledger();
    let before = ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None);
    assert!(before.unwrap().changed);
    let end = ledger.view().unwrap().position().cursor;
    let writer = super::super::write::Writer::begin(&ledger, "test", at(2)).unwrap();
    writer.limit_feed(2);
    for key in [b"a", b"b", b"c", b"d"] {
        writer.touch(Change::Address(key)).unwrap();
    }
    writer.commit().unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(feed(&*view, end), None);
    assert_eq!(view.change_count_after(view.position().cursor, 9).unwrap(), 0);
    assert!(feed(&*view, view.position().cursor).unwrap().is_empty());
}
