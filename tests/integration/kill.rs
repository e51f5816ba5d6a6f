//! `kill -9` at a random moment, and two commands at once: the next command works, what was acknowledged is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Dice, Sandbox, soak};

/// How often each command is killed.
fn rounds() -> u64 {
    if soak() { 300 } else { 8 }
}

fn addresses(name: &str, count: usize) -> String {
    let mut text = String::from("email\n");
    for number in 0..count {
        text.push_str(&format!("{name}.{number}@example.com\n"));
    }
    text
}

/// How many unsubscribe records the ledger holds.
fn unsubscribes(sandbox: &Sandbox) -> u64 {
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    status["records"]["unsubscribes"].as_u64().unwrap_or_else(|| panic!("{status}"))
}

/// Kills commands at moments within the time that one takes.
struct Killer {
    dice: Dice,
    micros: u64,
    acknowledged: u64,
    blows: u64,
}

impl Killer {
    /// Takes the time of one that is left alone.
    fn new(what: &str, sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let started = Instant::now();
        sandbox.quell(arguments).expect(0);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap();
        Self { dice: Dice::new(what), micros, acknowledged: 0, blows: 0 }
    }

    /// Says whether the command had ended well before the blow: then it was acknowledged.
    fn kill(&mut self, sandbox: &Sandbox, arguments: &[&str]) -> bool {
        let mut child = sandbox.start(arguments);
        thread::sleep(Duration::from_micros(self.dice.below(self.micros * 5 / 4)));
        let acknowledged = child.try_wait().unwrap().is_some_and(|status| status.success());
        child.kill().unwrap();
        child.wait().unwrap();
        self.blows += 1;
        self.acknowledged += u64::from(acknowledged);
        acknowledged
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        eprintln!("{} killed, {} of them done before", self.blows, self.acknowledged);
    }
}

#[test]
fn a_killed_import_is_whole_or_absent_and_the_next_command_works() {
    let sandbox = Sandbox::new();
    let rows = 20_000_u64;
    let import = ["import", "unsubscribes", "file.csv"];
    sandbox.write("file.csv", addresses("first", 20_000));
    let mut killer = Killer::new("killed import", &sandbox, &import);
    let mut before = unsubscribes(&sandbox);
    for round in 0..rounds() {
        sandbox.write("file.csv", addresses(&format!("round.{round}"), 20_000));
        let acknowledged = killer.kill(&sandbox, &import);
        let after = unsubscribes(&sandbox);
        assert!(
            after == before || after == before + rows,
            "round {round}: {after} records after {before}"
        );
        if acknowledged {
            assert_eq!(after, before + rows, "round {round}: an acknowledged import is gone");
        }
        // The index agrees with the ledger about the first and the last row.
        let taken = after > before;
        for number in [0, 19_999] {
            let address = format!("round.{round}.{number}@example.com");
            assert_eq!(
                !sandbox.reasons(&address, &[]).is_empty(),
                taken,
                "round {round}: {address}"
            );
        }
        before = after;
    }
    sandbox.quell(["verify"]).expect(0);
    sandbox.quell(import).expect(0);
}

#[test]
fn a_killed_filter_leaves_the_earlier_output_or_the_whole_new_one() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "someone.7@example.com"]).expect(0);
    sandbox.write("in.csv", addresses("someone", 400_000));
    let filter = ["filter", "in.csv", "-o", "out.csv", "--suppressed", "withheld.csv"];
    let mut killer = Killer::new("killed filter", &sandbox, &filter);
    let whole = sandbox.read("out.csv");
    for round in 0..rounds() {
        sandbox.write("out.csv", "an earlier batch\n");
        let _ = fs::remove_file(sandbox.path("withheld.csv"));
        let acknowledged = killer.kill(&sandbox, &filter);
        let output = sandbox.read("out.csv");
        assert!(
            output == whole || (!acknowledged && output == b"an earlier batch\n"),
            "round {round}: {} bytes of a batch of {}",
            output.len(),
            whole.len()
        );
        // The kept rows appear last.
        assert!(output != whole || sandbox.exists("withheld.csv"), "round {round}");
    }
    sandbox.quell(["verify"]).expect(0);
    sandbox.quell(filter).expect(0);
    assert!(sandbox.read("out.csv") == whole);
}

/// Single changes one after the other, the process killed at a random moment: every acknowledged one is there.
#[test]
fn a_killed_unsubscribe_or_compile_loses_nothing_acknowledged() {
    let sandbox = Sandbox::new();
    let first = ["unsubscribe", "leaver@example.com"];
    let mut killer = Killer::new("killed changes", &sandbox, &first);
    let mut acknowledged = BTreeSet::from([first[1].to_owned()]);
    for round in 0..rounds() {
        let address = format!("leaver.{round}@example.com");
        if round % 3 == 2 {
            killer.kill(&sandbox, &["compile", "--full"]);
        } else if killer.kill(&sandbox, &["unsubscribe", &address]) {
            acknowledged.insert(address);
        }
        let all: Vec<_> = acknowledged.iter().map(String::as_str).collect();
        assert_eq!(sandbox.kept(&all, &[]), [""; 0], "round {round}");
    }
    sandbox.quell(["verify"]).expect(0);
}

/// Many small segments, so that every few compiles merge: no kill among them changes an answer.
#[test]
fn a_killed_merge_changes_no_answer() {
    let sandbox = Sandbox::new();
    let mut killer = Killer::new("killed merge", &sandbox, &["compile"]);
    let mut gone = Vec::new();
    let mut merged = 0;
    let mut segments = 0;
    let mut round = 0;
    // Where a kill falls is chance: a few more rounds rather than none that merges.
    while round < rounds() || merged < 2 && round < 10 * rounds() {
        round += 1;
        for number in 0..4 {
            let address = format!("leaver.{round}.{number}@example.com");
            sandbox.quell(["unsubscribe", &address]).expect(0);
            gone.push(address);
            if number < 3 {
                sandbox.quell(["compile"]).expect(0);
            }
        }
        killer.kill(&sandbox, &["compile"]);
        let status = sandbox.quell(["status", "--json"]).expect(0).json();
        let now = status["index"]["segments"].as_u64().unwrap();
        merged += u64::from(now < segments);
        segments = now;
        let mut asked: Vec<_> = gone.iter().map(String::as_str).collect();
        asked.push("stayer@example.com");
        assert_eq!(sandbox.kept(&asked, &[]), ["stayer@example.com"], "round {round}");
    }
    assert!(merged > 1, "{merged} merges in {round} rounds");
    sandbox.quell(["verify"]).expect(0);
}

/// A resubscribe is one transaction: after a kill everything is lifted or nothing is.
#[test]
fn a_killed_resubscribe_lifts_everything_or_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "contacts.csv",
        "contact_id,email\n1,ann@example.com\n2,ann@example.com\n3,ann@example.com\n",
    );
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    let proof = ["--permission", "phone", "--evidence", "call of 1 May", "--by", "desk"];
    let resubscribe = [&["resubscribe", "ann@example.com"][..], &proof].concat();
    let mut killer = Killer::new("killed resubscribe", &sandbox, &resubscribe);
    for round in 0..rounds() {
        sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
        let blocked = sandbox.reasons("ann@example.com", &[]);
        assert!(blocked.len() > 1);
        let acknowledged = killer.kill(&sandbox, &resubscribe);
        let reasons = sandbox.reasons("ann@example.com", &[]);
        assert!(
            reasons.is_empty() || (!acknowledged && reasons == blocked),
            "round {round}: half lifted: {reasons:?}"
        );
    }
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn two_writers_at_once_leave_a_state_that_one_after_the_other_would_leave() {
    let sandbox = Sandbox::new();
    let files: Vec<_> = (0..4).map(|n| format!("writer.{n}.csv")).collect();
    for (number, file) in files.iter().enumerate() {
        sandbox.write(file, addresses(&format!("writer.{number}"), 5_000));
    }
    let children: Vec<_> = files
        .iter()
        .map(|file| {
            sandbox
                .command(["import", "unsubscribes", file])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut done = 0;
    for (number, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let address = format!("writer.{number}.4999@example.com");
        match output.status.code() {
            Some(0) => {
                done += 1;
                assert_eq!(sandbox.reasons(&address, &[]), ["unsubscribed"], "{address}");
            }
            // Locked out: said cleanly, and nothing of the file is in.
            Some(4) => assert_eq!(sandbox.reasons(&address, &[]), [""; 0], "{address}: {stderr}"),
            other => panic!("writer {number} ended with {other:?}: {stderr}"),
        }
    }
    assert!(done >= 1, "at least one writer gets through");
    assert_eq!(unsubscribes(&sandbox), done * 5_000);
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn readers_beside_a_writer_see_the_old_state_or_the_new_one() {
    let sandbox = Sandbox::new();
    sandbox.write("file.csv", addresses("leaver", 50_000));
    sandbox.write("in.csv", addresses("leaver", 50_000));
    let mut writer = sandbox.start(["import", "unsubscribes", "file.csv"]);
    let mut seen = BTreeSet::new();
    loop {
        let ended = writer.try_wait().unwrap().is_some();
        let run = sandbox.quell(["filter", "in.csv"]).expect(0);
        let kept = run.stdout.iter().filter(|byte| **byte == b'\n').count() - 1;
        assert!(kept == 0 || kept == 50_000, "a mixed state: {kept} rows kept");
        seen.insert(kept);
        if ended {
            assert_eq!(kept, 0, "the import had ended before this filter began");
            break;
        }
    }
    assert!(fs::exists(sandbox.path("store/ledger.db")).unwrap());
    eprintln!("states seen beside the writer: {seen:?}");
}
