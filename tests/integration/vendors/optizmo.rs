//! OPTIZMO.

use super::{bulk, counted, counts, import, refused, transactional, twice};
use crate::sandbox::{Sandbox, zipped};

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
