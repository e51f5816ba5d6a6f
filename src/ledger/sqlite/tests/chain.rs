//! The history as a chain: whatever is changed in the file is found, and named.

use super::*;
use crate::ledger::sqlite::chain;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;

/// The file of a ledger with six events of all sorts.
static STORY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let ledger = SqliteLedger::create(&path, &identity(), at(0)).unwrap();
    ledger.unsubscribe(ANN, &unsubscribe("ann@example.com", None), at(1), None).unwrap();
    import(&ledger, &[(ANN, bounce("ann@example.com", Some(9)))], 2);
    import(&ledger, &[(ANN, bounce("ann@example.com", None))], 3);
    ledger.resubscribe(ANN, "ann@example.com", &request(true, &[]), at(4)).unwrap();
    // It lifts nothing: kept all the same, under the generation before.
    ledger.resubscribe(ANN, "ann@example.com", &request(true, &[]), at(5)).unwrap();
    // The last connection empties the log into the file.
    drop(ledger);
    std::fs::read(&path).unwrap()
});

fn story() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    std::fs::write(&path, &*STORY).unwrap();
    (directory, path)
}

/// Changes the file as somebody who can write it may, and says what is found then.
fn faults_after(sql: &str) -> Vec<String> {
    let (_directory, path) = story();
    let raw = Connection::open(&path).unwrap();
    raw.pragma_update(None, "synchronous", "OFF").unwrap();
    raw.execute_batch("DROP TRIGGER event_is_never_updated; DROP TRIGGER event_is_never_deleted")
        .unwrap();
    raw.execute_batch(sql).unwrap();
    drop(raw);
    // As the checks of everything say it, among what they find besides.
    let ledger = SqliteLedger::open(&path).unwrap();
    let all = ledger.view().map(|view| view.integrity_check().unwrap());
    let faults = chain::check(&Connection::open(&path).unwrap()).unwrap();
    // Without its last generation a ledger gives no view at all.
    let Ok(all) = all else { return faults };
    assert!(faults.iter().all(|fault| all.contains(fault)), "{faults:?} in {all:?}");
    faults
}

#[test]
fn a_history_that_nobody_touched_is_sound() {
    assert_eq!(faults_after(""), Vec::<String>::new());
    let (_directory, path) = story();
    let ledger = SqliteLedger::open(&path).unwrap();
    assert_eq!(ledger.view().unwrap().chain_head().unwrap().events, 6);
}

#[test]
fn every_changed_column_of_every_event_is_found_and_its_event_named() {
    for event in 1..=6 {
        for (column, changed) in [
            ("at", "at + 1"),
            ("generation", "generation + 1"),
            ("kind", "'changed '"),
            ("kind", "'erased'"),
            ("key", "CAST(key || x'20' AS BLOB)"),
            ("detail", "detail || ' '"),
            ("salt", "zeroblob(16)"),
            ("content", "zeroblob(32)"),
            ("content", "x''"),
            ("link", "zeroblob(32)"),
            ("detail", "''"),
            ("salt", "x''"),
        ] {
            let sql = format!("UPDATE event SET {column} = {changed} WHERE id = {event}");
            let faults = faults_after(&sql);
            assert_eq!(faults.len(), 1, "{sql}: {faults:?}");
            assert!(
                faults[0].contains(&format!("event {event}:"))
                    || faults[0].contains(&format!("event {event} ")),
                "{sql}: {faults:?}"
            );
        }
    }
}

/// The way an erasure does it, without the erasure.
#[test]
fn an_event_that_was_blanked_by_nobody_is_found() {
    for event in 1..=6 {
        let sql =
            format!("UPDATE event SET detail = '', salt = x'', key = x'00' WHERE id = {event}");
        let faults = faults_after(&sql);
        let want =
            format!("event {event}: its content is gone, and no erasure says that it took it");
        assert_eq!(faults[0], want, "{faults:?}");
    }
}

#[test]
fn an_event_that_an_erasure_names_may_be_blank() {
    let (_directory, path) = story();
    let ledger = SqliteLedger::open(&path).unwrap();
    let pseudonym = b"\0hash of sixteen!";
    let erase = |detail: serde_json::Value| {
        let writer = crate::ledger::sqlite::write::Writer::begin(&ledger, "erase", at(6)).unwrap();
        writer.event(crate::ledger::EventKind::Erased, pseudonym, &detail).unwrap();
        writer.commit().unwrap();
    };
    erase(serde_json::json!({"by": "desk", "reason": "asked for", "events": [1, 5]}));
    let raw = Connection::open(&path).unwrap();
    // What the trigger lets through is what an erasure does.
    let blank = |event: u32, key: &[u8]| {
        let sql = "UPDATE event SET detail = '', salt = x'', key = ?2 WHERE id = ?1";
        raw.execute(sql, rusqlite::params![event, key]).unwrap();
    };
    blank(1, pseudonym);
    blank(5, pseudonym);
    let faults = || chain::check(&raw).unwrap();
    assert_eq!(faults(), Vec::<String>::new());
    let gone = |event| {
        [format!("event {event}: its content is gone, and no erasure says that it took it")]
    };
    blank(5, b"\0another hash of 16");
    assert_eq!(faults(), gone(5), "an erasure of another address");
    blank(5, pseudonym);
    blank(3, pseudonym);
    assert_eq!(faults(), gone(3), "named by no erasure");
    // An erasure can't name what comes after it, nor itself.
    erase(serde_json::json!({"by": "desk", "reason": "asked for", "events": [3, 8]}));
    assert_eq!(faults(), Vec::<String>::new());
    blank(8, pseudonym);
    assert_eq!(faults().len(), 1);
}

#[test]
fn every_event_that_is_removed_or_moved_is_found() {
    for event in 1..=6 {
        let faults = faults_after(&format!("DELETE FROM event WHERE id = {event}"));
        assert!(faults[0].starts_with(&format!("event {event} is missing")), "{faults:?}");
        let closed = format!(
            "DELETE FROM event WHERE id = {event}; UPDATE event SET id = id - 1 WHERE id > {event}"
        );
        assert!(!faults_after(&closed).is_empty(), "{closed}");
        for other in event + 1..=6 {
            let sql = format!(
                "UPDATE event SET id = -1 WHERE id = {event}; \
                 UPDATE event SET id = {event} WHERE id = {other}; \
                 UPDATE event SET id = {other} WHERE id = -1"
            );
            let faults = faults_after(&sql);
            assert!(faults[0].starts_with(&format!("event {event}: ")), "{sql}: {faults:?}");
        }
    }
    // The last one, and with it that there was one: what it did is missing still.
    let last =
        "DELETE FROM event WHERE id >= 5; UPDATE sqlite_sequence SET seq = 4 WHERE name = 'event'";
    assert_eq!(faults_after(last), ["generation 4 has no event"]);
}

#[test]
fn an_event_that_was_added_by_hand_is_found() {
    let columns = "at, generation, kind, key, detail, salt, content, link";
    for like in 1..=6 {
        let faults = faults_after(&format!(
            "INSERT INTO event ({columns}) SELECT {columns} FROM event WHERE id = {like}"
        ));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("event 7: "), "{faults:?}");
        let between = format!(
            "UPDATE event SET id = -id WHERE id > {like}; \
             INSERT INTO event (id, {columns}) SELECT {like} + 1, {columns} FROM event WHERE id = {like}; \
             UPDATE event SET id = 1 - id WHERE id < 0"
        );
        assert!(!faults_after(&between).is_empty(), "{between}");
    }
}

/// By the times of generations and by the generations of imports the ledger is asked how it was.
#[test]
fn generations_and_imports_are_what_their_events_say() {
    for (sql, fault) in [
        (
            "UPDATE generation SET at = at + 1 WHERE id = 2",
            "generation 2: its events are of another time",
        ),
        ("DELETE FROM generation WHERE id = 4", "generation 4 is missing: it has events"),
        (
            "UPDATE import SET generation = 3 WHERE id = 1",
            "import 1 is not what its event says, or has none",
        ),
        (
            "UPDATE import SET at = 0 WHERE id = 2",
            "import 2 is not what its event says, or has none",
        ),
        (
            "UPDATE import SET name = 'x' WHERE id = 2",
            "import 2 is not what its event says, or has none",
        ),
        (
            "UPDATE import SET sha256 = '01' WHERE id = 1",
            "import 1 is not what its event says, or has none",
        ),
        (
            "UPDATE import SET held = 1 WHERE id = 1",
            "import 1 is not what its event says, or has none",
        ),
        ("DELETE FROM import WHERE id = 2", "an import is missing of which an event tells"),
        (
            "DELETE FROM meta WHERE name = 'linked_generation'",
            "the ledger does not say where its chain begins",
        ),
    ] {
        assert_eq!(faults_after(sql), [fault], "{sql}");
    }
}
