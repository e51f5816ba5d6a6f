//! Domain rules and digests: imports, `check`, `search`, `history`, `export`, `verify`, and the warning.

use crate::sandbox::{Run, Sandbox};
use md5::Md5;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Imports a file of this content, which succeeds; gives the counts.
#[track_caller]
fn import(sandbox: &Sandbox, kind: &str, content: &str) -> Value {
    sandbox.write("in.csv", content);
    sandbox.quell(["import", kind, "in.csv", "--json"]).expect(0).json()
}

/// Imports a file that is refused; gives what the rejects file says of the one bad row.
#[track_caller]
fn rejected(sandbox: &Sandbox, kind: &str, content: &str) -> String {
    sandbox.write("in.csv", content);
    sandbox.quell(["import", kind, "in.csv", "--rejects", "rejects.csv"]).expect(3);
    sandbox.read_text("rejects.csv").lines().skip(1).collect()
}

/// Reason, scope and class of everything that withholds an address.
fn causes(sandbox: &Sandbox, address: &str, options: &[&str]) -> Vec<String> {
    let mut arguments = vec!["check", "--json", address];
    arguments.extend(options);
    let answers = sandbox.quell(arguments).expect_any(&[0, 1]).json();
    let word = |cause: &Value, name: &str| cause[name].as_str().unwrap().to_owned();
    let causes = answers[0]["reasons"].as_array().unwrap();
    causes
        .iter()
        .map(|cause| ["reason", "scope", "class"].map(|name| word(cause, name)).join(" "))
        .collect()
}

/// The same answers come from the overlay, from a segment, and from a rebuild; the index is the ledger's.
fn in_every_state(sandbox: &Sandbox, ask: impl Fn(&str)) {
    ask("after the change");
    for options in
        [&["compile"][..], &["compile", "--full"], &["compile", "--full", "--no-dictionary"]]
    {
        sandbox.quell(options).expect(0);
        ask(&options.join(" "));
        sandbox.quell(["verify"]).expect(0);
    }
}

#[test]
fn a_rule_covers_its_domain_and_only_with_subdomains_those_below() {
    let sandbox = Sandbox::new();
    let counts = import(
        &sandbox,
        "domains",
        "domain,subdomains,at,source\nexample.com,,2025-01-31,legal\nexample.org,true,,\n@b\u{fc}cher.example,,,\n\
         [192.0.2.1],1,,\nshop.test,,,\ndesk.test,true,,\n",
    );
    assert_eq!((&counts["read"], &counts["added"]), (&6.into(), &6.into()), "{counts}");
    in_every_state(&sandbox, |when| {
        let covered = |address: &str| causes(&sandbox, address, &[]);
        assert_eq!(covered("Ann@Example.COM."), ["domain domain:example.com all"], "{when}");
        assert_eq!(covered("ann@a.b.example.org"), ["domain domain:example.org all"], "{when}");
        assert_eq!(covered("ann@example.org"), ["domain domain:example.org all"], "{when}");
        assert_eq!(covered("ann@b\u{fc}cher.example"), ["domain domain:xn--bcher-kva.example all"]);
        assert_eq!(
            covered("ann@XN--BCHER-KVA.example"),
            ["domain domain:xn--bcher-kva.example all"]
        );
        assert_eq!(covered("ann@[192.0.2.1]"), ["domain domain:[192.0.2.1] all"], "{when}");
        for clear in [
            "ann@a.b.example.com",
            "ann@notshop.test",
            "ann@notdesk.test",
            "ann@example.net",
            "ann@example.com.test",
            "ann@[192.0.2.11]",
            "ann@a.xn--bcher-kva.example",
        ] {
            assert!(covered(clear).is_empty(), "{when}: {clear}");
        }
        // Both kinds of send.
        assert_eq!(
            causes(&sandbox, "ann@example.com", &["--class", "transactional"]),
            ["domain domain:example.com all"],
            "{when}"
        );
    });
    let text = sandbox.quell(["check", "ann@example.com"]).expect(1).text();
    assert!(text.contains("since 2025-01-31T00:00:00Z, source legal"), "{text}");
}

#[test]
fn a_rule_gains_subdomains_and_never_loses_them() {
    let sandbox = Sandbox::new();
    let counts = |content: &str| {
        let counts = import(&sandbox, "domains", content);
        ["added", "unchanged", "held"].map(|name| counts[name].as_u64().unwrap())
    };
    assert_eq!(counts("domain\nexample.com\nEXAMPLE.com\n"), [1, 1, 0]);
    assert_eq!(counts("domain\nexample.com\n"), [0, 1, 0]);
    assert_eq!(counts("domain,subdomains\nexample.com,true\n"), [1, 0, 0]);
    assert_eq!(causes(&sandbox, "ann@a.example.com", &[]).len(), 1);
    assert_eq!(counts("domain,subdomains\nexample.com,false\n"), [0, 0, 1]);
    assert_eq!(causes(&sandbox, "ann@a.example.com", &[]).len(), 1);
    let history = sandbox.quell(["history", "@Example.com", "--json"]).expect(0).json();
    let kinds: Vec<&str> =
        history.as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["imported", "changed"]);
}

#[test]
fn what_can_be_no_rule_is_rejected_with_its_cure() {
    let sandbox = Sandbox::new();
    let says = |domain: &str| rejected(&sandbox, "domains", &format!("domain\n{domain}\n"));
    let wildcard = says("*.example.com");
    assert!(
        wildcard.contains("write `example.com`, with `true` in the column `subdomains`"),
        "{wildcard}"
    );
    for suffix in ["com", "co.uk", "github.io", "localhost"] {
        let found = says(suffix);
        assert!(found.contains(&format!("`{suffix}` is a public suffix")), "{found}");
    }
    for wrong in ["ann@example.com", "exa mple.com", "a..example", "@"] {
        assert!(says(wrong).contains("domain: "), "{wrong}");
    }
    assert!(rejected(&sandbox, "domains", "domain,note\n,x\n").contains("domain: empty"));
    let subdomains = rejected(&sandbox, "domains", "domain,subdomains\nexample.com,perhaps\n");
    assert!(subdomains.contains("subdomains"), "{subdomains}");
    sandbox.quell(["check", "ann@example.com"]).expect(0);
    sandbox.write("tld.csv", "domain,subdomains\ntest,true\n");
    sandbox.quell(["import", "domains", "tld.csv", "--allow-public-suffix"]).expect(0);
    assert_eq!(causes(&sandbox, "ann@any.shop.test", &[]), ["domain domain:test all"]);
}

#[test]
fn a_digest_withholds_whoever_has_one_of_its_forms() {
    let sandbox = Sandbox::new();
    let written = [
        "55502f40dc8b7c769880b10874abc9d0".to_owned(),
        md5("Case@Example.COM"),
        md5("ann@b\u{fc}cher.example"),
        md5("space@example.com\n"),
        md5("\"quoted\"@example.com"),
    ];
    let counts = import(&sandbox, "digests", &format!("digest\n{}\n", written.join("\n")));
    assert_eq!((&counts["read"], &counts["added"]), (&5.into(), &5.into()), "{counts}");
    in_every_state(&sandbox, |when| {
        for address in [
            "test@example.com",
            " TEST@example.com",
            "Ann <mailto:Test@Example.com>",
            "Case@Example.COM",
            "Ann@B\u{fc}cher.Example",
            "space@example.com\n",
            "\"Quoted\"@example.com",
        ] {
            assert_eq!(causes(&sandbox, address, &[]), ["digest global bulk"], "{when}: {address}");
        }
        for address in [
            "test2@example.com",
            "case@example.com",
            "Case@example.com",
            "space@example.com",
            "quoted@example.com",
        ] {
            assert!(causes(&sandbox, address, &[]).is_empty(), "{when}: {address}");
        }
        let transactional = causes(&sandbox, "test@example.com", &["--class", "transactional"]);
        assert!(transactional.is_empty(), "{when}");
    });
}

#[test]
fn digests_of_every_algorithm_and_in_every_writing_are_read() {
    let sandbox = Sandbox::new();
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(Sha512::digest(text.as_bytes()))
    };
    assert!(base64("test@example.com").starts_with("OvMXT6EO+L0oznYgwl/hjR1f"));
    let counts = import(
        &sandbox,
        "digests",
        &format!(
            "Algorithm,note,DIGEST,list,class,source\nmd5,x,{},,,a\n,x,{},news,,b\nSHA-256,x,{},,all,c\n,x,{},,\
             transactional,d\n,,sha1:567159d622ffbb50b11b0efd307be358624a26ee,,,\n",
            md5("a@example.com").to_uppercase(),
            sha256("b@example.com"),
            sha256("c@example.com"),
            base64("d@example.com"),
        ),
    );
    assert_eq!(counts["added"], 5, "{counts}");
    in_every_state(&sandbox, |when| {
        let transactional = ["--class", "transactional"];
        assert_eq!(causes(&sandbox, "A@example.com", &[]), ["digest global bulk"], "{when}");
        assert!(causes(&sandbox, "b@example.com", &[]).is_empty(), "{when}: another list's");
        assert!(causes(&sandbox, "b@example.com", &["--list", "offers"]).is_empty(), "{when}");
        assert_eq!(
            causes(&sandbox, "b@example.com", &["--list", "offers", "--list", "news"]),
            ["digest list:news bulk"],
            "{when}"
        );
        assert_eq!(causes(&sandbox, "c@example.com", &transactional), ["digest global all"]);
        assert!(causes(&sandbox, "d@example.com", &[]).is_empty(), "{when}");
        assert_eq!(
            causes(&sandbox, "d@example.com", &transactional),
            ["digest global transactional"]
        );
        assert_eq!(causes(&sandbox, "test@example.com", &[]), ["digest global bulk"], "{when}");
    });
}

#[test]
fn what_can_be_no_digest_is_rejected() {
    let sandbox = Sandbox::new();
    let row = |row: &str| rejected(&sandbox, "digests", &format!("digest,algorithm\n{row}\n"));
    assert!(row("test@example.com,").contains("digest: no digest"), "an address");
    assert!(row(",md5").contains("digest: empty"));
    let other = row(&format!("{},sha1", md5("a@example.com")));
    assert!(other.contains("not the length of a sha1 digest but of a md5 digest"), "{other}");
    assert!(row(&format!("{},crc", md5("a@example.com"))).contains("unknown algorithm"));
    let nothing = row("d41d8cd98f00b204e9800998ecf8427e,");
    assert!(nothing.contains("digest of nothing"), "{nothing}");
    let nothing = row(&format!("{},", sha256("")));
    assert!(nothing.contains("digest of nothing"), "{nothing}");
}

#[test]
fn a_list_of_digests_alone_has_no_header() {
    let sandbox = Sandbox::new();
    let lines = [md5("a@example.com"), md5("b@example.com").to_uppercase(), md5("c@example.com")];
    let counts = import(&sandbox, "digests", &format!("\u{feff}{}\r\n", lines.join("\r\n")));
    assert_eq!((&counts["read"], &counts["added"]), (&3.into(), &3.into()), "{counts}");
    for address in ["a@example.com", "b@example.com", "c@example.com"] {
        assert_eq!(causes(&sandbox, address, &[]), ["digest global bulk"], "{address}");
    }
    // The first line too: a digest of nothing there is a row, and rejected.
    sandbox.write("in.csv", format!("{}\n{}\n", md5(""), lines[0]));
    sandbox.quell(["import", "digests", "in.csv"]).expect(3).says("1 of 2 rows");
    // What is no digest is a header, and must name the column.
    sandbox.write("in.csv", format!("hash\n{}\n", lines[0]));
    sandbox.quell(["import", "digests", "in.csv"]).expect(3).says("no column `digest`");
}

#[test]
fn search_shows_what_covers_an_address() {
    let sandbox = Sandbox::new();
    import(&sandbox, "domains", "domain,subdomains\nexample.com,true\nshop.test,\n");
    import(&sandbox, "digests", &format!("digest\n{}\n", md5("ann@shop.test")));
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let keys = |pattern: &str| -> Vec<String> {
        let found = sandbox.quell(["search", pattern, "--json"]).expect(0).json();
        let keys = found.as_array().unwrap().iter();
        keys.map(|found| found["key"].as_str().unwrap().to_owned()).collect()
    };
    let digest = format!("md5:{}", md5("ann@shop.test"));
    in_every_state(&sandbox, |when| {
        assert_eq!(keys("*@Example.com"), ["ann@example.com", "@example.com"], "{when}");
        assert_eq!(keys("*@mail.example.com"), ["@example.com"], "{when}");
        assert_eq!(keys("@example.com"), ["@example.com"], "{when}");
        assert_eq!(keys("Ann@Shop.test"), ["@shop.test", &digest], "{when}");
        assert_eq!(keys("*@*.test"), ["@shop.test"], "{when}");
        assert_eq!(keys("*.test"), ["@shop.test"], "{when}");
        assert_eq!(keys("*"), ["ann@example.com", "@example.com", "@shop.test"], "{when}");
        assert_eq!(keys("ann*"), ["ann@example.com"], "{when}");
    });
    let text = sandbox
        .quell(["search", "*@example.com"])
        .expect(0)
        .says("and 1 domain rules or digests")
        .text();
    assert!(text.contains("@example.com  domain rule of example.com and its subdomains"), "{text}");
    let history = sandbox.quell(["history", &digest]).expect(0).text();
    assert!(history.contains("imported"), "{history}");
    sandbox.quell(["history", "@com"]).expect(0).says("nothing is recorded");
}

#[test]
fn status_counts_rules_and_digests() {
    let sandbox = Sandbox::new();
    import(&sandbox, "domains", "domain\nexample.com\nexample.org\n");
    import(&sandbox, "digests", &format!("digest,list\n{0},\n{0},news\n", md5("a@example.com")));
    let records = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    assert_eq!((&records["domains"], &records["digests"]), (&2.into(), &2.into()), "{records}");
}

#[test]
fn an_export_of_rules_and_digests_comes_back_as_it_was() {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "domains",
        "domain,subdomains,at,source\nexample.com,true,2025-01-31,\"a, b\"\nb.test,,,\n",
    );
    import(
        &sandbox,
        "digests",
        &format!(
            "digest,list,class,source\n{},news,all,\"x\"\"y\"\n{},,,\n",
            md5("a@x.test"),
            sha256("b@x.test")
        ),
    );
    let other = Sandbox::new();
    for kind in ["domains", "digests"] {
        let text = sandbox.quell(["export", kind]).expect(0).text();
        let counts = import(&other, kind, &text);
        assert_eq!((&counts["added"], &counts["read"]), (&2.into(), &2.into()), "{text}");
        assert_eq!(other.quell(["export", kind]).expect(0).text(), text);
    }
    let all = sandbox.quell(["export"]).expect(0).text();
    assert_eq!(all.lines().filter(|line| line.contains("\"kind\":\"domain\"")).count(), 2, "{all}");
    assert_eq!(all.lines().filter(|line| line.contains("\"kind\":\"digest\"")).count(), 2, "{all}");
}

/// A sandbox in which most things that can be said of somebody are said of one person each.
fn people() -> Sandbox {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "contacts",
        "contact_id,email,bulk_email,email_allowed\n1,Bulk@Example.com,0,\n2,none@example.com,,0\n3,free@example.com,1,1\n",
    );
    import(
        &sandbox,
        "unsubscribes",
        "email,list,class\n\"Ann \"\"A.\"\" <ANN@example.com>\",,\nann@example.com,,all\nlist@example.com,\"a,b\",\n\
         receipts@example.com,,transactional\nann@B\u{fc}cher.example,,\n",
    );
    import(
        &sandbox,
        "suppressions",
        "email,reason,expires_at\nbounce@example.com,bounce,\nold@example.com,bounce,2020-01-01\nlater@example.com,manual,\
         2990-01-01\n",
    );
    import(
        &sandbox,
        "preferences",
        "email,list,preference\nout@example.com,news,Out\nin@example.com,news,In\n",
    );
    sandbox
}

#[test]
fn a_hashed_export_has_whoever_is_withheld_everywhere_from_bulk_mail() {
    let sandbox = people();
    let blocked = [
        "bulk@example.com",
        "none@example.com",
        "ann@example.com",
        "ann@b\u{fc}cher.example",
        "bounce@example.com",
        "later@example.com",
    ];
    let mut want: Vec<String> = blocked.iter().map(|address| sha256(address)).collect();
    want.sort();
    let run = sandbox.quell(["export", "--hashed", "sha256"]).expect(0);
    assert_eq!(run.text(), want.join("\n") + "\n");
    let run = run.says("2 opt-outs of single lists");
    run.says("1 records of transactional mail alone").says("1 expired records");
    let kind = sandbox.quell(["export", "contacts", "--hashed", "MD5"]).expect(0).text();
    let mut want = [md5("bulk@example.com"), md5("none@example.com")];
    want.sort();
    assert_eq!(kind, want.join("\n") + "\n");
    // Read back by another sender, it withholds the same people.
    let other = Sandbox::new();
    let counts = import(
        &other,
        "digests",
        &sandbox.quell(["export", "--hashed", "sha512"]).expect(0).text(),
    );
    assert_eq!(counts["added"], 6, "{counts}");
    for address in blocked {
        assert_eq!(causes(&other, address, &[]), ["digest global bulk"], "{address}");
    }
    for address in ["free@example.com", "list@example.com", "old@example.com", "out@example.com"] {
        assert!(causes(&other, address, &[]).is_empty(), "{address}");
    }
    sandbox.quell(["export", "domains", "--hashed", "md5"]).expect(2);
    sandbox.quell(["export", "--hashed", "md5", "--format", "ndjson"]).expect(2);
    sandbox.quell(["export", "--hashed", "crc32"]).expect(2);
}

#[test]
fn a_hashed_csv_has_lists_and_classes_and_is_read_back() {
    let sandbox = people();
    let text = sandbox.quell(["export", "--hashed", "md5", "--format", "csv"]).expect(0).text();
    assert!(text.starts_with("digest,algorithm,list,class\n"), "{text}");
    for line in [
        format!("{},md5,\"a,b\",bulk", md5("list@example.com")),
        format!("{},md5,news,bulk", md5("out@example.com")),
        format!("{},md5,,transactional", md5("receipts@example.com")),
        format!("{},md5,,all", md5("ann@example.com")),
        format!("{},md5,,bulk", md5("bulk@example.com")),
    ] {
        assert_eq!(text.lines().filter(|found| **found == line).count(), 1, "{line} in {text}");
    }
    let other = Sandbox::new();
    let counts = import(&other, "digests", &text);
    assert_eq!(counts["added"], counts["read"], "each once: {counts}");
    assert_eq!(causes(&other, "list@example.com", &["--list", "a,b"]), ["digest list:a,b bulk"]);
    assert!(causes(&other, "list@example.com", &[]).is_empty());
    assert_eq!(
        other.quell(["export", "digests"]).expect(0).text().lines().count(),
        text.lines().count()
    );
}

/// The warning, and that nothing of it changes the exit code.
#[test]
fn a_list_of_addresses_as_they_were_written_is_warned_of() {
    let sandbox = Sandbox::new();
    import(
        &sandbox,
        "contacts",
        "contact_id,email\n1,Ann@Example.com\n2,Bob@Example.com\n3,carl@example.com\n4,Dora@Example.com\n",
    );
    let imported = |addresses: &[&str]| -> Run {
        let lines: Vec<String> = addresses.iter().map(|address| md5(address)).collect();
        sandbox.write("list.txt", lines.join("\n"));
        sandbox.quell(["import", "digests", "list.txt"]).expect(0)
    };
    let good = imported(&["ann@example.com", "carl@example.com", "else@example.com"]);
    assert!(!good.stderr.contains("warning"), "{}", good.stderr);
    let bad = imported(&["Bob@Example.com", "carl@example.com", "Dora@Example.com"]);
    let bad = bad.says("as they were written, not in lower case");
    let bad =
        bad.says("of 3 known addresses with capitals it holds 2 only as they are written and 0");
    assert!(!bad.stderr.to_lowercase().contains("bob"), "no address: {}", bad.stderr);
    // The list before was a good one, and the same again adds nothing to warn of.
    let again = imported(&["ann@example.com", "new@example.com"]);
    assert!(!again.stderr.contains("warning"), "{}", again.stderr);
}

#[test]
fn a_resubscribe_says_that_a_rule_or_a_digest_still_blocks() {
    let sandbox = Sandbox::new();
    import(&sandbox, "domains", "domain\nexample.com\n");
    import(&sandbox, "digests", &format!("digest,list\n{},news\n", md5("ann@example.com")));
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let proof = ["--permission", "phone", "--evidence", "call 1", "--by", "desk", "--json"];
    let answer =
        sandbox.quell([&["resubscribe", "ann@example.com"], &proof[..]].concat()).expect(0);
    let still = answer.json()["still_blocked_by"].clone();
    let reasons: Vec<&str> =
        still.as_array().unwrap().iter().map(|cause| cause["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["domain", "digest"], "{still}");
}

#[test]
fn verify_counts_the_entries_of_rules_and_digests() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "bob@example.com"]).expect(0);
    import(&sandbox, "domains", "domain\nexample.org\n");
    import(&sandbox, "digests", &format!("digest\n{}\n", md5("ann@example.com")));
    sandbox.quell(["compile", "--full"]).expect(0);
    // An address, a rule, a digest, and that there are some of both.
    let said = sandbox.quell(["verify"]).expect(0).stderr;
    assert_eq!(said.split(", ").nth(1), Some("5 entries"), "{said}");
}
