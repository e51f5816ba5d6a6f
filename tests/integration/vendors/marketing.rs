//! HubSpot, Klaviyo, listmonk and Mautic.

use super::{bulk, counted, counts, refused, transactional, twice};
use crate::sandbox::Sandbox;

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
