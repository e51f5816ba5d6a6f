//! What can be shown afterwards: the history and its chain, how it was, by whose permission.

use std::process::Command;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox, root};

const FORM: [&str; 6] = ["--permission", "form", "--evidence", "form 12", "--by", "web team"];

fn resubscribe(sandbox: &Sandbox, options: &[&str]) -> Run {
    sandbox.quell([&["resubscribe", "Ann@example.com"], options].concat())
}

/// The instant after everything that was done so far, and before everything that is done next.
fn moment() -> String {
    let pause = std::time::Duration::from_millis(2);
    std::thread::sleep(pause);
    let now = jiff::Timestamp::now().to_string();
    std::thread::sleep(pause);
    now
}

/// What `check` says at a moment, exit code and JSON.
fn check(sandbox: &Sandbox, options: &[&str]) -> (i32, Value) {
    let asked = ["check", "ann@example.com", "nobody@example.com", "no address", "--json"];
    let run = sandbox.quell([&asked[..], options].concat()).expect_any(&[0, 1]);
    (run.code.unwrap(), run.json())
}

const QUESTIONS: [&[&str]; 4] =
    [&[], &["--class", "transactional"], &["--list", "news"], &["--contact", "c2"]];

#[test]
fn every_answer_that_was_given_is_given_again_as_of_then() {
    let sandbox = Sandbox::new();
    let ask = |as_of: Option<&str>| -> Vec<(i32, Value)> {
        let answers = QUESTIONS.iter().map(|question| {
            let then: Vec<&str> = as_of.iter().flat_map(|time| ["--as-of", time]).collect();
            check(&sandbox, &[question, &then[..]].concat())
        });
        answers.collect()
    };
    let mut told = vec![(moment(), ask(None))];
    let import = |kind: &str, content: &str| {
        sandbox.write("file.csv", content);
        sandbox.quell(["import", kind, "file.csv"]).expect(0);
    };
    let steps: [&dyn Fn(); 9] = [
        &|| {
            import(
                "contacts",
                "contact_id,email,bulk_email\nc1,Ann@example.com,Do Not Allow\nc2,x@example.org,Do Not Allow\n",
            )
        },
        &|| import("preferences", "email,list,preference\nann@example.com,news,Out\n"),
        &|| import("suppressions", "email,reason\nann@example.com,complaint\n"),
        &|| drop(sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0)),
        &|| drop(resubscribe(&sandbox, &FORM).expect(0)),
        &|| {
            drop(
                resubscribe(
                    &sandbox,
                    &[&FORM[..], &["--all-lists", "--include", "complaint"]].concat(),
                )
                .expect(0),
            )
        },
        &|| {
            import(
                "contacts",
                "contact_id,email,email_allowed\nc1,ann@example.net,false\nc2,ann@example.com,\n",
            )
        },
        &|| import("domains", "domain\nexample.com\n"),
        // printf ann@example.com | md5sum
        &|| import("digests", "digest,list\n257c57037d384ae37ea27a07e8a01665,news\n"),
    ];
    for step in steps {
        step();
        let answers = ask(None);
        told.push((moment(), answers));
    }
    sandbox.quell(["compile", "--full"]).expect(0);
    let different: std::collections::BTreeSet<String> =
        told.iter().map(|(_, answers)| format!("{answers:?}")).collect();
    assert!(different.len() > 7, "the steps change answers");
    for (time, answers) in &told {
        assert_eq!(&ask(Some(time)), answers, "as of {time}");
    }
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn what_expires_is_judged_at_the_time_that_is_asked_for() {
    let sandbox = Sandbox::new();
    // A suppression that ended between then and now.
    let end = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
    let end = end.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    sandbox.write("s.csv", format!("email,reason,expires_at\nann@example.com,bounce,{end}\n"));
    sandbox.quell(["import", "suppressions", "s.csv"]).expect(0);
    let then = moment();
    while sandbox.quell(["check", "ann@example.com"]).code == Some(1) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(sandbox.reasons("ann@example.com", &["--as-of", &then]), ["bounce"]);
    assert_eq!(sandbox.reasons("ann@example.com", &["--as-of", &moment()]), [""; 0]);
}

#[test]
fn of_a_time_of_which_nothing_is_known_there_is_no_answer() {
    let sandbox = Sandbox::new();
    for command in ["check", "history"] {
        let ask = |time: &str| sandbox.quell([command, "ann@example.com", "--as-of", time]);
        ask("2020-01-01").expect(4).says("this store was created at");
        ask("2100-01-01 09:00").expect(4).says("that time is to come");
        ask("yesterday").expect(2).says("is not a time");
        ask(&moment()).expect(0);
    }
}

#[test]
fn of_an_erased_address_only_the_erasure_is_told() {
    let sandbox = Sandbox::new();
    let started = moment();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["unsubscribe", "robin@example.com"]).expect(0);
    let recorded = moment();
    sandbox.quell(["erase", "ann@example.com", "--by", "desk", "--reason", "request 7"]).expect(0);
    let erased = moment();
    let by_hand = [&["resubscribe", "ann@example.com", "--include", "manual"], &FORM[..]].concat();
    sandbox.quell(by_hand).expect(0);
    for then in [&started, &recorded] {
        let asked = ["check", "ann@example.com", "--as-of", then];
        sandbox.quell(asked).expect(4).says("can't be told: the address was erased at");
    }
    assert_eq!(sandbox.reasons("ann@example.com", &["--as-of", &erased]), ["manual"]);
    assert_eq!(sandbox.reasons("ann@example.com", &["--as-of", &moment()]), [""; 0]);
    assert_eq!(sandbox.reasons("robin@example.com", &["--as-of", &recorded]), ["unsubscribed"]);
    sandbox.quell(["verify"]).expect(0);
    assert_eq!(check_chain(&sandbox).0, Some(0), "what an erasure blanked is no fault");
}

#[test]
fn a_history_as_of_then_ends_with_what_had_happened() {
    let sandbox = Sandbox::new();
    let kinds = |options: &[&str]| -> Vec<String> {
        let run = sandbox.quell([&["history", "ann@example.com", "--json"], options].concat());
        let entries = run.expect(0).json();
        let kind = |entry: &Value| entry["event"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(kind).collect()
    };
    let empty = moment();
    sandbox.write("u.csv", "email,list\nann@example.com,news\n");
    sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(0);
    let imported = moment();
    resubscribe(&sandbox, &[&FORM[..], &["--list", "news"]].concat()).expect(0);
    let lifted = moment();
    // Changes nothing, so it has no generation of its own.
    resubscribe(&sandbox, &[&FORM[..], &["--list", "news"]].concat()).expect(0);
    assert_eq!(kinds(&["--as-of", &empty]), [""; 0]);
    assert_eq!(kinds(&["--as-of", &imported]), ["imported"]);
    assert_eq!(kinds(&["--as-of", &lifted]), ["imported", "resubscribed"]);
    assert_eq!(kinds(&[]), ["imported", "resubscribed", "resubscribed"]);
}

#[test]
fn a_complaint_is_lifted_by_the_person_s_own_act_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("s.csv", "email,reason\nann@example.com,complaint\nann@example.com,bounce\n");
    sandbox.quell(["import", "suppressions", "s.csv"]).expect(0);
    let told = |channel: &str, evidence: &str, include: &str| {
        let permission =
            ["--permission", channel, "--evidence", evidence, "--by", "desk", "--include", include];
        resubscribe(&sandbox, &permission)
    };
    for channel in ["phone", "in-person"] {
        told(channel, "she said so", "bounce,complaint")
            .expect(5)
            .says("a complaint is lifted by the person's own act")
            .says(&format!("by {channel}"));
    }
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["complaint", "bounce"]);
    told("phone", "she said so", "bounce").expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["complaint"]);
    told("phone", "call of 3 May", "complaint").expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0]);
    sandbox.quell(["import", "suppressions", "s.csv"]).expect(0);
    told("email", "her own mail", "complaint").expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["bounce"]);
}

#[test]
fn a_manual_block_says_who_set_it() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "by hand.csv",
        "email,reason,class,source\nann@example.com,manual,bulk,\nann@example.com,manual,all,legal\nann@example.com,bounce,,esp\n",
    );
    sandbox.quell(["import", "suppressions", "by hand.csv"]).expect(0);
    let left = resubscribe(&sandbox, &FORM).expect(0).text();
    assert!(
        left.contains("still blocked by manual (global), set by by hand.csv, legal\n"),
        "{left}"
    );
    assert!(left.contains("still blocked by bounce (global)\n"), "{left}");
    let still = resubscribe(&sandbox, &[&FORM[..], &["--json"]].concat()).expect(0).json();
    let of = |reason: &str| -> Value {
        let causes = still["still_blocked_by"].as_array().unwrap();
        causes.iter().find(|cause| cause["reason"] == reason).unwrap()["set_by"].clone()
    };
    assert_eq!((of("manual"), of("bounce")), ("by hand.csv, legal".into(), Value::Null));
    let gone = resubscribe(&sandbox, &[&FORM[..], &["--include", "manual", "--json"]].concat());
    let gone = gone.expect(0).json();
    let who: Vec<&str> = gone["deleted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["set_by"].as_str().unwrap())
        .collect();
    assert_eq!(who, ["by hand.csv", "legal"]);
}

#[test]
fn permissions_are_exported_oldest_first_with_what_they_lifted() {
    let sandbox = Sandbox::new();
    let export = |options: &[&str]| {
        sandbox.quell([&["permissions", "export"], options].concat()).expect(0).text()
    };
    let header = "at,generation,event,address,channel,evidence,by,lists,global,include,deleted,changed,link\n";
    assert_eq!(export(&[]), header);
    sandbox.write("c.csv", "contact_id,email,bulk_email\nc1,ann@example.com,false\n");
    sandbox.quell(["import", "contacts", "c.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    resubscribe(
        &sandbox,
        &["--permission", "phone", "--evidence", "call, \"3 May\"", "--by", "desk"],
    )
    .expect(0);
    resubscribe(
        &sandbox,
        &[&FORM[..], &["--list", "b", "--list", "a", "--include", "bounce,manual"]].concat(),
    )
    .expect(0);
    resubscribe(&sandbox, &[&FORM[..], &["--all-lists"]].concat()).expect(0);
    let rows = export(&["--format", "csv"]);
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    // Without time and link, which no test knows.
    let middle: Vec<&str> =
        rows.iter().map(|row| row.split_once(',').unwrap().1.rsplit_once(',').unwrap().0).collect();
    assert_eq!(
        middle,
        [
            "3,resubscribed,Ann@example.com,phone,\"call, \"\"3 May\"\"\",desk,,true,,1,1",
            "3,resubscribed,Ann@example.com,form,form 12,web team,b;a,false,bounce;manual,0,0",
            "3,resubscribed,Ann@example.com,form,form 12,web team,*,true,,0,0",
        ]
    );
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    let head = status["history"]["head"].as_str().unwrap();
    assert!(rows[2].ends_with(head), "the last event's link is the head: {head}, {}", rows[2]);
    let lines = export(&["--format", "ndjson"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[1]["lists"], &lines[0]["evidence"]),
        (&serde_json::json!(["b", "a"]), &"call, \"3 May\"".into())
    );
    sandbox.quell(["permissions", "export", "--format", "xml"]).expect(2).says("csv or ndjson");
}

/// The program of docs/proof.md, as somebody would copy it.
fn check_chain(sandbox: &Sandbox) -> (Option<i32>, String) {
    let page = std::fs::read_to_string(root().join("docs/proof.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    sandbox.write("check.py", program);
    let mut python = Command::new("python3");
    python.arg(sandbox.path("check.py")).arg(sandbox.path("store/ledger.db"));
    let output = python.output().expect("`python3` on the PATH");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).trim().to_owned())
}

#[test]
fn another_program_checks_the_chain_by_the_page_alone() {
    let sandbox = Sandbox::with_samples();
    sandbox.quell(["unsubscribe", "m\u{fc}ller@example.com", "--source", "caf\u{e9}"]).expect(0);
    resubscribe(&sandbox, &FORM).expect(0);
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    let history = &status["history"];
    let head = format!("{} events, {}", history["events"], history["head"].as_str().unwrap());
    assert_eq!(check_chain(&sandbox), (Some(0), head.clone()));
    assert!(
        sandbox.quell(["status"]).expect(0).text().contains(&format!("history       {head}\n"))
    );
    let raw = rusqlite::Connection::open(sandbox.path("store/ledger.db")).unwrap();
    raw.execute_batch(
        "DROP TRIGGER event_is_never_updated; UPDATE event SET detail = replace(detail, 'form 12', 'form 13')",
    )
    .unwrap();
    drop(raw);
    let last = history["events"].as_u64().unwrap();
    assert_eq!(check_chain(&sandbox), (Some(1), format!("event {last}: its content was changed")));
    let verify = sandbox.quell(["verify"]).expect(1);
    let fault = format!("event {last}: its key, its detail or its salt was changed\n");
    assert_eq!(verify.text(), fault);
}

/// Whoever can write the file drops the triggers first; then each of these is one statement.
#[test]
fn a_history_that_was_tampered_with_is_exit_1_and_named() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    resubscribe(&sandbox, &FORM).expect(0);
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    for (sql, named) in [
        ("UPDATE event SET at = at + 1 WHERE id = 1", "event 1: "),
        ("UPDATE event SET generation = 1 WHERE id = 2", "event 2: "),
        ("UPDATE event SET kind = 'changed' WHERE id = 3", "event 3: "),
        ("UPDATE event SET key = x'61' WHERE id = 2", "event 2: "),
        ("UPDATE event SET salt = x'00' WHERE id = 1", "event 1: "),
        ("UPDATE event SET content = zeroblob(32) WHERE id = 3", "event 3: "),
        ("UPDATE event SET link = zeroblob(32) WHERE id = 1", "event 1: "),
        ("UPDATE event SET detail = '', salt = x'' WHERE id = 2", "event 2: its content is gone"),
        ("DELETE FROM event WHERE id = 2", "event 2 is missing"),
        ("DELETE FROM event WHERE id = 3", "event 3 is missing"),
        ("UPDATE event SET id = id + 7 WHERE id = 3", "event 3 is missing"),
        (
            "INSERT INTO event SELECT 4, at, generation, kind, key, detail, salt, content, link FROM event WHERE id = 3",
            "event 4: ",
        ),
        ("UPDATE generation SET at = at - 1 WHERE id = 1", "generation 1: "),
    ] {
        sandbox.copy_store("store", "copy");
        let raw = rusqlite::Connection::open(sandbox.path("copy/ledger.db")).unwrap();
        raw.execute_batch(
            "DROP TRIGGER event_is_never_updated; DROP TRIGGER event_is_never_deleted",
        )
        .unwrap();
        raw.execute_batch(sql).unwrap();
        drop(raw);
        let copy = sandbox.path("copy");
        let verify = sandbox.quell(["verify", "--store", copy.to_str().unwrap()]).expect(1);
        assert!(verify.text().starts_with(named), "{sql}: {}", verify.text());
    }
}
