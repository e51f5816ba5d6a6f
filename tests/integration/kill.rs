//! `kill -9` at a random moment, and two commands at once: the next command works, what was acknowledged is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::sandbox::{Dice, Sandbox};

const ROUNDS: u64 = 20;

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

#[test]
fn a_killed_import_is_whole_or_absent_and_the_next_command_works() {
    let sandbox = Sandbox::new();
    let mut dice = Dice::new("killed import");
    let rows = 20_000_u64;
    let mut before = 0;
    for round in 0..ROUNDS {
        sandbox.write("file.csv", addresses(&format!("round.{round}"), 20_000));
        let mut child = sandbox.start(["import", "unsubscribes", "file.csv"]);
        thread::sleep(Duration::from_micros(dice.below(600_000)));
        // An import that has ended before the blow was acknowledged, if it ended well.
        let acknowledged = child.try_wait().unwrap().is_some_and(|status| status.success());
        child.kill().unwrap();
        child.wait().unwrap();

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
    sandbox.quell(["import", "unsubscribes", "file.csv"]).expect(0);
}

#[test]
fn a_killed_filter_leaves_the_earlier_output_or_the_whole_new_one() {
    let sandbox = Sandbox::new();
    let mut dice = Dice::new("killed filter");
    sandbox.quell(["unsubscribe", "someone.7@example.com"]).expect(0);
    sandbox.write("in.csv", addresses("someone", 400_000));
    sandbox.quell(["filter", "in.csv", "-o", "whole.csv"]).expect(0);
    let whole = sandbox.read("whole.csv");
    for round in 0..ROUNDS {
        sandbox.write("out.csv", "an earlier batch\n");
        let mut child = sandbox.start(["filter", "in.csv", "-o", "out.csv"]);
        thread::sleep(Duration::from_micros(dice.below(120_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let output = sandbox.read("out.csv");
        assert!(
            output == b"an earlier batch\n" || output == whole,
            "round {round}: {} bytes of a batch of {}",
            output.len(),
            whole.len()
        );
    }
    sandbox.quell(["filter", "in.csv", "-o", "out.csv"]).expect(0);
    assert!(sandbox.read("out.csv") == whole);
}

/// Single changes one after the other, the process killed at a random moment: every acknowledged one is there.
#[test]
fn a_killed_unsubscribe_or_compile_loses_nothing_acknowledged() {
    let sandbox = Sandbox::new();
    let mut dice = Dice::new("killed changes");
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let address = format!("leaver.{round}@example.com");
        let mut child = if round % 3 == 2 {
            sandbox.start(["compile", "--full"])
        } else {
            sandbox.start(["unsubscribe", &address])
        };
        thread::sleep(Duration::from_micros(dice.below(40_000)));
        let done = child.try_wait().unwrap().is_some_and(|status| status.success());
        child.kill().unwrap();
        child.wait().unwrap();
        if done && round % 3 != 2 {
            acknowledged.insert(address);
        }
        for address in &acknowledged {
            assert_eq!(sandbox.reasons(address, &[]), ["unsubscribed"], "round {round}");
        }
    }
    sandbox.quell(["verify"]).expect(0);
}

/// A resubscribe is one transaction: after a kill everything is lifted or nothing is.
#[test]
fn a_killed_resubscribe_lifts_everything_or_nothing() {
    let sandbox = Sandbox::new();
    let mut dice = Dice::new("killed resubscribe");
    sandbox.write(
        "contacts.csv",
        "contact_id,email\n1,ann@example.com\n2,ann@example.com\n3,ann@example.com\n",
    );
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    for round in 0..ROUNDS {
        sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
        let mut child = sandbox.start([
            "resubscribe",
            "ann@example.com",
            "--permission",
            "phone",
            "--evidence",
            "e",
            "--by",
            "b",
        ]);
        thread::sleep(Duration::from_micros(dice.below(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let reasons = sandbox.reasons("ann@example.com", &[]);
        assert!(
            reasons.is_empty() || reasons == ["bulk_email_denied", "unsubscribed"],
            "round {round}: half lifted: {reasons:?}"
        );
    }
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
