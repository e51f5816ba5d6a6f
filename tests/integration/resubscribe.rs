//! `quell resubscribe`: permission in, everything asked for gone, everything else named and left.

use crate::sandbox::{Run, Sandbox};

const PERMISSION: [&str; 6] = ["--permission", "form", "--evidence", "form 12", "--by", "web team"];

fn resubscribe(sandbox: &Sandbox, address: &str, options: &[&str]) -> Run {
    let mut arguments = vec!["resubscribe", address];
    arguments.extend(PERMISSION);
    arguments.extend(options);
    sandbox.quell(arguments)
}

fn import(sandbox: &Sandbox, kind: &str, content: &str) {
    sandbox.write("file.csv", content);
    sandbox.quell(["import", kind, "file.csv"]).expect(0);
}

#[test]
fn every_missing_or_empty_part_of_a_permission_is_refused_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let generation = |sandbox: &Sandbox| {
        sandbox.quell(["status", "--json"]).expect(0).json()["generation"].clone()
    };
    let before = generation(&sandbox);
    for options in [
        &[][..],
        &["--permission", "phone"],
        &["--permission", "phone", "--evidence", "e"],
        &["--permission", "phone", "--by", "b"],
        &["--evidence", "e", "--by", "b"],
        &["--permission", "phone", "--evidence", "", "--by", "b"],
        &["--permission", "phone", "--evidence", "e", "--by", "  "],
    ] {
        let mut arguments = vec!["resubscribe", "ann@example.com"];
        arguments.extend(options);
        sandbox.quell(arguments).expect(5);
        assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"], "{options:?}");
    }
    assert_eq!(generation(&sandbox), before);
}

#[test]
fn an_unknown_channel_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox
        .quell([
            "resubscribe",
            "ann@example.com",
            "--permission",
            "telepathy",
            "--evidence",
            "e",
            "--by",
            "b",
        ])
        .expect_any(&[2, 5]);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"]);
}

#[test]
fn every_promised_channel_is_a_permission() {
    let sandbox = Sandbox::new();
    for channel in ["email", "phone", "in-person", "form", "resubscription-link"] {
        sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
        sandbox
            .quell([
                "resubscribe",
                "ann@example.com",
                "--permission",
                channel,
                "--evidence",
                "e",
                "--by",
                "b",
            ])
            .expect(0);
        assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0], "{channel}");
    }
}

#[test]
fn a_mailbox_reason_stays_unless_it_is_named() {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "suppressions",
        "email,reason\nann@example.com,bounce\nann@example.com,complaint\nann@example.com,invalid\nann@example.com,manual\n",
    );
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let run = resubscribe(&sandbox, "ann@example.com", &[]).expect(0);
    let printed = format!("{}{}", run.text(), run.stderr);
    for reason in ["complaint", "bounce", "invalid", "manual"] {
        assert!(printed.contains(reason), "what still blocks is printed: {printed}");
    }
    assert_eq!(
        sandbox.reasons("ann@example.com", &[]),
        ["complaint", "bounce", "invalid", "manual"]
    );
    resubscribe(&sandbox, "ann@example.com", &["--include", "complaint,manual"]).expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["bounce", "invalid"]);
    resubscribe(&sandbox, "ann@example.com", &["--include", "bounce,invalid"]).expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0]);
}

#[test]
fn one_list_leaves_the_global_block_and_the_other_lists() {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "unsubscribes",
        "email,list\nann@example.com,\nann@example.com,news\nann@example.com,offers\n",
    );
    import(&sandbox, "preferences", "email,list,preference\nann@example.com,news,Out\n");
    resubscribe(&sandbox, "ann@example.com", &["--list", "news"]).expect(0);
    assert_eq!(
        sandbox.reasons("ann@example.com", &["--list", "news", "--list", "offers"]),
        ["unsubscribed", "opted_out:offers"]
    );
}

#[test]
fn all_lists_lifts_the_global_block_and_every_list() {
    let sandbox = Sandbox::new();
    import(&sandbox, "unsubscribes", "email,list\nann@example.com,\nann@example.com,news\n");
    import(&sandbox, "preferences", "email,list,preference\nann@example.com,offers,Out\n");
    resubscribe(&sandbox, "ann@example.com", &["--all-lists"]).expect(0);
    assert_eq!(
        sandbox.reasons("ann@example.com", &["--list", "news", "--list", "offers"]),
        [""; 0]
    );
}

#[test]
fn a_person_who_leaves_again_is_withheld_again() {
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
        assert_eq!(sandbox.kept(&["ann@example.com"], &[]), [""; 0]);
        resubscribe(&sandbox, "Ann@Example.com", &[]).expect(0);
        assert_eq!(sandbox.kept(&["ann@example.com"], &[]), ["ann@example.com"]);
    }
}

/// Contract: a global unsubscribe also denies bulk on every contact that holds the address.
#[test]
fn unsubscribe_denies_bulk_on_every_contact_with_the_address() {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "contacts",
        "contact_id,email\n1,ann@example.com\n2,ANN@example.com\n3,bob@example.com\n",
    );
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["bulk_email_denied", "unsubscribed"]);
    for (contact, reasons) in
        [("1", &["bulk_email_denied"][..]), ("2", &["bulk_email_denied"]), ("3", &[])]
    {
        assert_eq!(
            sandbox.reasons("cem@example.com", &["--contact", contact]),
            reasons,
            "{contact}"
        );
    }
}

#[test]
fn unsubscribe_from_a_list_leaves_the_contacts_alone() {
    let sandbox = Sandbox::new();
    import(&sandbox, "contacts", "contact_id,email\n1,ann@example.com\n");
    sandbox.quell(["unsubscribe", "ann@example.com", "--list", "news"]).expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0]);
    assert_eq!(sandbox.reasons("ann@example.com", &["--list", "news"]), ["opted_out:news"]);
}

#[test]
fn other_people_stay_as_they_were() {
    let sandbox = Sandbox::with_samples();
    let others = [
        "ann@example.com",
        "kim@example.org",
        "gone.quiet@example.org",
        "everything.at.once@example.org",
    ];
    let verdicts = |sandbox: &Sandbox| -> Vec<_> {
        others.iter().map(|address| sandbox.reasons(address, &["--list", "offers"])).collect()
    };
    let before = verdicts(&sandbox);
    resubscribe(&sandbox, "robin@example.com", &["--all-lists"]).expect(0);
    assert_eq!(verdicts(&sandbox), before);
}

#[test]
fn every_change_names_the_generation_that_holds_it() {
    let sandbox = Sandbox::new();
    let first =
        sandbox.quell(["status", "--json"]).expect(0).json()["generation"].as_u64().unwrap();
    let run = sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    assert!(run.text().contains("generation 1"), "{}", run.text());
    let second =
        sandbox.quell(["check", "--json", "ann@example.com"]).expect(1).json()[0]["generation"]
            .as_u64();
    assert!(second > Some(first), "{second:?} after {first}");
    let answer = resubscribe(&sandbox, "ann@example.com", &["--json"]).expect(0).json();
    assert!(answer["generation"].as_u64() > second, "{answer}");
    assert_eq!(answer["permission"]["by"], "web team");
    assert_eq!(answer["still_blocked_by"], serde_json::json!([]));
}
