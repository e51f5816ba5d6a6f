//! The story the product exists for, from `data/`: duplicates of a contact, two gates, one permission.

use crate::sandbox::{Sandbox, sample};

const PERSON: &str = "robin@example.com";
const PERMISSION: [&str; 6] = [
    "--permission",
    "phone",
    "--evidence",
    "call of 2026-11-20, ticket 4711",
    "--by",
    "front desk",
];

fn resubscribe(sandbox: &Sandbox, options: &[&str]) -> crate::sandbox::Run {
    let mut arguments = vec!["resubscribe", PERSON, "--json"];
    arguments.extend(options);
    sandbox.quell(arguments)
}

#[test]
fn every_record_of_a_person_blocks_until_permission_then_lists_one_by_one() {
    let sandbox = Sandbox::with_samples();

    // Three contacts, one denying bulk and one denying e-mail; an active and an inactive unsubscribe; a list left twice.
    assert_eq!(
        sandbox.reasons(PERSON, &["--list", "offers"]),
        ["email_denied", "bulk_email_denied", "unsubscribed", "opted_out:offers"]
    );
    assert_eq!(sandbox.kept(&[PERSON], &[]), [""; 0]);

    // Without permission, evidence and a name nothing changes, whatever is missing.
    for missing in [0, 2, 4] {
        let mut options = PERMISSION.to_vec();
        options.drain(missing..missing + 2);
        resubscribe(&sandbox, &options).expect(5);
    }
    resubscribe(&sandbox, &[]).expect(5).says("permission");
    assert_eq!(sandbox.reasons(PERSON, &[]), ["email_denied", "bulk_email_denied", "unsubscribed"]);

    // Permission lifts the global block in one go: every contact, every unsubscribe record, every spelling.
    let answer = resubscribe(&sandbox, &PERMISSION).expect(0).json();
    assert_eq!(answer["key"], PERSON);
    assert!(answer["deleted"].as_array().is_some_and(|deleted| deleted.len() >= 2), "{answer}");
    assert!(answer["changed"].as_array().is_some_and(|changed| changed.len() >= 2), "{answer}");
    assert_eq!(sandbox.reasons(PERSON, &[]), [""; 0]);
    for spelling in [PERSON, "ROBIN@EXAMPLE.COM", "Robin <robin@example.com>", "robin@example.com."]
    {
        assert_eq!(sandbox.kept(&[spelling], &["--list", "news"]), [spelling]);
    }
    for contact in ["C001", "C007", "C019"] {
        assert_eq!(sandbox.reasons(PERSON, &["--contact", contact]), [""; 0], "{contact}");
    }

    // The list that was left is still left.
    assert_eq!(sandbox.reasons(PERSON, &["--list", "offers"]), ["opted_out:offers"]);
    assert_eq!(sandbox.kept(&[PERSON], &["--list", "offers"]), [""; 0]);
    assert_eq!(sandbox.kept(&[PERSON], &["--list", "news", "--list", "offers"]), [""; 0]);

    // Until that is asked for: then both the preference and the unsubscribe record of the list go.
    let mut list = vec!["--list", "offers"];
    list.extend(PERMISSION);
    resubscribe(&sandbox, &list).expect(0);
    assert_eq!(sandbox.kept(&[PERSON], &["--list", "offers"]), [PERSON]);

    // The history shows it all: who, how, and what the deleted records were.
    let history = sandbox.quell(["history", PERSON, "--json"]).expect(0).text();
    for detail in ["front desk", "ticket 4711", "phone", "offers", "old newsletter tool"] {
        assert!(history.contains(detail), "history does not mention `{detail}`:\n{history}");
    }
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn the_sample_batch_loses_exactly_the_rows_it_must() {
    let sandbox = Sandbox::with_samples();
    let batch = sample("recipients.csv");
    sandbox
        .quell([
            "filter",
            batch.to_str().unwrap(),
            "-o",
            "kept.csv",
            "--contact-column",
            "customer",
            "--list-column",
            "Lists",
            "--suppressed",
            "withheld.csv",
            "--report",
            "report.json",
        ])
        .expect(0);
    let report = sandbox.read_json("report.json");
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"));
    assert_eq!(count("read"), count("kept") + count("withheld"));
    let kept = sandbox.read("kept.csv");
    let holds = |needle: &str| kept.windows(needle.len()).any(|window| window == needle.as_bytes());
    for reachable in [
        "unix.line@example.com",
        "last.row@example.com",
        "holiday.over@example.com",
        "\"Two\nlines\"",
    ] {
        assert!(holds(reachable), "{reachable} is missing from the kept rows");
    }
    for blocked in [
        "ann@example.com",
        "blocked@example.net",
        "someone.else@example.com",
        "n/a",
        "holiday.long@",
    ] {
        assert!(!holds(blocked), "{blocked} is among the kept rows");
    }
    assert!(kept.starts_with("\u{feff}customer,Email,".as_bytes()), "the mark and the header stay");
    assert!(
        kept.ends_with(b"no line end after this row"),
        "the missing last line end stays missing"
    );
    for reason in
        ["invalid_address", "email_denied", "complaint", "bounce", "invalid", "manual", "opted_out"]
    {
        assert!(report["by_reason"][reason].as_u64() > Some(0), "{reason} in {report}");
    }
}
