//! Creating, opening, sharing and losing a ledger.

use super::*;
use crate::ErrorKind;
use crate::ledger::sqlite::connection::Settings;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    (directory, path)
}

fn open_impatiently(path: &Path) -> SqliteLedger {
    let settings = Settings { busy_timeout: Duration::from_millis(20), durable: true };
    SqliteLedger::open_with(path, settings, None).unwrap()
}

#[test]
fn what_was_recorded_is_there_after_reopening() {
    let (directory, path) = place();
    let ledger = SqliteLedger::create(&path, &identity(), at(7)).unwrap();
    let id = ledger.ledger_id().to_owned();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(8), None).unwrap();
    drop(ledger);
    let names: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["ledger.db"], "no log or draft is left beside it");
    let ledger = SqliteLedger::open(&path).unwrap();
    assert_eq!(ledger.ledger_id(), id);
    assert_eq!(id.len(), 32);
    assert_eq!(ledger.identity(), &identity());
    assert_eq!(ledger.created_at(), at(7));
    let view = ledger.view().unwrap();
    assert_eq!(view.position().generation, 1);
    assert_eq!(view.state_of(ANN).unwrap().unsubscribes.len(), 1);
}

#[test]
fn opening_a_current_ledger_writes_nothing() {
    let (_directory, path) = place();
    drop(SqliteLedger::create(&path, &identity(), at(0)).unwrap());
    let before = std::fs::read(&path).unwrap();
    drop(SqliteLedger::open(&path).unwrap());
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn a_ledger_is_never_created_over_something() {
    let (_directory, path) = place();
    std::fs::write(&path, "mine").unwrap();
    let error = SqliteLedger::create(&path, &identity(), at(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_newer_schema_is_refused_with_the_cure() {
    let (_directory, path) = place();
    drop(SqliteLedger::create(&path, &identity(), at(0)).unwrap());
    let raw = Connection::open(&path).unwrap();
    raw.execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         VALUES (6, 'later', '', '')",
        [],
    )
    .unwrap();
    drop(raw);
    let error = SqliteLedger::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert_eq!(error.to_string(), "ledger schema 6, this build reads up to 5");
    assert_eq!(error.hint(), Some("upgrade quell"));
}

#[test]
fn what_is_no_ledger_is_an_error() {
    let (_directory, path) = place();
    assert_eq!(SqliteLedger::open(&path).unwrap_err().kind(), ErrorKind::Untrusted);
    for content in [
        "",
        "not a database, but longer than a header of one hundred bytes is; and on \
                         and on and on and on and on and on",
    ] {
        std::fs::write(&path, content).unwrap();
        let error = SqliteLedger::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted);
        assert!(error.hint().unwrap().contains("docs/operations.md"), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = SqliteLedger::open(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ledger is damaged: the file is a database, but not a ledger"
    );
}

#[test]
fn a_damaged_page_is_an_error_or_the_same_answer_and_never_a_panic() {
    let (_directory, path) = place();
    let ledger = SqliteLedger::create(&path, &identity(), at(0)).unwrap();
    let rows: Vec<(Vec<u8>, NativeRecord)> = (0..2_000)
        .map(|number| (format!("{number:04}@example.com").into_bytes(), bounce("x@x.test", None)))
        .collect();
    let rows: Vec<(&[u8], NativeRecord)> =
        rows.iter().map(|(key, row)| (key.as_slice(), row.clone())).collect();
    import(&ledger, &rows, 1);
    drop(ledger);
    let sound = std::fs::read(&path).unwrap();
    let mut noticed = 0;
    for page in 0..sound.len() / 4_096 {
        let mut bytes = sound.clone();
        bytes[page * 4_096..page * 4_096 + 64].fill(0xa5);
        std::fs::write(&path, &bytes).unwrap();
        let scan = || -> crate::Result<usize> {
            let ledger = SqliteLedger::open(&path)?;
            let view = ledger.view()?;
            let mut keys = 0;
            view.for_each_key(&mut |_| {
                keys += 1;
                Ok(())
            })?;
            view.history(b"0001@example.com")?;
            Ok(keys)
        };
        match scan() {
            Ok(keys) => assert_eq!(keys, 2_000),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Untrusted);
                noticed += 1;
            }
        }
    }
    assert!(noticed > 10, "{noticed}");
}

#[test]
fn an_unknown_code_is_an_error_and_never_read_as_clear() {
    let ledger = ledger();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None).unwrap();
    ledger.pool.take().unwrap().execute_batch(
            "UPDATE unsubscribe SET class = 7, sum = quell_sum(2, key, list, address, state, 7, at, \
             source, import_id, recorded_at)",
        ).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(view.state_of(ANN).unwrap_err().kind(), ErrorKind::Untrusted);
    let scan = view.for_each_key(&mut |_| Ok(()));
    assert_eq!(scan.unwrap_err().to_string(), "the ledger is damaged: class 7 is unknown");
}

#[test]
fn events_can_be_neither_changed_nor_deleted() {
    let ledger = ledger();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None).unwrap();
    let raw = ledger.pool.take().unwrap();
    for sql in ["UPDATE event SET kind = 'x'", "DELETE FROM event"] {
        let error = raw.execute(sql, []).unwrap_err();
        assert_eq!(error.to_string(), "events are append-only");
    }
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let (_directory, path) = place();
    let first = SqliteLedger::create(&path, &identity(), at(0)).unwrap();
    let second = SqliteLedger::open(&path).unwrap();
    std::thread::scope(|scope| {
        for (ledger, name) in [(&first, "a"), (&first, "b"), (&second, "c"), (&second, "d")] {
            scope.spawn(move || {
                for number in 0..10 {
                    let key = format!("{name}{number}@example.com");
                    let record = unsubscribe(&key, None);
                    let applied = ledger.unsubscribe(key.as_bytes(), &record, at(1), None);
                    assert!(applied.unwrap().changed);
                }
            });
        }
    });
    let view = first.view().unwrap();
    assert_eq!(view.position().generation, 40, "one a change, none lost, none shared");
    assert_eq!(view.counts().unwrap().unsubscribes, 40);
}

#[test]
fn a_writer_that_waited_long_enough_says_why() {
    let (_directory, path) = place();
    drop(SqliteLedger::create(&path, &identity(), at(0)).unwrap());
    let ledger = open_impatiently(&path);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let record = unsubscribe("ann@example.com", None);
    let error = ledger.unsubscribe(ANN, &record, at(1), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert_eq!(error.to_string(), "the ledger is locked by another writer");
    assert!(ledger.view().unwrap().state_of(ANN).unwrap().is_empty(), "readers don't wait");
    raw.execute_batch("ROLLBACK").unwrap();
    assert!(ledger.unsubscribe(ANN, &record, at(2), None).unwrap().changed);
}
