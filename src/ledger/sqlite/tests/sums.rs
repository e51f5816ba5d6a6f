//! Rows that are not as they were written.

use super::*;
use crate::ErrorKind;
use crate::ledger::sqlite::schema::create_earlier;
use crate::ledger::sqlite::sums::TABLES;
use crate::ledger::{Trail, Withheld};
use crate::record::{Blocks, Reason};
use rusqlite::Connection;

/// Every kind of record, some of it changed since, and a former row of a contact.
fn filled() -> SqliteLedger {
    let ledger = ledger();
    let rule = NativeRecord::Domain(crate::record::DomainRule {
        domain: "example.org".into(),
        subdomains: false,
        at: None,
        source: Some("legal".into()),
    });
    let digest = NativeRecord::Digest(crate::record::Digest {
        algorithm: crate::record::Algorithm::Md5,
        digest: vec![7; 16],
        list: None,
        class: RecordClass::Bulk,
        source: None,
        at: None,
    });
    import(
        &ledger,
        &[
            (ANN, contact("c1", "Ann@example.com", Some(Flag::DoNotAllow), None)),
            (b"ben@example.com", contact("c2", "ben@example.com", None, None)),
            (ANN, preference("ann@example.com", "news", Choice::In)),
            (ANN, bounce("ann@example.com", Some(7))),
            (b"example.org", rule.clone()),
            (&[7; 16], digest.clone()),
        ],
        1,
    );
    ledger.unsubscribe(ANN, &unsubscribe("Ann@example.com", Some("news")), at(2), None).unwrap();
    ledger.unsubscribe(b"ben@example.com", &unsubscribe("", None), at(3), None).unwrap();
    let wider = |record| match record {
        NativeRecord::Domain(rule) => {
            NativeRecord::Domain(crate::record::DomainRule { subdomains: true, ..rule })
        }
        NativeRecord::Digest(digest) => {
            NativeRecord::Digest(crate::record::Digest { class: RecordClass::All, ..digest })
        }
        other => other,
    };
    let counts = import(
        &ledger,
        &[
            (b"cat@example.com", contact("c2", "cat@example.com", None, None)),
            (ANN, preference("Ann@example.com", "news", Choice::Out)),
            (ANN, bounce("ann@example.com", Some(9))),
            (b"example.org", wider(rule)),
            (&[7; 16], wider(digest)),
        ],
        4,
    );
    assert_eq!(counts.added, 5);
    ledger
}

/// Reads every record in every way there is.
fn read_all(ledger: &SqliteLedger) -> crate::error::Result<()> {
    let view = ledger.view()?;
    for kind in Kind::ALL {
        view.export(kind, &mut |_, _| Ok(()))?;
    }
    Ok(())
}

fn scan_all(ledger: &SqliteLedger) -> crate::error::Result<()> {
    let view = ledger.view()?;
    view.for_each_key(&mut |_| Ok(()))?;
    view.for_each_contact(&mut |_, _| Ok(()))?;
    view.for_each_rule(&mut |_, _| Ok(()))?;
    view.for_each_digest(&mut |_| Ok(()))
}

fn columns(connection: &Connection, table: &str) -> Vec<(String, String)> {
    let sql = format!("SELECT name, type FROM pragma_table_info('{table}')");
    let mut statement = connection.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_change_of_any_column_of_any_row_is_an_error_and_never_another_answer() {
    let ledger = filled();
    read_all(&ledger).unwrap();
    scan_all(&ledger).unwrap();
    let raw = ledger.pool.take().unwrap();
    for (_, table, _) in TABLES {
        let rows: i64 =
            raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(rows > 0, "{table}");
        for (column, of_type) in columns(&raw, table) {
            let other = match of_type.as_str() {
                "INTEGER" => format!("ifnull({column}, 40) + 1"),
                "TEXT" => format!("ifnull({column}, '') || 'x'"),
                _ => "randomblob(length(key))".to_owned(),
            };
            let ledger = filled();
            let raw = ledger.pool.take().unwrap();
            // One row of several, so that keys stay unique.
            let first = format!("SELECT key FROM {table} LIMIT 1");
            let key: Vec<u8> = raw.query_row(&first, [], |row| row.get(0)).unwrap();
            raw.execute(&format!("UPDATE {table} SET {column} = {other} WHERE key = ?1"), [&key])
                .unwrap();
            drop(raw);
            for error in [read_all(&ledger).unwrap_err(), scan_all(&ledger).unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Untrusted);
                let told = error.to_string();
                assert!(told.contains(&format!("table {table} (")), "{table}.{column}: {told}");
            }
        }
    }
}

#[test]
fn a_row_without_its_sum_is_an_error() {
    for (_, table, _) in TABLES {
        let ledger = filled();
        ledger.pool.take().unwrap().execute(&format!("UPDATE {table} SET sum = NULL"), []).unwrap();
        for error in [read_all(&ledger).unwrap_err(), scan_all(&ledger).unwrap_err()] {
            assert!(error.to_string().contains(&format!("table {table}")), "{error}");
        }
    }
}

/// A change of an earlier version may have lifted a block: its row must not say that none was.
#[test]
fn the_feed_of_an_earlier_schema_does_not_say_what_became_of_its_keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    create_earlier(&path, 2, &identity()).unwrap();
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(
        "INSERT INTO generation (at, cause) VALUES (1, 'resubscribe'); \
         INSERT INTO change (generation, space, key, scope) \
         VALUES (1, 0, CAST('ann@example.com' AS BLOB), '');",
    )
    .unwrap();
    drop(raw);
    let ledger = SqliteLedger::open(&path).unwrap();
    let denied = Withheld::new(Blocks::of(Reason::Manual, None), Blocks::of(Reason::Manual, None));
    let mut seen = 0;
    let each = &mut |_: Change<'_>, trail: &Trail| {
        assert!(trail.leads(denied, Withheld::default()));
        seen += 1;
        Ok(())
    };
    ledger.view().unwrap().changes_after(Cursor::START, each).unwrap();
    assert_eq!(seen, 1);
}
