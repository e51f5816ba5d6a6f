//! Postmark, SparkPost, Mandrill and Mailchimp.

use super::{bulk, counted, counts, fixture, import_as, refused, transactional, twice};
use crate::sandbox::{Sandbox, zipped};

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

/// A ZIP of these members.
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
fn mandrill_zip() {
    let sandbox = Sandbox::new();
    sandbox.write("export.zip", zipped(&[("rejects.csv", &fixture("mandrill.csv"))]));
    let answer = sandbox.quell(["import", "export.zip", "--json"]).expect(0).json();
    assert_eq!(counted(&answer), counts("mandrill", [6, 6, 0, 0, 0]));
}
