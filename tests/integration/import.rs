//! `quell import`: monotone, idempotent, and a whole file or nothing.

use serde_json::json;

use crate::sandbox::{Sandbox, sample};

fn import(sandbox: &Sandbox, kind: &str, content: &str) -> serde_json::Value {
    sandbox.write("file.csv", content);
    sandbox.quell(["import", kind, "file.csv", "--json"]).expect(0).json()
}

#[test]
fn the_samples_import_without_a_reject_and_a_second_time_change_nothing() {
    let sandbox = Sandbox::new();
    for kind in ["contacts", "unsubscribes", "preferences", "suppressions"] {
        let file = sample(&format!("{kind}.csv"));
        let arguments = ["import", kind, file.to_str().unwrap(), "--json"];
        let first = sandbox.quell(arguments).expect(0).json();
        assert_eq!(first["rejected"], 0, "{kind}: {first}");
        assert!(first["added"].as_u64() > Some(0), "{kind}: {first}");
        let exported = sandbox.quell(["export", kind]).expect(0).stdout;
        let second = sandbox.quell(arguments).expect(0).json();
        assert_eq!(second["added"], 0, "{kind}: {second}");
        assert_eq!(second["read"], first["read"]);
        assert_eq!(sandbox.quell(["export", kind]).expect(0).stdout, exported, "{kind}");
    }
}

#[test]
fn a_row_that_allows_is_held_and_lifts_nothing() {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "contacts",
        "contact_id,email,bulk_email,email_allowed\n1,ann@example.com,Do Not Allow,false\n",
    );
    let answer = import(
        &sandbox,
        "contacts",
        "contact_id,email,bulk_email,email_allowed\n1,ann@example.com,Allow,true\n",
    );
    assert_eq!((&answer["held"], &answer["added"]), (&json!(1), &json!(0)));
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["email_denied", "bulk_email_denied"]);

    import(&sandbox, "preferences", "email,list,preference\nbob@example.com,news,Out\n");
    let answer =
        import(&sandbox, "preferences", "email,list,preference\nBob@example.com,news,In\n");
    assert_eq!((&answer["held"], &answer["added"]), (&json!(1), &json!(0)));
    assert_eq!(sandbox.reasons("bob@example.com", &["--list", "news"]), ["opted_out:news"]);
}

#[test]
fn an_empty_flag_leaves_the_contact_as_it_is() {
    let sandbox = Sandbox::new();
    import(&sandbox, "contacts", "contact_id,email,bulk_email\n1,ann@example.com,Do Not Allow\n");
    import(
        &sandbox,
        "contacts",
        "contact_id,email,bulk_email,email_allowed\n1,ann@example.com,,\n",
    );
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["bulk_email_denied"]);
}

#[test]
fn a_denied_contact_that_moves_keeps_its_former_address_blocked() {
    let sandbox = Sandbox::new();
    import(&sandbox, "contacts", "contact_id,email,bulk_email\n1,old@example.com,0\n");
    import(&sandbox, "contacts", "contact_id,email,bulk_email\n1,new@example.com,\n");
    for address in ["old@example.com", "new@example.com"] {
        assert_eq!(sandbox.reasons(address, &[]), ["bulk_email_denied"], "{address}");
    }
}

#[test]
fn what_is_said_of_a_contact_later_does_not_reach_its_former_address() {
    let sandbox = Sandbox::new();
    import(&sandbox, "contacts", "contact_id,email\n1,old@example.com\n");
    import(&sandbox, "contacts", "contact_id,email\n1,new@example.com\n");
    import(&sandbox, "contacts", "contact_id,email,bulk_email\n1,new@example.com,0\n");
    assert_eq!(sandbox.reasons("new@example.com", &[]), ["bulk_email_denied"]);
    assert_eq!(sandbox.reasons("old@example.com", &[]), [""; 0]);
}

/// The new address has a permission, the old one has none: a copy must not mix them up.
#[test]
fn an_export_of_contacts_takes_every_block_to_a_new_store_and_no_more() {
    let sandbox = Sandbox::new();
    import(&sandbox, "contacts", "contact_id,email,bulk_email\n1,old@example.com,0\n");
    import(&sandbox, "contacts", "contact_id,email\n1,new@example.com\n");
    let permission = ["--permission", "form", "--evidence", "form 12", "--by", "web team"];
    sandbox.quell(["resubscribe", "new@example.com"].iter().chain(&permission)).expect(0);
    let exported = sandbox.quell(["export", "contacts", "--format", "csv"]).expect(0).text();
    let copy = Sandbox::new();
    import(&copy, "contacts", &exported);
    for sandbox in [&sandbox, &copy] {
        assert_eq!(sandbox.reasons("old@example.com", &[]), ["bulk_email_denied"]);
        assert_eq!(sandbox.reasons("new@example.com", &[]), [""; 0]);
        assert_eq!(sandbox.reasons("new@example.com", &["--contact", "1"]), [""; 0]);
        assert_eq!(
            sandbox.reasons("old@example.com", &["--contact", "1"]),
            ["bulk_email_denied"],
            "what was left there"
        );
    }
    assert_eq!(copy.quell(["export", "contacts", "--format", "csv"]).expect(0).text(), exported);
}

#[test]
fn a_word_about_a_former_address_that_is_none_is_a_reject() {
    let sandbox = Sandbox::new();
    sandbox.write("file.csv", "contact_id,email,quell_former\n1,ann@example.com,perhaps\n");
    sandbox.quell(["import", "contacts", "file.csv"]).expect(3).says("quell_former");
}

#[test]
fn an_expiry_never_shortens_a_block_that_stands() {
    let sandbox = Sandbox::new();
    import(&sandbox, "suppressions", "email,reason,expires_at\nann@example.com,manual,\n");
    import(
        &sandbox,
        "suppressions",
        "email,reason,expires_at\nann@example.com,manual,2020-01-01\n",
    );
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["manual"]);
}

#[test]
fn a_narrower_class_never_narrows_a_block_that_stands() {
    let sandbox = Sandbox::new();
    import(&sandbox, "unsubscribes", "email,class\nann@example.com,transactional\n");
    import(&sandbox, "unsubscribes", "email,class\nann@example.com,bulk\n");
    for class in ["bulk", "transactional"] {
        assert_eq!(
            sandbox.reasons("ann@example.com", &["--class", class]),
            ["unsubscribed"],
            "{class}"
        );
    }
}

#[test]
fn one_reject_keeps_the_whole_file_out_and_says_where() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "file.csv",
        "email,reason\nann@example.com,bounce\nbob@example.com,annoyed\nno address,bounce\n",
    );
    sandbox
        .quell(["import", "suppressions", "file.csv", "--rejects", "rejects.csv"])
        .expect(3)
        .says("2");
    let rejects = sandbox.read_text("rejects.csv");
    assert!(rejects.contains('3') && rejects.contains("annoyed"), "{rejects}");
    assert!(rejects.contains('4'), "{rejects}");
    assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0], "nothing of the file is applied");
}

#[test]
fn allowed_rejects_leave_the_rest_of_the_file_in() {
    let sandbox = Sandbox::new();
    sandbox.write("file.csv", "email,reason\nann@example.com,bounce\nbob@example.com,annoyed\n");
    sandbox.quell(["import", "suppressions", "file.csv", "--allow-rejects", "0"]).expect(3);
    let answer = sandbox
        .quell(["import", "suppressions", "file.csv", "--allow-rejects", "1", "--json"])
        .expect(0)
        .json();
    assert_eq!((&answer["added"], &answer["rejected"]), (&json!(1), &json!(1)));
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["bounce"]);
}

#[test]
fn a_reject_names_its_file_where_there_are_several() {
    let sandbox = Sandbox::new();
    sandbox.write("one.csv", "email,reason\nann@example.com,bounce\nbob@example.com,annoyed\n");
    sandbox.write("two.csv", "email,reason\neve@example.com,tired\n");
    let reject = ["--rejects", "r.csv", "--allow-rejects", "1"];
    let rejects = |files: &[&str]| {
        sandbox.quell([&["import", "suppressions"], files, &reject].concat()).expect(0);
        sandbox.read_text("r.csv")
    };
    let told = rejects(&["one.csv", "two.csv"]);
    assert!(told.contains("3,\"one.csv: ") || told.contains("3,one.csv: "), "{told}");
    assert!(told.contains("2,\"two.csv: ") || told.contains("2,two.csv: "), "{told}");
    assert!(!rejects(&["one.csv"]).contains("one.csv"));
}

#[test]
fn an_unknown_word_in_a_flag_column_is_a_reject_and_never_allow() {
    for word in ["yes", "maybe", "Allowed", "Do Not", "2", "-", "N", "DoNotAllow!"] {
        let sandbox = Sandbox::new();
        import(&sandbox, "contacts", "contact_id,email,bulk_email\n9,first@example.com,0\n");
        sandbox
            .write("file.csv", format!("contact_id,email,bulk_email\n1,ann@example.com,{word}\n"));
        sandbox.quell(["import", "contacts", "file.csv"]).expect(3);
        let exported = sandbox.quell(["export", "contacts"]).expect(0).text();
        assert!(!exported.contains("ann@example.com"), "`{word}` was taken in:\n{exported}");
    }
}

#[test]
fn every_word_for_a_flag_is_understood() {
    for (word, denied) in [
        ("Allow", false),
        ("true", false),
        ("1", false),
        ("Do Not Allow", true),
        ("false", true),
        ("0", true),
    ] {
        let sandbox = Sandbox::new();
        import(
            &sandbox,
            "contacts",
            &format!("contact_id,email,email_allowed\n1,ann@example.com,{word}\n"),
        );
        let expected: &[&str] = if denied { &["email_denied"] } else { &[] };
        assert_eq!(sandbox.reasons("ann@example.com", &[]), expected, "`{word}`");
    }
}

#[test]
fn times_are_read_in_every_promised_form_and_nothing_else() {
    for (time, fine) in [
        ("2024-03-01T09:30:00Z", true),
        ("2024-03-01T09:30:00.5+02:00", true),
        ("2024-03-01", true),
        ("2024-03-01 09:30", true),
        ("2024-03-01 09:30:15", true),
        ("\"Fri, 01 Mar 2024 09:30:00 +0000\"", true),
        ("1709285400", true),
        ("01/03/2024", false),
        ("2024-13-01", false),
        ("yesterday", false),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("file.csv", format!("email,at\nann@example.com,{time}\n"));
        sandbox.quell(["import", "unsubscribes", "file.csv"]).expect(if fine { 0 } else { 3 });
    }
}

#[test]
fn column_order_is_free_and_extra_columns_are_ignored() {
    let sandbox = Sandbox::new();
    import(&sandbox, "preferences", "note,preference,email,list\nx,Out,ann@example.com,news\n");
    assert_eq!(sandbox.reasons("ann@example.com", &["--list", "news"]), ["opted_out:news"]);
}

#[test]
fn a_missing_required_column_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("file.csv", "email,reasons\nann@example.com,bounce\n");
    sandbox.quell(["import", "suppressions", "file.csv"]).expect_any(&[2, 3]).says("reason");
}

#[test]
fn several_files_go_in_with_one_command() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "email\nann@example.com\n");
    sandbox.write("b.csv", "email\nbob@example.com\n");
    sandbox.quell(["import", "unsubscribes", "a.csv", "b.csv"]).expect(0);
    assert_eq!(sandbox.kept(&["ann@example.com", "bob@example.com"], &[]), [""; 0]);
}

#[test]
fn what_was_exported_imports_again_with_the_same_answers() {
    let sandbox = Sandbox::with_samples();
    let other = Sandbox::new();
    for kind in ["contacts", "unsubscribes", "preferences", "suppressions"] {
        let exported = sandbox.quell(["export", kind]).expect(0).stdout;
        other.write("file.csv", &exported);
        other.quell(["import", kind, "file.csv"]).expect(0);
        assert_eq!(other.quell(["export", kind]).expect(0).stdout, exported, "{kind}");
    }
    for address in
        ["robin@example.com", "everything.at.once@example.org", "holiday.over@example.com"]
    {
        let options = ["--list", "offers"];
        assert_eq!(
            sandbox.reasons(address, &options),
            other.reasons(address, &options),
            "{address}"
        );
    }
}
