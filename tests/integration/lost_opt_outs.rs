//! Files from which an opt-out could get lost without a word: each must end with exit 3, or lose nobody.

use crate::sandbox::{Sandbox, zipped};

#[test]
fn an_archive_that_does_not_tell_of_all_its_bytes_is_refused() {
    let sandbox = Sandbox::new();
    let [one, two] = [("a.csv", "ann"), ("b.csv", "bob")]
        .map(|(name, who)| zipped(&[(name, format!("email\n{who}@example.com\n").as_bytes())]));
    sandbox.write("both.zip", [&one[..], &two[..]].concat());
    sandbox.write("behind.zip", [&one[..], b"garbage"].concat());
    sandbox.write("before.zip", [b"PK\x03\x04garbage", &one[..]].concat());
    // Two members of one name: the directory's readers keep one of them.
    let mut twice =
        zipped(&[("a.csv", b"email\nann@example.com\n"), ("b.csv", b"email\nbob@example.com\n")]);
    let places: Vec<usize> =
        (0..twice.len() - 5).filter(|at| &twice[*at..*at + 5] == b"b.csv").collect();
    places.iter().for_each(|at| twice[*at] = b'a');
    assert_eq!(places.len(), 2, "in its head and in the directory");
    sandbox.write("twice.zip", &twice);
    for name in ["both.zip", "behind.zip", "before.zip", "twice.zip"] {
        sandbox.quell(["import", "unsubscribes", name]).expect(3).says("ZIP archive");
    }
    sandbox.write(
        "whole.zip",
        zipped(&[
            ("a.csv", b"email\nann@example.com\n"),
            ("x/__MACOSX/._a.csv", b"\0"),
            ("x/._a.csv", b"\0"),
        ]),
    );
    sandbox.quell(["import", "unsubscribes", "whole.zip"]).expect(0);
    sandbox.quell(["check", "ann@example.com"]).expect(1);
}

#[test]
fn damaged_utf_8_is_not_taken_for_another_encoding() {
    let sandbox = Sandbox::new();
    for text in [
        &b"email,source\nm\xc3\xbcller@example.com,x\nann@example.com,Zo\xc3"[..],
        b"email,source\nm\xc3\xbcller@example.com,x\nann@example.com,Zo\xeb\n",
        b"email,source\nann@example.com,Zo\xeb\nm\xc3\xbcller@example.com,x\n",
    ] {
        sandbox.write("u.csv", text);
        sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(3).says("is not UTF-8");
    }
    sandbox.write("latin.csv", b"email,source\nann@example.com,Zo\xeb\n");
    sandbox.quell(["import", "unsubscribes", "latin.csv"]).expect(0);
}

#[test]
fn a_quote_that_takes_rows_in_is_a_reject() {
    let sandbox = Sandbox::new();
    let bounces = "status,reason,email,created\n5.1.1,\"bad,ann@example.com,1790083507\n5.1.1,\"bad\",bob@example.com,1790083508\n";
    sandbox.write("suppression_bounces.csv", bounces);
    sandbox.quell(["import", "suppression_bounces.csv"]).expect(3).says("behind the closing quote");
    for text in [
        "email,source\nann@example.com,\"open\nbob@example.com,\"x\"\ncy@example.com,y\n",
        "email,list\n\"ann@example.com\"x,news\n",
        "email,list\nann@example.com,\"news\" x\n",
    ] {
        sandbox.write("u.csv", text);
        sandbox
            .quell(["import", "unsubscribes", "u.csv"])
            .expect(3)
            .says("behind the closing quote");
    }
    sandbox.write("u.csv", "email,list\n\"ann@example.com\" ,\"a \"\"b\"\"\"\n");
    sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(0);
    sandbox.quell(["check", "ann@example.com", "--list", "a \"b\""]).expect(1);
}

#[test]
fn a_list_that_no_row_could_be_sent_for_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "email,list\nbob@example.com,news;offers\n");
    sandbox.quell(["import", "unsubscribes", "u.csv"]).expect(3).says("`;` parts several lists");
    sandbox.quell(["unsubscribe", "bob@example.com", "--list", "a;b"]).expect(2);
    sandbox.write("r.csv", "email\nbob@example.com\n");
    sandbox.quell(["filter", "r.csv", "--suppress", "u.csv", "--list", "news"]).expect(3);
}

#[test]
fn a_rule_for_a_domain_that_the_policy_renames_keeps_its_subdomains() {
    let sandbox = Sandbox::without_store();
    sandbox.quell(["init", "--policy", "googlemail"]).expect(0);
    sandbox.write("d.csv", "domain,subdomains\ngooglemail.com,true\n");
    let import = || sandbox.quell(["import", "domains", "d.csv"]).expect(0).text();
    assert!(import().contains("read 1, added 1"));
    for (domain, code) in
        [("googlemail.com", 1), ("gmail.com", 1), ("eu.googlemail.com", 1), ("eu.gmail.com", 0)]
    {
        sandbox.quell(["check", &format!("nobody-at-all@{domain}")]).expect(code);
    }
    assert!(import().contains("unchanged 1"));
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn bytes_that_are_no_text_are_kept_by_no_option_and_digests_of_any_cell_are_told() {
    let sandbox = Sandbox::new();
    sandbox.write("r.csv", b"email\nb\xf6b@example.com\nnobody\n");
    let kept = sandbox.quell(["filter", "r.csv", "--invalid", "keep"]).expect(0);
    assert_eq!(kept.text(), "email\nnobody\n");
    // The MD5 of `nobody`.
    sandbox.write("d.txt", "6e854442cd2a940c9e95941dce4ad598\n");
    sandbox.quell(["import", "digests", "d.txt"]).expect(0);
    assert!(sandbox.quell(["check", "nobody"]).expect(1).text().contains("digest"));
}

#[test]
fn rejects_are_told_by_their_line_whatever_ends_lines() {
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "email,source\rann@example.com,x\rnope,y\rbob@example.com,z\rnope2,q\r");
    sandbox.quell(["import", "unsubscribes", "u.csv", "--rejects", "r.csv"]).expect(3);
    let rejects = sandbox.read_text("r.csv");
    let lines: Vec<_> = rejects.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert_eq!(lines, ["3", "5"], "{rejects}");
}
