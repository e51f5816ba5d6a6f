//! Erasure, seen from outside: no byte of the person is left in the store, and no mail gets through.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::sandbox::{Dice, Run, Sandbox, root, tree};

const ZOE: &str = "zoe.quillfeather@example.com";
const CONTACTS: &str = "contact_id,email,bulk_email,email_allowed\n\
    crm-zq-77,Zoe.Quillfeather@Example.com,Do Not Allow,Allow\n\
    crm-zq-78,ZOE.QUILLFEATHER@example.com,Allow,Do Not Allow\n\
    crm-zq-79,zoe.quillfeather@example.com,,\n";
const UNSUBSCRIBES: &str = "email,list,state,source\n\
    mailto:zoe.quillfeather@example.com,,inactive,form of Zoe.Quillfeather\n\
    Zoe.Quillfeather@EXAMPLE.COM,news,active,\n";
const PREFERENCES: &str =
    "email,list,preference\n\"Zoe Quill <zoe.quillfeather@example.com>\",offers,Out\n";
const SUPPRESSIONS: &str = "email,reason,class,expires_at\n\
    zoe.Quillfeather@example.com,bounce,bulk,2999-01-01\n zoe.quillfeather@example.com ,complaint,,\n";

/// Every kind of file that names her, each in spellings of its own.
const FILES: [(&str, &str); 4] = [
    ("contacts", CONTACTS),
    ("unsubscribes", UNSUBSCRIBES),
    ("preferences", PREFERENCES),
    ("suppressions", SUPPRESSIONS),
];

fn erase(sandbox: &Sandbox, address: &str) -> Run {
    sandbox.quell(["erase", address, "--by", "privacy", "--reason", "request 4711"])
}

fn resubscribe(sandbox: &Sandbox, address: &str, options: &[&str]) -> Run {
    let mut arguments = vec!["resubscribe", address, "--permission", "form"];
    arguments.extend(["--evidence", "form 12 of 3 May", "--by", "support"]);
    arguments.extend(options);
    sandbox.quell(arguments)
}

fn import_all(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    let import = |(kind, content): &(&str, &str)| {
        let file = format!("{kind}.csv");
        sandbox.write(&file, content);
        sandbox.quell(["import", "--json", kind, &file]).expect(0).json()
    };
    FILES.iter().map(import).collect()
}

/// A store in which she has everything, among others; written in an order that splits the ledger's pages.
fn store_with_zoe() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut dice = Dice::new("others");
    for round in 0..4 {
        let mut text = String::from("email,source\n");
        for _ in 0..300 {
            let name = ["ada", "mel", "zoe", "zz"][usize::try_from(dice.below(4)).unwrap()];
            let number = dice.below(1 << 40);
            text.push_str(&format!("{name}.{number}@example.com,a file of {number}\n"));
        }
        sandbox.write("others.csv", &text);
        sandbox.quell(["import", "unsubscribes", "others.csv"]).expect(0);
        if round == 1 {
            import_all(&sandbox);
        }
    }
    sandbox.quell(["unsubscribe", "Zoe.Quillfeather@example.COM", "--source", "call"]).expect(0);
    resubscribe(&sandbox, "\"zoe.quillfeather\"@example.com", &["--list", "news"]).expect(0);
    import_all(&sandbox);
    sandbox
}

/// The files of the store that hold a word, whatever its case.
fn files_with(store: &Path, word: &str) -> Vec<String> {
    let word = word.to_lowercase().into_bytes();
    let holds = |bytes: &[u8]| {
        let bytes = bytes.to_ascii_lowercase();
        bytes.windows(word.len()).any(|window| window == word)
    };
    let files = tree(store).into_iter().filter(|(_, bytes)| holds(bytes));
    files.map(|(path, _)| path.display().to_string()).collect()
}

#[track_caller]
fn no_trace(sandbox: &Sandbox) {
    for word in ["quillfeather", "crm-zq"] {
        assert_eq!(files_with(&sandbox.path("store"), word), [""; 0], "{word}");
    }
}

/// Whatever is asked, she is withheld, by one cause.
#[track_caller]
fn stays_suppressed(sandbox: &Sandbox) {
    for options in
        [&[][..], &["--class", "transactional"], &["--list", "news"], &["--list", "else"]]
    {
        for spelling in [ZOE, "Zoe.Quillfeather@EXAMPLE.com"] {
            assert_eq!(sandbox.reasons(spelling, options), ["manual"], "{options:?}");
            assert_eq!(sandbox.kept(&[spelling], options), [""; 0], "{options:?}");
        }
    }
    let answer = sandbox.quell(["check", "--json", ZOE]).expect(1).json();
    let cause = &answer[0]["reasons"][0];
    assert_eq!((&cause["scope"], &cause["class"]), (&"global".into(), &"all".into()));
    assert_eq!(cause["source"], "erased");
    assert!(cause["since"].as_str().unwrap().starts_with("20"));

    let ndjson = format!("{{\"email\":\"{ZOE}\"}}\n");
    let kept = sandbox.quell_reading(["filter", "--format", "ndjson"], ndjson.as_bytes()).expect(0);
    assert_eq!(kept.text(), "");
    let batch = format!("email\nother@example.org\n{ZOE}\nother@example.org\n{ZOE}\n");
    let kept = sandbox.quell_reading(["filter", "--dedupe"], batch.as_bytes()).expect(0);
    assert_eq!(kept.text(), "email\nother@example.org\n");
}

/// The flags that the contacts had withhold by their ids, at any address.
#[track_caller]
fn contacts_stay_denied(sandbox: &Sandbox) {
    let by_id = |id: &str, class: &str| {
        let batch = format!("email,id\nother@example.org,{id}\n");
        let options = ["filter", "--contact-column", "id", "--class", class];
        let kept = sandbox.quell_reading(options, batch.as_bytes()).expect(0).text();
        let options = ["--contact", id, "--class", class];
        assert_eq!(sandbox.reasons("other@example.org", &options).is_empty(), kept != "email,id\n");
        kept != "email,id\n"
    };
    assert!(!by_id("crm-zq-77", "bulk") && by_id("crm-zq-77", "transactional"));
    assert!(!by_id("crm-zq-78", "bulk") && !by_id("crm-zq-78", "transactional"));
    assert!(by_id("crm-zq-80", "bulk"), "a contact that nobody denied");
}

/// No command prints what it was not told.
#[track_caller]
fn shown_nowhere(sandbox: &Sandbox) {
    let shows = |arguments: &[&str]| {
        let run = sandbox.quell(arguments.iter().copied()).expect(0);
        let text = run.text().to_lowercase();
        assert!(!text.contains("quillfeather"), "{arguments:?}: {text}");
        assert!(!text.contains("crm-zq"), "{arguments:?}: {text}");
        run
    };
    assert_eq!(shows(&["search", "zoe.q*", "--json"]).json(), serde_json::json!([]));
    shows(&["search", "*"]);
    shows(&["search", ZOE]).says("erased");
    shows(&["history", ZOE]);
    let history = shows(&["history", ZOE, "--json"]).json();
    let erasures: Vec<_> =
        history.as_array().unwrap().iter().filter(|entry| entry["event"] == "erased").collect();
    assert_eq!(erasures.len(), 1);
    assert_eq!(erasures[0]["detail"]["by"], "privacy");
    assert!(history.as_array().unwrap().iter().any(|entry| entry["detail"].is_null()));
    shows(&["export"]).says("1 erased address");
    shows(&["export", "--hashed", "sha256"]).says("1 erased address");
    for (kind, _) in FILES {
        shows(&["export", kind]);
    }
    sandbox.write("near.csv", "email\nzoe.quillfeathr@example.com\n");
    sandbox.quell(["filter", "near.csv", "-o", "kept.csv", "--near-miss", "misses.csv"]).expect(0);
    assert!(!sandbox.read_text("misses.csv").contains("quillfeather"));
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    assert_eq!(status["erased"], 1);
}

#[test]
fn no_byte_of_an_erased_person_is_left_and_nothing_is_sent_to_her() {
    let sandbox = store_with_zoe();
    assert_ne!(files_with(&sandbox.path("store"), "quillfeather"), [""; 0]);
    let records = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    let done = erase(&sandbox, "Zoe.Quillfeather@example.com").expect(0);
    assert!(!done.text().to_lowercase().contains("quillfeather"), "{}", done.text());
    let left = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    assert_eq!(left["contacts"], 0);
    assert_eq!(left["unsubscribes"], 1_200);
    assert_ne!(left, records);
    for round in 0..3 {
        no_trace(&sandbox);
        stays_suppressed(&sandbox);
        contacts_stay_denied(&sandbox);
        shown_nowhere(&sandbox);
        sandbox.quell(["verify"]).expect(0);
        match round {
            0 => {
                for counts in import_all(&sandbox) {
                    assert_eq!(counts["added"], 0, "{counts}");
                    assert_eq!(counts["read"], counts["unchanged"], "{counts}");
                }
            }
            1 => {
                sandbox.quell(["unsubscribe", ZOE, "--source", "Zoe Quillfeather"]).expect(0);
                let list = ["unsubscribe", "Zoe.Quillfeather@Example.com", "--list", "else"];
                sandbox.quell(list).expect(0);
                sandbox.quell(["compile", "--full"]).expect(0);
                erase(&sandbox, ZOE).expect(0);
            }
            _ => {}
        }
    }
    // The others are untouched.
    assert_eq!(sandbox.quell(["status", "--json"]).expect(0).json()["records"], left);
}

#[test]
fn an_erasure_is_lifted_only_by_name_and_then_everything_blocks_as_before() {
    let sandbox = store_with_zoe();
    let all = |sandbox: &Sandbox| {
        let lists = ["--list", "news", "--list", "offers"];
        (sandbox.reasons(ZOE, &lists), sandbox.reasons(ZOE, &["--class", "transactional"]))
    };
    let before = all(&sandbox);
    erase(&sandbox, ZOE).expect(0);
    let state = tree(&sandbox.path("store"));
    resubscribe(&sandbox, ZOE, &[]).expect(5).says("erased at").says("--include manual");
    resubscribe(&sandbox, ZOE, &["--all-lists", "--include", "bounce,complaint"]).expect(5);
    assert!(state == tree(&sandbox.path("store")), "a refusal changes nothing");

    let done = resubscribe(&sandbox, ZOE, &["--list", "other", "--include", "manual"]).expect(0);
    assert!(done.text().contains("lifted the erasure"), "{}", done.text());
    for reason in ["bounce", "complaint", "unsubscribed", "opted_out", "denied"] {
        assert!(done.text().contains(reason), "{reason}: {}", done.text());
    }
    assert_eq!(all(&sandbox), before, "what blocked before blocks again");
    contacts_stay_denied(&sandbox);
    sandbox.quell(["verify"]).expect(0);
    sandbox.quell(["compile", "--full"]).expect(0);
    assert_eq!(all(&sandbox), before);
    assert_eq!(sandbox.quell(["status", "--json"]).expect(0).json()["erased"], 0);

    resubscribe(&sandbox, ZOE, &["--all-lists", "--include", "bounce,complaint"]).expect(0);
    assert_eq!(all(&sandbox), (vec![], vec![]));
    assert_eq!(sandbox.reasons("other@example.org", &["--contact", "crm-zq-78"]), [""; 0]);
    sandbox.quell(["verify"]).expect(0);
    // Erased again, it is the same as the first time, aliases and all.
    sandbox.quell(["unsubscribe", ZOE]).expect(0);
    erase(&sandbox, ZOE).expect(0);
    no_trace(&sandbox);
    stays_suppressed(&sandbox);
    assert_eq!(
        sandbox.reasons("other@example.org", &["--contact", "crm-zq-79"]),
        ["bulk_email_denied"]
    );
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn an_address_that_nobody_knows_is_suppressed_by_its_erasure() {
    let sandbox = Sandbox::new();
    erase(&sandbox, ZOE).expect(0);
    stays_suppressed(&sandbox);
    no_trace(&sandbox);
    let again = erase(&sandbox, ZOE).expect(0);
    assert!(again.text().starts_with("was erased already"), "{}", again.text());
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn an_erasure_needs_who_and_why_and_keeps_no_address_in_them() {
    let sandbox = store_with_zoe();
    let before = tree(&sandbox.path("store"));
    let mut quoted = vec!["erase", ZOE, "--by", "privacy"];
    quoted.extend(["--reason", "mail of Zoe.Quillfeather@example.com of 3 May"]);
    for (arguments, words) in [
        (vec!["erase", ZOE], "--by and --reason missing"),
        (vec!["erase", ZOE, "--by", "privacy"], "--reason missing"),
        (vec!["erase", ZOE, "--by", " ", "--reason", "request"], "--by missing"),
        (quoted, "holds the address itself"),
    ] {
        sandbox.quell(arguments).expect(5).says(words);
    }
    sandbox.quell(["erase", "nobody", "--by", "b", "--reason", "r"]).expect(2);
    assert!(before == tree(&sandbox.path("store")), "a refusal changes nothing");
    assert_eq!(sandbox.reasons(ZOE, &[]).first().unwrap(), "email_denied");
}

/// A contact of an erased address that has another one now takes its flags along, and leaves them where it was.
#[test]
fn a_contact_that_moves_away_from_an_erased_address_stays_denied() {
    let sandbox = Sandbox::new();
    import_all(&sandbox);
    erase(&sandbox, ZOE).expect(0);
    sandbox.write("moved.csv", "contact_id,email\ncrm-zq-77,new@example.org\n");
    sandbox.quell(["import", "contacts", "moved.csv"]).expect(0);
    assert_eq!(sandbox.reasons("new@example.org", &[]), ["bulk_email_denied"]);
    assert_eq!(sandbox.kept(&["new@example.org"], &[]), [""; 0]);
    assert_eq!(
        sandbox.reasons("x@example.org", &["--contact", "crm-zq-77"]),
        ["bulk_email_denied"]
    );
    sandbox.quell(["verify"]).expect(0);
    sandbox.quell(["compile", "--full"]).expect(0);
    sandbox.quell(["verify"]).expect(0);
    resubscribe(&sandbox, "new@example.org", &[]).expect(0);
    assert_eq!(sandbox.reasons("x@example.org", &["--contact", "crm-zq-77"]), [""; 0]);
    stays_suppressed(&sandbox);
    // And back: her address is not written again.
    sandbox.write("moved.csv", format!("contact_id,email\ncrm-zq-77,{ZOE}\n"));
    sandbox.quell(["import", "contacts", "moved.csv"]).expect(0);
    assert_eq!(files_with(&sandbox.path("store"), "quillfeather"), [""; 0]);
    sandbox.quell(["verify"]).expect(0);
}

/// What an earlier build deleted lies in the file until SQLite needs the room.
#[test]
fn traces_of_deleted_rows_go_with_the_rest() {
    for trace in [ZOE, "zoe.quillfeather@exam\u{1}", "zoe.quillfeather\u{1}"] {
        let sandbox = store_with_zoe();
        let ledger = rusqlite::Connection::open(sandbox.path("store/ledger.db")).unwrap();
        ledger.execute_batch("PRAGMA secure_delete = OFF").unwrap();
        for sql in ["INSERT INTO list (name) VALUES (?1)", "DELETE FROM list WHERE name = ?1"] {
            ledger.execute(sql, [trace]).unwrap();
        }
        drop(ledger);
        erase(&sandbox, ZOE).expect(0);
        no_trace(&sandbox);
        stays_suppressed(&sandbox);
        sandbox.quell(["verify"]).expect(0);
    }
}

/// What others' records say of her can't be told from what is theirs: it is named, not hidden.
#[test]
fn what_remains_in_somebody_elses_record_is_named() {
    let sandbox = store_with_zoe();
    sandbox
        .quell([
            "unsubscribe",
            "bob@example.com",
            "--source",
            "told by Zoe.Quillfeather@example.com",
        ])
        .expect(0);
    erase(&sandbox, ZOE).expect(0).says("still holds the address");
    stays_suppressed(&sandbox);
}

/// Every vendor's file: the one address that is erased leaves no text, and every other is recorded as ever.
#[test]
fn a_vendors_file_brings_no_text_back() {
    let mut files = 0;
    for entry in fs::read_dir(root().join("tests/vendors")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.to_str().unwrap();
        let plain = Sandbox::new();
        if plain.quell(["import", file]).code != Some(0) {
            continue;
        }
        let found = plain.quell(["search", "*", "--json"]).expect(0).json();
        let keys: Vec<&str> = found
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|found| found["key"].as_str())
            .filter(|key| !key.starts_with('@') && key.contains('@'))
            .collect();
        let Some(erased) = keys.get(files % keys.len().max(1)).copied() else { continue };
        files += 1;
        let sandbox = Sandbox::new();
        erase(&sandbox, erased).expect(0);
        sandbox.quell(["import", file]).expect(0);
        sandbox.quell(["import", file]).expect(0);
        assert_eq!(files_with(&sandbox.path("store"), erased), [""; 0], "{file}: {erased}");
        assert_eq!(sandbox.reasons(erased, &[]), ["manual"], "{file}: {erased}");
        for key in keys.iter().filter(|key| **key != erased) {
            assert_eq!(sandbox.reasons(key, &[]), plain.reasons(key, &[]), "{file}: {key}");
        }
        sandbox.quell(["verify"]).expect(0);
    }
    assert!(files >= 20, "only {files} files");
}

/// An erasure is one transaction: after a kill it is done or it is not, and doing it again finishes it.
#[test]
fn a_killed_erasure_is_done_or_not_and_can_be_finished() {
    let mut dice = Dice::new("killed erasure");
    let origin = store_with_zoe();
    let before = origin.reasons(ZOE, &[]);
    let (mut undone, mut done) = (0, 0);
    for round in 0..30 {
        let sandbox = Sandbox::without_store();
        crate::sandbox::copy_directory(&origin.path("store"), &sandbox.path("store"));
        let mut child =
            sandbox.start(["erase", ZOE, "--by", "privacy", "--reason", "request 4711"]);
        thread::sleep(Duration::from_micros(dice.below(120_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let reasons = sandbox.reasons(ZOE, &[]);
        if reasons == before {
            undone += 1;
        } else {
            done += 1;
            stays_suppressed(&sandbox);
        }
        contacts_stay_denied(&sandbox);
        sandbox.quell(["verify"]).expect(0);
        erase(&sandbox, ZOE).expect(0);
        no_trace(&sandbox);
        assert_eq!(sandbox.reasons(ZOE, &[]), ["manual"], "round {round}");
        sandbox.quell(["verify"]).expect(0);
    }
    eprintln!("killed before: {undone}, after: {done}");
}
