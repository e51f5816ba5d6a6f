//! A store that can't be trusted gives no answer: exit 4, the cure, and no output file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::{Dice, Run, Sandbox, tree};

const RECIPIENTS: &str = "email\nann@example.com\nbob@example.com\nclear@example.com\n";

/// A store with a compiled index of two people who have left.
fn with_index() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "email\nann@example.com\nbob@example.com\n");
    sandbox.write("in.csv", RECIPIENTS);
    sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(0);
    sandbox.quell(["compile", "--full"]).expect(0);
    sandbox
}

fn filter(sandbox: &Sandbox, store: &str) -> Run {
    sandbox.quell(["--store", store, "filter", "in.csv", "-o", "out.csv"])
}

/// Two copies of a store that went different ways, and the index of one under the ledger of the other:
/// the positions of the two pasts have the same numbers and mean different changes.
#[test]
fn an_index_of_another_past_of_its_ledger_gives_no_answer() {
    let sandbox = with_index();
    sandbox.copy_store("store", "other");
    sandbox.quell(["unsubscribe", "somebody@example.com"]).expect(0);
    sandbox.quell(["compile"]).expect(0);
    for address in ["clear@example.com", "c@example.com", "d@example.com"] {
        sandbox.quell(["--store", "other", "unsubscribe", address]).expect(0);
    }
    fs::remove_dir_all(sandbox.path("other/index")).unwrap();
    fs::create_dir(sandbox.path("other/index")).unwrap();
    for (path, bytes) in tree(&sandbox.path("store/index")) {
        fs::write(sandbox.path("other/index").join(path.file_name().unwrap()), bytes).unwrap();
    }
    gives_no_answer(&sandbox, "other", "another past of the same ledger");
    sandbox.quell(["--store", "other", "compile"]).expect(4).says("quell compile --full");
    sandbox.quell(["--store", "other", "compile", "--full"]).expect(0);
    filter(&sandbox, "other").expect(0);
    assert_eq!(sandbox.read_text("out.csv"), "email\n");
}

/// Asserts that a store gives no answer at all, says how to go on, and that nothing is written.
fn gives_no_answer(sandbox: &Sandbox, store: &str, what: &str) {
    sandbox.write("out.csv", "an earlier batch\n");
    let run = filter(sandbox, store);
    assert_eq!(run.code, Some(4), "{what}: {}", run.stderr);
    assert!(
        run.stderr.contains("hint") || run.stderr.contains("quell "),
        "{what}: no cure in: {}",
        run.stderr
    );
    assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
    assert_eq!(sandbox.read_text("out.csv"), "an earlier batch\n", "{what}");
    fs::remove_file(sandbox.path("out.csv")).unwrap();
    let run = filter(sandbox, store);
    assert_eq!(run.code, Some(4), "{what}: {}", run.stderr);
    assert!(!sandbox.exists("out.csv"), "{what}");
    let run = sandbox.quell(["--store", store, "check", "clear@example.com"]);
    assert_eq!(run.code, Some(4), "{what}: check: {}", run.stderr);
}

fn index_files(store: &Path) -> Vec<PathBuf> {
    let files: Vec<_> = tree(&store.join("index"))
        .into_iter()
        .filter(|(path, bytes)| !bytes.is_empty() && !path.ends_with("lock"))
        .map(|(path, _)| path)
        .collect();
    assert!(!files.is_empty(), "an index has files");
    files
}

fn overwrite(path: &Path, bytes: &[u8]) {
    // Segments are read-only on purpose.
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "a file of this test, gone after it"
    )]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
    fs::write(path, bytes).unwrap();
}

/// An answer after damage is an error or the right one; a new *clear* is the one thing that must never come.
fn never_a_new_clear(sandbox: &Sandbox, store: &str, what: &str) {
    let run = filter(sandbox, store);
    assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
    match run.code {
        Some(0) => assert_eq!(sandbox.read_text("out.csv"), "email\nclear@example.com\n", "{what}"),
        Some(4) => assert!(!sandbox.exists("out.csv"), "{what}"),
        other => panic!("{what}: exit {other:?}: {}", run.stderr),
    }
    let _ = fs::remove_file(sandbox.path("out.csv"));
}

#[test]
fn one_changed_byte_in_the_index_is_an_error_or_changes_no_answer() {
    let sandbox = with_index();
    let mut dice = Dice::new("one changed byte");
    for file in index_files(&sandbox.path("store")) {
        let whole = fs::read(&file).unwrap();
        let mut places: Vec<usize> = (0..whole.len().min(64)).collect();
        places.extend((0..40).map(|_| usize::try_from(dice.below(whole.len() as u64)).unwrap()));
        places.push(whole.len() - 1);
        for place in places {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << dice.below(8);
            overwrite(&file, &damaged);
            never_a_new_clear(&sandbox, "store", &format!("{} byte {place}", file.display()));
        }
        overwrite(&file, &whole);
    }
    filter(&sandbox, "store").expect(0);
}

#[test]
fn a_truncated_index_file_is_an_error_or_changes_no_answer() {
    let sandbox = with_index();
    for file in index_files(&sandbox.path("store")) {
        let whole = fs::read(&file).unwrap();
        for length in [0, 1, 8, whole.len() / 2, whole.len() - 1] {
            overwrite(&file, &whole[..length]);
            never_a_new_clear(&sandbox, "store", &format!("{} cut to {length}", file.display()));
        }
        overwrite(&file, &whole);
    }
}

/// A block that the disk lost, in each file of the index, where blocks begin.
#[test]
fn a_zeroed_page_in_the_index_is_an_error_or_changes_no_answer() {
    let sandbox = with_index();
    for file in index_files(&sandbox.path("store")) {
        let whole = fs::read(&file).unwrap();
        for start in (0..whole.len()).step_by(4096) {
            let mut damaged = whole.clone();
            let end = (start + 4096).min(whole.len());
            damaged[start..end].fill(0);
            overwrite(&file, &damaged);
            let what = format!("{}: page at {start}", file.display());
            never_a_new_clear(&sandbox, "store", &what);
            if damaged != whole {
                sandbox.quell(["verify"]).expect_any(&[1, 4]);
            }
        }
        overwrite(&file, &whole);
    }
    sandbox.quell(["verify"]).expect(0);
}

/// A manifest put back: the index is the old one then and is brought up from the ledger, or its segments are gone.
#[test]
fn a_stale_manifest_gives_the_ledger_s_answer_or_none() {
    let sandbox = with_index();
    let manifest = sandbox.path("store/index/manifest");
    let stale = fs::read(&manifest).unwrap();
    // One change that waits in the feed, one that is a segment, and then a rebuild that takes the old ones away.
    for (number, compile) in
        [&["status"][..], &["compile"], &["compile", "--full"]].iter().enumerate()
    {
        let address = format!("later.{number}@example.com");
        sandbox.quell(["unsubscribe", &address]).expect(0);
        sandbox.quell(*compile).expect(0);
        overwrite(&manifest, &stale);
        sandbox.write("later.csv", format!("email\n{address}\nclear@example.com\n"));
        let run = sandbox.quell(["filter", "later.csv"]).expect_any(&[0, 4]);
        if run.code == Some(0) {
            assert_eq!(run.text(), "email\nclear@example.com\n", "{compile:?}");
        } else {
            run.says("quell compile --full");
        }
        never_a_new_clear(&sandbox, "store", &format!("a stale manifest after {compile:?}"));
    }
    sandbox.quell(["compile", "--full"]).expect(0);
    filter(&sandbox, "store").expect(0);
}

/// The whole key file of another store: its hashes find nobody, so it must never be asked.
#[test]
fn the_key_file_of_another_store_gives_no_answer_and_changes_nothing() {
    let sandbox = with_index();
    let other = Sandbox::new();
    let own = sandbox.read("store/secret.key");
    overwrite(&sandbox.path("store/secret.key"), &other.read("store/secret.key"));
    gives_no_answer(&sandbox, "store", "another store's key");
    // SQLite's own two files beside it come and go with who looks.
    let held = || {
        let mut files = tree(&sandbox.path("store"));
        files.retain(|(path, _)| !path.to_string_lossy().contains("ledger.db-"));
        files
    };
    let before = held();
    // Not even a rebuild: under the wrong key the index would be of no use to whoever has the right one.
    for arguments in [&["unsubscribe", "new@example.com"][..], &["compile", "--full"], &["verify"]]
    {
        sandbox.quell(arguments).expect_any(&[1, 4]);
        assert!(held() == before, "{arguments:?} changed the store");
    }
    overwrite(&sandbox.path("store/secret.key"), &own);
    filter(&sandbox, "store").expect(0);
    assert_eq!(sandbox.read_text("out.csv"), "email\nclear@example.com\n");
}

#[test]
fn a_missing_segment_or_manifest_gives_no_answer_and_a_full_compile_cures_it() {
    let sandbox = with_index();
    for file in index_files(&sandbox.path("store")) {
        if !file.exists() {
            // An earlier rebuild has replaced it.
            continue;
        }
        fs::remove_file(&file).unwrap();
        never_a_new_clear(&sandbox, "store", &format!("{} removed", file.display()));
        sandbox.quell(["compile", "--full"]).expect(0);
        filter(&sandbox, "store").expect(0);
        assert_eq!(sandbox.read_text("out.csv"), "email\nclear@example.com\n");
        fs::remove_file(sandbox.path("out.csv")).unwrap();
    }
}

#[test]
fn verify_finds_a_changed_byte_in_a_segment() {
    let sandbox = with_index();
    sandbox.quell(["verify"]).expect(0);
    let largest = index_files(&sandbox.path("store"))
        .into_iter()
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    overwrite(&largest, &bytes);
    sandbox.quell(["verify"]).expect_any(&[1, 4]);
    sandbox.quell(["compile", "--full"]).expect(0);
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn a_foreign_or_damaged_ledger_gives_no_answer() {
    for (what, content) in [
        ("text", b"this is not a database, whatever its name says".repeat(200)),
        ("nothing", Vec::new()),
        ("zeros", vec![0; 8192]),
    ] {
        let sandbox = with_index();
        for name in ["ledger.db-wal", "ledger.db-shm"] {
            let _ = fs::remove_file(sandbox.path("store").join(name));
        }
        overwrite(&sandbox.path("store/ledger.db"), &content);
        gives_no_answer(&sandbox, "store", what);
    }
}

#[test]
fn a_ledger_of_another_program_gives_no_answer() {
    let sandbox = with_index();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(sandbox.path("store").join(name));
    }
    let other = rusqlite::Connection::open(sandbox.path("store/ledger.db")).unwrap();
    other
        .execute_batch("CREATE TABLE shopping (item TEXT); INSERT INTO shopping VALUES ('milk')")
        .unwrap();
    drop(other);
    gives_no_answer(&sandbox, "store", "another program's database");
}

/// A newer quell has migrated the ledger: this one must not guess.
#[test]
fn a_ledger_of_a_newer_version_gives_no_answer() {
    let sandbox = with_index();
    let ledger = rusqlite::Connection::open(sandbox.path("store/ledger.db")).unwrap();
    let version: i64 = ledger.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    ledger.pragma_update(None, "user_version", version + 1000).unwrap();
    // The migration tool keeps its own history: a migration from the future stands there.
    let history: i64 = ledger
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE name = 'refinery_schema_history'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    if history == 1 {
        ledger
            .execute(
                "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (1000, 'from_the_future', '2030-01-01T00:00:00Z', '1')",
                [],
            )
            .unwrap();
    }
    drop(ledger);
    gives_no_answer(&sandbox, "store", "a newer ledger");
    sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(4);
}

#[test]
fn a_directory_that_is_no_store_gives_no_answer() {
    let sandbox = Sandbox::without_store();
    sandbox.write("in.csv", RECIPIENTS);
    fs::create_dir(sandbox.path("empty")).unwrap();
    fs::create_dir(sandbox.path("foreign")).unwrap();
    fs::write(sandbox.path("foreign/letters.txt"), "nothing of ours").unwrap();
    sandbox.write("file", "not a directory");
    for store in ["empty", "foreign", "file", "missing"] {
        gives_no_answer(&sandbox, store, store);
    }
    assert_eq!(fs::read_dir(sandbox.path("foreign")).unwrap().count(), 1, "nothing is put into it");
}

#[test]
fn an_index_of_another_store_gives_no_answer_or_the_right_one() {
    let sandbox = with_index();
    let other = Sandbox::new();
    other.quell(["unsubscribe", "someone.else@example.com"]).expect(0);
    other.quell(["compile", "--full"]).expect(0);
    fs::remove_dir_all(sandbox.path("store/index")).unwrap();
    fs::rename(other.path("store/index"), sandbox.path("store/index")).unwrap();
    never_a_new_clear(&sandbox, "store", "another store's index");
}

#[test]
fn a_lost_or_changed_secret_key_never_clears_anybody() {
    let sandbox = with_index();
    let key = sandbox.path("store/secret.key");
    let whole = fs::read(&key).unwrap();
    let mut changed = whole.clone();
    changed[0] = if changed[0] == b'0' { b'1' } else { b'0' };
    overwrite(&key, &changed);
    never_a_new_clear(&sandbox, "store", "another key");
    overwrite(&key, &whole[..whole.len() / 2]);
    never_a_new_clear(&sandbox, "store", "half a key");
    fs::remove_file(&key).unwrap();
    never_a_new_clear(&sandbox, "store", "no key");
}

/// The ledger restored from an older backup is behind its index: the index holds what the ledger never had.
#[test]
fn a_ledger_older_than_its_index_never_clears_anybody_it_holds() {
    let sandbox = with_index();
    sandbox.copy_store("store", "backup");
    sandbox
        .quell([
            "resubscribe",
            "ann@example.com",
            "--permission",
            "phone",
            "--evidence",
            "e",
            "--by",
            "b",
        ])
        .expect(0);
    sandbox.quell(["compile"]).expect(0);
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(sandbox.path("store").join(name));
        if sandbox.path("backup").join(name).exists() {
            fs::copy(sandbox.path("backup").join(name), sandbox.path("store").join(name)).unwrap();
        }
    }
    never_a_new_clear(&sandbox, "store", "an older ledger");
}

/// A ledger restored from a backup, under the index of its lost future: the changes made since would
/// take the numbers that the index believes it holds, and an opt-out acknowledged would not be seen.
#[test]
fn a_restored_ledger_takes_no_change_until_its_index_is_rebuilt() {
    let sandbox = with_index();
    sandbox.copy_store("store", "backup");
    sandbox.quell(["unsubscribe", "lost@example.com"]).expect(0);
    sandbox.quell(["compile"]).expect(0);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(sandbox.path(&format!("store/ledger.db{end}")));
    }
    fs::copy(sandbox.path("backup/ledger.db"), sandbox.path("store/ledger.db")).unwrap();
    let ledger = sandbox.read("store/ledger.db");
    sandbox.write("u.csv", "email\nnew@example.com\n");
    let permission = ["--permission", "form", "--evidence", "e", "--by", "me"];
    for arguments in [
        &["unsubscribe", "new@example.com"][..],
        &["import", "unsubscribes", "u.csv"],
        &[&["resubscribe", "ann@example.com"][..], &permission].concat(),
    ] {
        sandbox.quell(arguments).expect(4).says("quell compile --full");
        assert_eq!(sandbox.read("store/ledger.db"), ledger, "{arguments:?} changed the ledger");
    }
    sandbox.quell(["compile", "--full"]).expect(0);
    sandbox.quell(["unsubscribe", "new@example.com"]).expect(0);
    assert_eq!(sandbox.kept(&["new@example.com", "lost@example.com"], &[]), ["lost@example.com"]);
    sandbox.quell(["verify"]).expect(0);
}

/// What ends with 4 has changed nothing: nobody is lifted by a command that says it failed.
#[test]
fn without_an_index_no_change_is_made() {
    let sandbox = with_index();
    sandbox.copy_store("store", "broken");
    fs::remove_dir_all(sandbox.path("broken/index")).unwrap();
    let permission = ["--permission", "form", "--evidence", "e", "--by", "me"];
    for arguments in [
        &["unsubscribe", "new@example.com", "--store", "broken"][..],
        &[&["resubscribe", "ann@example.com", "--store", "broken"][..], &permission].concat(),
    ] {
        sandbox.quell(arguments).expect(4).says("quell compile --full");
    }
    sandbox.quell(["compile", "--full", "--store", "broken"]).expect(0);
    for address in ["ann@example.com", "new@example.com"] {
        let history = |store: &str| sandbox.quell(["history", address, "--store", store]).text();
        assert_eq!(history("broken"), history("store"));
    }
}
