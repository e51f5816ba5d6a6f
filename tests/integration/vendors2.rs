//! Vendors' files, each in its own layout with its traps: exact counts, a second import that changes nothing,
//! what `check` answers, and the rejects.
//!
//! postmark, sparkpost, mandrill, mailchimp, hubspot, klaviyo, listmonk, mautic, Dynamics, ClickDimensions and
//! OPTIZMO. The files stand in `tests/vendors`.

use std::fs;
use std::io::{Cursor, Write};

use serde_json::Value;

use crate::sandbox::{Sandbox, root};

/// What an import counts.
#[derive(Debug, PartialEq)]
struct Counts {
    format: String,
    read: u64,
    added: u64,
    unchanged: u64,
    held: u64,
    rejected: u64,
}

fn counts(format: &str, [read, added, unchanged, held, rejected]: [u64; 5]) -> Counts {
    Counts { format: format.to_owned(), read, added, unchanged, held, rejected }
}

fn counted(answer: &Value) -> Counts {
    let count = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("{name}: {answer}"));
    let found = Counts {
        format: answer["format"].as_str().unwrap().to_owned(),
        read: count("read"),
        added: count("added"),
        unchanged: count("unchanged"),
        held: count("held"),
        rejected: count("rejected"),
    };
    assert_eq!(found.read, found.added + found.unchanged + found.held + found.rejected, "{answer}");
    found
}

fn fixture(file: &str) -> Vec<u8> {
    fs::read(root().join("tests/vendors").join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Imports a file of `tests/vendors` under its own name.
fn import(sandbox: &Sandbox, file: &str, options: &[&str]) -> Counts {
    import_as(sandbox, file, file, options)
}

/// Imports a file of `tests/vendors` under another name.
fn import_as(sandbox: &Sandbox, file: &str, name: &str, options: &[&str]) -> Counts {
    sandbox.write(name, fixture(file));
    let mut arguments = vec!["import", "--json"];
    arguments.extend(options);
    arguments.push(name);
    counted(&sandbox.quell(arguments).expect(0).json())
}

/// Imports a file twice: the second time nothing is added, and the records are the same.
fn twice(file: &str, options: &[&str], want: &Counts) -> Sandbox {
    let sandbox = Sandbox::new();
    let before = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    assert_eq!(import(&sandbox, file, options), *want, "{file}");
    let records = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    assert_eq!(before == records, want.added == 0, "{file}: {records}");
    let again = import(&sandbox, file, options);
    assert_eq!((again.added, again.read, again.rejected), (0, want.read, want.rejected), "{file}");
    assert_eq!(sandbox.quell(["status", "--json"]).expect(0).json()["records"], records, "{file}");
    sandbox
}

/// What `check` says for a bulk send, by address.
#[track_caller]
fn bulk(sandbox: &Sandbox, want: &[(&str, &[&str])]) {
    for (address, reasons) in want {
        assert_eq!(sandbox.reasons(address, &[]), *reasons, "{address}");
    }
}

/// What `check` says for a transactional send, by address.
#[track_caller]
fn transactional(sandbox: &Sandbox, want: &[(&str, &[&str])]) {
    for (address, reasons) in want {
        let found = sandbox.reasons(address, &["--class", "transactional"]);
        assert_eq!(found, *reasons, "{address}");
    }
}

/// A file that has rejects is not applied; its rejects are those rows, with these words in their causes.
#[track_caller]
fn refused(file: &str, format: &str, want: &[(u64, &str)]) {
    let sandbox = Sandbox::new();
    sandbox.write(file, fixture(file));
    let run =
        sandbox.quell(["import", "--format", format, "--rejects", "rejects.csv", file]).expect(3);
    assert!(run.stderr.contains("nothing of the file was applied"), "{file}: {}", run.stderr);
    let rejects = sandbox.read_text("rejects.csv");
    let lines: Vec<&str> = rejects.lines().skip(1).collect();
    assert_eq!(lines.len(), want.len(), "{file}: {rejects}");
    for (line, (number, words)) in lines.iter().zip(want) {
        assert!(line.starts_with(&format!("{number},")), "{file}: {line}, not line {number}");
        assert!(line.contains(words), "{file}: {line} does not say `{words}`");
    }
    let records = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    let records = records.as_object().unwrap();
    assert!(records.values().all(|count| count == 0), "{file}: {records:?}");
}

#[test]
fn postmark() {
    let sandbox = twice("postmark.json", &[], &counts("postmark", [5, 5, 0, 0, 0]));
    let want: &[(&str, &[&str])] = &[
        ("ann@example.com", &["unsubscribed"]),
        ("bob@example.com", &["bounce"]),
        ("cleo@example.com", &["complaint"]),
        ("dan@example.com", &["manual"]),
    ];
    bulk(&sandbox, want);
    bulk(&sandbox, &[("eva@example.com", &["manual"])]);
    transactional(&sandbox, &[("ann@example.com", &[]), ("dan@example.com", &["manual"])]);

    let sandbox = twice("postmark.csv", &[], &counts("postmark", [5, 4, 1, 0, 0]));
    bulk(&sandbox, want);

    let sandbox = twice("postmark.csv", &["--list", "News"], &counts("postmark", [5, 4, 1, 0, 0]));
    bulk(&sandbox, &[("ann@example.com", &[]), ("bob@example.com", &["bounce"])]);
    assert_eq!(sandbox.reasons("ann@example.com", &["--list", "News"]), ["opted_out:News"]);

    refused("postmark-unknown.csv", "postmark", &[(3, "SoftBounce"), (4, "empty"), (5, "Robot")]);
}

#[test]
fn sparkpost() {
    let sandbox = twice("sparkpost.csv", &[], &counts("sparkpost", [4, 4, 0, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &[]),
            ("bob@example.com", &["manual"]),
            ("cleo@example.com", &["manual"]),
        ],
    );
    transactional(
        &sandbox,
        &[
            ("ann@example.com", &["manual"]),
            ("bob@example.com", &[]),
            ("cleo@example.com", &["manual"]),
        ],
    );

    let sandbox = twice("sparkpost-legacy.csv", &[], &counts("sparkpost", [4, 3, 1, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &[]),
            ("bob@example.com", &["manual"]),
            ("cleo@example.com", &["manual"]),
            ("dan@example.com", &[]),
        ],
    );
    transactional(
        &sandbox,
        &[
            ("ann@example.com", &["manual"]),
            ("bob@example.com", &[]),
            ("cleo@example.com", &["manual"]),
            ("dan@example.com", &[]),
        ],
    );

    let sandbox = twice("sparkpost-retrieved.csv", &[], &counts("sparkpost", [6, 6, 0, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["complaint"]),
            ("bob@example.com", &["unsubscribed"]),
            ("cleo@example.com", &[]),
            ("dan@example.com", &["unsubscribed"]),
        ],
    );
    transactional(
        &sandbox,
        &[
            ("ann@example.com", &[]),
            ("bob@example.com", &[]),
            ("cleo@example.com", &["bounce"]),
            ("eva@example.com", &["manual"]),
            ("fay@example.com", &["manual"]),
        ],
    );

    let sandbox = twice("sparkpost.json", &[], &counts("sparkpost", [2, 2, 0, 0, 0]));
    bulk(&sandbox, &[("ann@example.com", &["unsubscribed"]), ("bob@example.com", &[])]);
    transactional(&sandbox, &[("ann@example.com", &[]), ("bob@example.com", &["bounce"])]);

    refused("sparkpost-unknown.csv", "sparkpost", &[(3, "marketing"), (4, "empty"), (5, "Whim")]);
}

#[test]
fn mandrill() {
    let sandbox = twice("mandrill.csv", &[], &counts("mandrill", [6, 6, 0, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &[]),
            ("bob@example.com", &["bounce"]),
            ("cleo@example.com", &["complaint"]),
            ("dan@example.com", &["unsubscribed"]),
            ("eva@example.com", &["manual"]),
            ("fay@example.com", &["bounce"]),
        ],
    );
    refused(
        "mandrill-unknown.csv",
        "mandrill",
        &[(3, "invalid-sender"), (4, "whitelist"), (5, "expires_at")],
    );
}

#[test]
fn mandrill_soft_bounce_never_shortens_a_hard_one() {
    let header = "email,reason,detail,created_at,expires_at,last_event_at,expires_at,subaccount\n";
    let soft = "ann@example.com,soft-bounce,,2015-01-01,2015-01-02,2015-01-01,2015-01-02,\n";
    let hard = "ann@example.com,hard-bounce,,2015-01-01,2015-01-08,2015-01-01,2015-01-08,\n";
    for rows in [[soft, hard], [hard, soft]] {
        let sandbox = Sandbox::new();
        sandbox.write("rejects.csv", format!("{header}{}{}", rows[0], rows[1]));
        let answer = sandbox.quell(["import", "rejects.csv", "--json"]).expect(0).json();
        assert_eq!(counted(&answer).read, 2);
        assert_eq!(sandbox.reasons("ann@example.com", &[]), ["bounce"], "{rows:?}");
    }
}

const UNSUBSCRIBED: &str = "unsubscribed_email_audience_export_1a2b3c4d5e.csv";
const CLEANED: &str = "cleaned_email_audience_export_1a2b3c4d5e.csv";
const SUBSCRIBED: &str = "subscribed_email_audience_export_1a2b3c4d5e.csv";

#[test]
fn mailchimp_by_the_name_of_the_file() {
    let sandbox = twice(UNSUBSCRIBED, &[], &counts("mailchimp", [2, 2, 0, 0, 0]));
    let want: &[(&str, &[&str])] =
        &[("ann@example.com", &["unsubscribed"]), ("bob@example.com", &["unsubscribed"])];
    bulk(&sandbox, want);
    transactional(&sandbox, &[("ann@example.com", &[])]);

    let options = ["--list", "Newsletter"];
    let sandbox = twice(UNSUBSCRIBED, &options, &counts("mailchimp", [2, 2, 0, 0, 0]));
    bulk(&sandbox, &[("ann@example.com", &[])]);
    assert_eq!(sandbox.reasons("ann@example.com", &options), ["opted_out:Newsletter"]);
    assert_eq!(sandbox.reasons("ann@example.com", &["--list", "Offers"]), [""; 0]);

    let sandbox = twice(CLEANED, &[], &counts("mailchimp", [1, 1, 0, 0, 0]));
    bulk(&sandbox, &[("cleo@example.com", &["bounce"])]);
    transactional(&sandbox, &[("cleo@example.com", &["bounce"])]);

    let sandbox = twice(SUBSCRIBED, &[], &counts("mailchimp", [2, 0, 2, 0, 0]));
    bulk(&sandbox, &[("dan@example.com", &[]), ("eva@example.com", &[])]);
}

#[test]
fn mailchimp_without_the_name() {
    // The columns say it.
    for (file, address, reason) in [
        (UNSUBSCRIBED, "ann@example.com", "unsubscribed"),
        (CLEANED, "cleo@example.com", "bounce"),
        ("mailchimp-german-unsubscribed.csv", "gus@example.com", "unsubscribed"),
    ] {
        let sandbox = Sandbox::new();
        import_as(&sandbox, file, "download.csv", &[]);
        assert_eq!(sandbox.reasons(address, &[]), [reason], "{file}");
    }
    // They don't: fields of the audience have the names of Mailchimp's columns.
    let fields = "mailchimp-fields-named-like-status.csv";
    let sandbox = Sandbox::new();
    sandbox.write("download.csv", fixture(fields));
    let run = sandbox.quell(["import", "download.csv"]).expect(3);
    run.says("mailchimp-unsubscribed").says("mailchimp-cleaned");
    let counted = import_as(&sandbox, fields, "subscribed_members_export_1.csv", &[]);
    assert_eq!(counted, counts("mailchimp", [1, 0, 1, 0, 0]));
    // The user does.
    let format = ["--format", "mailchimp-unsubscribed"];
    let counted = import_as(&sandbox, fields, "download.csv", &format);
    assert_eq!(counted, counts("mailchimp-unsubscribed", [1, 1, 0, 0, 0]));
    bulk(&sandbox, &[("fay@example.com", &["unsubscribed"])]);
}

#[test]
fn mailchimp_whose_name_is_milder_than_its_columns() {
    for file in [UNSUBSCRIBED, CLEANED] {
        let sandbox = Sandbox::new();
        sandbox.write("subscribed_members_export_1.csv", fixture(file));
        sandbox.quell(["import", "subscribed_members_export_1.csv"]).expect(3);
    }
    let sandbox = Sandbox::new();
    sandbox.write("unsubscribed.csv", fixture(CLEANED));
    sandbox.quell(["import", "unsubscribed.csv"]).expect(3);
    // Bare columns: only the name says it, and it is believed.
    for (name, want) in [
        ("unsubscribed_members_export_1.csv", &["unsubscribed"][..]),
        ("nonsubscribed_members_export_1.csv", &[]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(name, "Email Address,First Name\nann@example.com,Ann\n");
        sandbox.quell(["import", name]).expect(0);
        assert_eq!(sandbox.reasons("ann@example.com", &[]), want, "{name}");
    }
}

#[test]
fn hubspot() {
    let sandbox = twice("hubspot.csv", &[], &counts("hubspot", [8, 7, 1, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["unsubscribed"]),
            ("bob@example.com", &["bounce"]),
            ("cleo@example.com", &["complaint"]),
            ("dan@example.com", &["bounce"]),
            ("eva@example.com", &[]),
            ("fay@example.com", &[]),
            ("gus@example.com", &[]),
            ("hal@example.com", &["bounce", "unsubscribed"]),
        ],
    );
    let list = ["--list", "Marketing Information"];
    assert_eq!(sandbox.reasons("eva@example.com", &list), ["opted_out:Marketing Information"]);
    let list = ["--list", "Email Digest"];
    assert_eq!(sandbox.reasons("fay@example.com", &list), ["opted_out:Email Digest"]);
    assert_eq!(sandbox.reasons("eva@example.com", &list), [""; 0]);

    refused("hubspot-unknown.csv", "hubspot", &[(3, "maybe"), (4, "2026-01-01")]);

    let sandbox = Sandbox::new();
    sandbox.write("optout.csv", "First Name,Email\nAnn,Ann@Example.com\n");
    let run = sandbox.quell(["import", "--format", "hubspot", "optout.csv", "--json"]).expect(0);
    assert_eq!(counted(&run.json()), counts("hubspot", [1, 1, 0, 0, 0]));
    bulk(&sandbox, &[("ann@example.com", &["unsubscribed"])]);
}

#[test]
fn klaviyo() {
    let sandbox = twice("klaviyo.csv", &[], &counts("klaviyo", [5, 5, 0, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["unsubscribed"]),
            ("bob@example.com", &["bounce"]),
            ("cleo@example.com", &["invalid"]),
            ("dan@example.com", &["complaint"]),
            ("eva@example.com", &["manual"]),
        ],
    );
    refused("klaviyo-unknown.csv", "klaviyo", &[(3, "NEVER_SUBSCRIBED"), (4, "empty")]);

    // The bare column means the same, whoever made it.
    for (options, format) in [(&[][..], "native"), (&["--format", "klaviyo"], "klaviyo")] {
        let sandbox = twice("klaviyo-upload.csv", options, &counts(format, [2, 2, 0, 0, 0]));
        bulk(&sandbox, &[("ann@example.com", &["unsubscribed"])]);
        transactional(&sandbox, &[("ann@example.com", &[])]);
    }
}

#[test]
fn listmonk() {
    let sandbox = twice("listmonk.csv", &[], &counts("listmonk", [3, 2, 1, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["unsubscribed"]),
            ("bob@example.com", &["manual"]),
            ("cleo@example.com", &[]),
        ],
    );
    let history = sandbox.quell(["history", "ann@example.com", "--json"]).expect(0).text();
    assert!(history.contains("2026-02-02T03:04:05.678901Z"), "{history}");
    refused("listmonk-unknown.csv", "listmonk", &[(3, "unsubscribed"), (4, "empty")]);
}

#[test]
fn mautic() {
    let sandbox = twice("mautic.csv", &[], &counts("mautic", [7, 3, 4, 0, 0]));
    for address in ["ann@example.com", "bob@example.com", "cleo@example.com"] {
        assert_eq!(sandbox.reasons(address, &[]), ["manual"], "{address}");
        assert_eq!(sandbox.reasons(address, &["--class", "transactional"]), [""; 0], "{address}");
    }
    for address in ["dan@example.com", "eva@example.com", "fay@example.com", "gus@example.com"] {
        assert_eq!(sandbox.reasons(address, &[]), [""; 0], "{address}");
    }
    // What Mautic would lift stays.
    sandbox.write("lift.csv", "email,doNotEmail\nann@example.com,0\nbob@example.com,false\n");
    let answer = sandbox.quell(["import", "lift.csv", "--json"]).expect(0).json();
    assert_eq!(counted(&answer), counts("mautic", [2, 0, 2, 0, 0]));
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["manual"]);

    refused("mautic-unknown.csv", "mautic", &[(3, "2"), (4, "unsubscribed")]);
}

#[test]
fn dynamics_by_display_names() {
    let file = "dynamics-contacts.csv";
    let sandbox = twice(file, &[], &counts("dynamics-contacts", [6, 5, 1, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["bulk_email_denied"]),
            ("bob@example.com", &[]),
            ("cleo@example.com", &["email_denied"]),
            ("cleo@example.org", &["email_denied"]),
            ("dan@example.com", &[]),
            ("dan@example.org", &[]),
            ("eva@example.com", &[]),
        ],
    );
    transactional(&sandbox, &[("ann@example.com", &[]), ("cleo@example.org", &["email_denied"])]);
    let id = ["--contact", "00000000-0000-4000-8000-000000000001"];
    assert_eq!(sandbox.reasons("someone@example.com", &id), ["bulk_email_denied"]);

    // A later export that allows lifts nothing.
    let allowing = String::from_utf8(fixture(file)).unwrap().replace("Do Not Allow,", "Allow,");
    sandbox.write("later.csv", allowing.replace(",Do Not Allow\n", ",Allow\n"));
    let answer = sandbox.quell(["import", "later.csv", "--json"]).expect(0).json();
    assert_eq!(counted(&answer), counts("dynamics-contacts", [6, 0, 4, 2, 0]));
    bulk(&sandbox, &[("ann@example.com", &["bulk_email_denied"])]);

    // Each address is lifted by permission, for itself.
    let permission =
        ["--permission", "email", "--evidence", "asked to be mailed again", "--by", "support"];
    let mut lift = vec!["resubscribe", "cleo@example.org"];
    lift.extend(permission);
    sandbox.quell(lift).expect(0);
    bulk(&sandbox, &[("cleo@example.org", &[]), ("cleo@example.com", &["email_denied"])]);
}

#[test]
fn dynamics_by_logical_names() {
    let file = "dynamics-logical.csv";
    let sandbox = twice(file, &[], &counts("dynamics-contacts", [4, 4, 0, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["bulk_email_denied"]),
            ("bob@example.com", &[]),
            ("cleo@example.com", &["bulk_email_denied"]),
            ("cleo@example.org", &["bulk_email_denied"]),
            ("cleo.two@example.org", &["bulk_email_denied"]),
            ("dan@example.org", &["bulk_email_denied"]),
        ],
    );
    refused(
        "dynamics-unknown.csv",
        "dynamics-contacts",
        &[
            (3, "donotbulkemailname"),
            (4, "`2`"),
            (5, "Perhaps"),
            (6, "emailaddress1"),
            (7, "Contact"),
        ],
    );
}

#[test]
fn dynamics_without_ids_keeps_the_flag() {
    let sandbox = Sandbox::new();
    let counted = import(&sandbox, "dynamics-no-id.csv", &[]);
    assert_eq!(counted, counts("dynamics-contacts", [3, 2, 0, 1, 0]));
    bulk(&sandbox, &[("ann@example.com", &["bulk_email_denied"]), ("bob@example.com", &[])]);
    let counted = import(&sandbox, "dynamics-no-id.csv", &[]);
    assert_eq!(counted, counts("dynamics-contacts", [3, 0, 2, 1, 0]));
}

#[test]
fn dynamics_without_a_flag_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("contacts.csv", "contactid,emailaddress1\n1,ann@example.com\n");
    let arguments = ["import", "--format", "dynamics-contacts", "contacts.csv"];
    sandbox.quell(arguments).expect(3).says("donotbulkemail");
}

#[test]
fn clickdimensions_unsubscribes() {
    let format = "clickdimensions-unsubscribes";
    let list = ["--list", "Weekly News"];
    for (file, rows) in
        [("clickdimensions-unsubscribes.csv", 3), ("clickdimensions-unsubscribes-logical.csv", 4)]
    {
        let sandbox = twice(file, &[], &counts(format, [rows, rows, 0, 0, 0]));
        bulk(
            &sandbox,
            &[
                ("ann@example.com", &["unsubscribed"]),
                // Inactive.
                ("bob@example.com", &["unsubscribed"]),
                ("cleo@example.com", &[]),
            ],
        );
        assert_eq!(sandbox.reasons("cleo@example.com", &list), ["opted_out:Weekly News"]);
        assert_eq!(sandbox.reasons("dan@example.com", &list), [""; 0]);
        let exported = sandbox.quell(["export", "unsubscribes"]).expect(0).text();
        let bob = exported.lines().find(|line| line.contains("bob@")).unwrap();
        assert!(bob.contains("inactive"), "{bob}");
        if rows == 4 {
            let id = "00000000-0000-4000-8000-0000000000f2";
            let found = sandbox.reasons("dan@example.com", &["--list", id]);
            assert_eq!(found, [format!("opted_out:{id}")]);
        }
    }
    let file = "clickdimensions-unsubscribes-unknown.csv";
    refused(file, format, &[(3, "`7`"), (4, "cdi_email")]);
}

#[test]
fn clickdimensions_preferences() {
    let format = "clickdimensions-preferences";
    let list = ["--list", "Weekly News"];
    for (file, rows) in
        [("clickdimensions-preferences.csv", 3), ("clickdimensions-preferences-display.csv", 2)]
    {
        let sandbox = twice(file, &[], &counts(format, [rows, rows, 0, 0, 0]));
        assert_eq!(sandbox.reasons("ann@example.com", &list), ["opted_out:Weekly News"]);
        assert_eq!(sandbox.reasons("bob@example.com", &list), [""; 0]);
        bulk(&sandbox, &[("ann@example.com", &[])]);
        // An In after an Out is held.
        sandbox.write(
            "in.csv",
            "Email,Preference,Subscription List\nann@example.com,In,Weekly News\n",
        );
        let answer = sandbox.quell(["import", "in.csv", "--json"]).expect(0).json();
        assert_eq!(counted(&answer), counts(format, [1, 0, 0, 1, 0]));
        assert_eq!(sandbox.reasons("ann@example.com", &list), ["opted_out:Weekly News"]);
    }
    refused(
        "clickdimensions-preferences-unknown.csv",
        format,
        &[(3, "`1`"), (4, "Maybe"), (5, "cdi_preference"), (6, "empty")],
    );
}

/// A ZIP of these members.
fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn mailchimp_zip_is_applied_whole_or_not_at_all() {
    let [unsubscribed, cleaned, subscribed] = [UNSUBSCRIBED, CLEANED, SUBSCRIBED].map(fixture);
    let sandbox = Sandbox::new();
    sandbox.write(
        "audience_export_1a2b3c4d5e.zip",
        zipped(&[(SUBSCRIBED, &subscribed), (UNSUBSCRIBED, &unsubscribed), (CLEANED, &cleaned)]),
    );
    let run = sandbox.quell(["import", "audience_export_1a2b3c4d5e.zip", "--json"]).expect(0);
    assert_eq!(counted(&run.json()), counts("mailchimp", [5, 3, 2, 0, 0]));
    bulk(
        &sandbox,
        &[
            ("ann@example.com", &["unsubscribed"]),
            ("cleo@example.com", &["bounce"]),
            ("dan@example.com", &[]),
        ],
    );

    let bad = String::from_utf8(cleaned).unwrap().replace("cleo@example.com", "cleo");
    let sandbox = Sandbox::new();
    sandbox
        .write("audience.zip", zipped(&[(UNSUBSCRIBED, &unsubscribed), (CLEANED, bad.as_bytes())]));
    sandbox.quell(["import", "audience.zip"]).expect(3);
    bulk(&sandbox, &[("ann@example.com", &[])]);
}

#[test]
fn optizmo() {
    let sandbox = twice("optizmo-plain.csv", &[], &counts("optizmo", [2, 2, 0, 0, 0]));
    bulk(
        &sandbox,
        &[("ann@example.com", &["unsubscribed"]), ("bob@example.com", &["unsubscribed"])],
    );
    transactional(&sandbox, &[("ann@example.com", &[])]);

    let offer = ["--list", "Offer"];
    let sandbox = twice("optizmo-plain.csv", &offer, &counts("optizmo", [2, 2, 0, 0, 0]));
    bulk(&sandbox, &[("ann@example.com", &[])]);
    assert_eq!(sandbox.reasons("ann@example.com", &offer), ["opted_out:Offer"]);

    let sandbox = twice("optizmo-hashed.csv", &[], &counts("optizmo", [2, 2, 0, 0, 0]));
    bulk(&sandbox, &[("test@example.com", &["digest"]), (" BOB@Example.com", &["digest"])]);
    bulk(&sandbox, &[("ann@example.com", &[])]);

    // Without a header it is a list of digests, whoever made it.
    sandbox
        .write("md5.txt", "257c57037d384ae37ea27a07e8a01665\n55502f40dc8b7c769880b10874abc9d0\n");
    let answer = sandbox.quell(["import", "md5.txt", "--json"]).expect(0).json();
    assert_eq!(counted(&answer), counts("native", [2, 1, 1, 0, 0]));
    bulk(&sandbox, &[("ann@example.com", &["digest"])]);

    let file = "optizmo-both.csv";
    refused(file, "optizmo", &[(4, "digest"), (5, "hashed")]);
    let sandbox = Sandbox::new();
    let counted = import(&sandbox, file, &["--allow-rejects", "2"]);
    assert_eq!(counted, counts("optizmo", [4, 2, 0, 0, 2]));
    bulk(&sandbox, &[("ann@example.com", &["unsubscribed"]), ("test@example.com", &["digest"])]);
}

#[test]
fn optizmo_zip_has_the_domains_too() {
    let digests = b"55502f40dc8b7c769880b10874abc9d0\n257c57037d384ae37ea27a07e8a01665\n";
    let domains = b"example.org\n*.example.net\n";
    let archive = zipped(&[("optouts.txt", digests), ("domains.txt", domains)]);
    for options in [&[][..], &["--format", "optizmo"]] {
        let sandbox = Sandbox::new();
        sandbox.write("m-1.zip", &archive);
        let mut arguments = vec!["import", "--json", "m-1.zip"];
        arguments.extend(options);
        let answer = sandbox.quell(&arguments).expect(0).json();
        assert_eq!(counted(&answer), counts("optizmo", [4, 4, 0, 0, 0]));
        bulk(
            &sandbox,
            &[
                ("test@example.com", &["digest"]),
                ("Ann@example.com", &["digest"]),
                ("bob@example.com", &[]),
                // The first line of the list is a domain like the others.
                ("bob@example.org", &["domain"]),
                ("bob@mail.example.org", &[]),
                ("bob@example.net", &["domain"]),
                ("bob@mail.example.net", &["domain"]),
            ],
        );
        let again = counted(&sandbox.quell(&arguments).expect(0).json());
        assert_eq!((again.read, again.added), (4, 0));
    }
    // A public suffix would withhold from millions: nothing of the archive is applied.
    let sandbox = Sandbox::new();
    let archive = zipped(&[("optouts.txt", digests), ("domains.txt", b"example.org\ncom\n")]);
    sandbox.write("m-1.zip", archive);
    sandbox.quell(["import", "m-1.zip"]).expect(3).says("public suffix");
    bulk(&sandbox, &[("test@example.com", &[])]);
}

#[test]
fn mandrill_zip() {
    let sandbox = Sandbox::new();
    sandbox.write("export.zip", zipped(&[("rejects.csv", &fixture("mandrill.csv"))]));
    let answer = sandbox.quell(["import", "export.zip", "--json"]).expect(0).json();
    assert_eq!(counted(&answer), counts("mandrill", [6, 6, 0, 0, 0]));
}

#[test]
fn a_header_that_only_one_vendor_has_is_never_two_formats() {
    let sandbox = Sandbox::new();
    for entry in fs::read_dir(root().join("tests/vendors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let run = sandbox.quell(["import", "--dry-run", "--json", path.to_str().unwrap()]);
        let told = run.code == Some(0) || run.stderr.contains("can't be understood");
        let is_undecided = name == "mailchimp-fields-named-like-status.csv";
        assert_eq!(told, !is_undecided, "{name}: {}", run.stderr);
    }
}

#[test]
fn what_may_hold_an_opt_out_that_is_not_understood_is_refused_by_its_name() {
    for (name, text, says) in [
        (
            "x.csv",
            "contactid,Email,donotemail,Do not allow mass mailing\n1,ann@example.com,0,1\n",
            &["Do not allow mass mailing"][..],
        ),
        (
            "x.csv",
            "fullname,email,donotemail\nAnn,ann@example.com,1\n",
            &["dynamics-contacts", "mautic"],
        ),
        (
            "blocklist.csv",
            "status,reason,email,created\n,,ann@example.com,1\n",
            &["sendgrid-blocks", "sendgrid-bounces"],
        ),
        (
            "not_subscribed_members_export_1.csv",
            "Email Address,First Name\nann@example.com,Ann\n",
            &["mailchimp-unsubscribed"],
        ),
        (
            "x.csv",
            "Email,Portal Bounce,Portal Quarantine\nann@example.com,,TRUE\n",
            &["Portal Quarantine"],
        ),
        (
            "x.csv",
            "emailAddress,unsubscribeAll,topicPreferences.\nann@example.com,,OPT_OUT\n",
            &["topicPreferences."],
        ),
        (
            "x.csv",
            "Email,Reason\nann@example.com,UNSUBSCRIBE\n",
            &["klaviyo", "import suppressions"],
        ),
        (
            "x.json",
            "{\"TotalCount\":2,\"Suppressions\":[{\"EmailAddress\":\"ann@example.com\",\
             \"SuppressionReason\":\"HardBounce\"}]}",
            &["TotalCount"],
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(name, text);
        let run = sandbox.quell(["import", name]).expect(3);
        let _ = says.iter().fold(run, |run, word| run.says(word));
        assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0], "{name}: {text}");
    }
}
