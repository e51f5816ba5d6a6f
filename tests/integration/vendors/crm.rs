//! Dynamics and ClickDimensions.

use super::{bulk, counted, counts, fixture, import, refused, transactional, twice};
use crate::sandbox::Sandbox;

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
