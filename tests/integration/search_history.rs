//! `quell search`, `history`, `status`, `export`: what the records say about themselves.

use crate::sandbox::Sandbox;

#[test]
fn search_finds_by_exact_address_prefix_and_domain() {
    let sandbox = Sandbox::with_samples();
    let found = |pattern: &str| sandbox.quell(["search", pattern, "--json"]).expect(0).text();
    let exact = found("Robin@example.com");
    assert!(exact.contains("robin@example.com") && !exact.contains("ann@example.com"), "{exact}");
    let prefix = found("no.*");
    for address in ["no.offers@example.com", "no.events@example.com", "no.such.mailbox@example.net"]
    {
        assert!(prefix.contains(address), "{address} in {prefix}");
    }
    assert!(!prefix.contains("robin@"), "{prefix}");
    let domain = found("*@example.org");
    assert!(
        domain.contains("complained@example.org") && !domain.contains("example.com"),
        "{domain}"
    );
}

/// A domain in a pattern is read as one in an address: keys hold A-labels.
#[test]
fn search_reads_the_domain_of_a_pattern_as_that_of_an_address() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "reader@b\u{fc}cher.example"]).expect(0);
    for pattern in
        ["*@b\u{fc}cher.example", "READ*@B\u{dc}CHER.example.", "*@xn--bcher-kva.example"]
    {
        let found = sandbox.quell(["search", pattern]).expect(0).text();
        assert!(found.starts_with("reader@xn--bcher-kva.example  "), "{pattern}: {found}");
    }
}

#[test]
fn search_sees_a_change_at_once_and_still_after_a_compile() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "Fresh@example.com"]).expect(0);
    let found = |pattern: &str| sandbox.quell(["search", pattern, "--json"]).expect(0).text();
    assert!(found("fre*").contains("fresh@example.com"));
    sandbox.quell(["compile", "--full"]).expect(0);
    assert!(found("fre*").contains("fresh@example.com"));
}

#[test]
fn history_keeps_what_was_deleted_and_in_which_order() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com", "--source", "first time"]).expect(0);
    sandbox
        .quell([
            "resubscribe",
            "ann@example.com",
            "--permission",
            "phone",
            "--evidence",
            "call 1",
            "--by",
            "desk",
        ])
        .expect(0);
    sandbox.quell(["unsubscribe", "ANN@example.com", "--source", "second time"]).expect(0);
    let text = sandbox.quell(["history", "Ann@Example.com", "--json"]).expect(0).text();
    let place = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("`{needle}` in {text}"));
    assert!(place("call 1") > place("first time"), "{text}");
    assert!(place("second time") > place("call 1"), "{text}");
    assert!(sandbox.quell(["history", "Ann@Example.com"]).expect(0).text().contains("call 1"));
}

#[test]
fn history_of_another_person_says_nothing_of_this_one() {
    let sandbox = Sandbox::with_samples();
    let text = sandbox.quell(["history", "lab@example.com", "--json"]).expect(0).text();
    assert!(!text.contains("robin@"), "{text}");
}

#[test]
fn status_counts_records_and_says_that_nothing_is_behind() {
    let sandbox = Sandbox::with_samples();
    sandbox.quell(["compile"]).expect(0);
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    assert_eq!(status["records"]["contacts"], 59, "{status}");
    assert_eq!(status["behind"], 0, "{status}");
    for name in ["generation", "cursor", "policy", "created_at", "compiled_at"] {
        assert!(!status[name].is_null(), "{name} in {status}");
    }
    for name in ["segments", "entries", "bytes"] {
        assert!(status["index"][name].is_number(), "index.{name} in {status}");
    }
}

#[test]
fn compile_never_changes_an_answer() {
    let sandbox = Sandbox::with_samples();
    let batch = crate::sandbox::sample("recipients.csv");
    let filter = || {
        sandbox
            .quell([
                "filter",
                batch.to_str().unwrap(),
                "--contact-column",
                "customer",
                "--list-column",
                "Lists",
            ])
            .expect(0)
            .stdout
    };
    let before = filter();
    for options in
        [&["compile"][..], &["compile", "--full"], &["compile", "--full", "--no-dictionary"]]
    {
        sandbox.quell(options).expect(0);
        assert!(filter() == before, "{options:?}");
        sandbox.quell(["verify"]).expect(0);
    }
}

/// A hashed list is a set: whoever has a bounce and an unsubscribe stands on it once, and nobody whose
/// only block is over or of one list.
#[test]
fn a_hashed_export_names_each_blocked_address_once() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.csv",
        "email,reason,expires_at\nAnn@example.com,bounce,\nold@example.com,bounce,2020-01-01\n",
    );
    sandbox.quell(["import", "suppressions", "s.csv"]).expect(0);
    sandbox.write("p.csv", "email,list,preference\nout@example.com,a,Out\nin@example.com,a,In\n");
    sandbox.quell(["import", "preferences", "p.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    // printf ann@example.com | sha256sum
    let ann = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476\n";
    let whole = sandbox.quell(["export", "--hashed", "sha256"]).expect(0).text();
    assert_eq!(whole, ann);
    for kind in ["unsubscribes", "suppressions"] {
        assert_eq!(sandbox.quell(["export", kind, "--hashed", "sha256"]).expect(0).text(), ann);
    }
    let lists = sandbox.quell(["export", "preferences", "--hashed", "sha256"]).expect(0);
    assert_eq!(lists.text(), "");
    lists.says("1 opt-outs of single lists");
}

#[test]
fn verify_counts_the_entries_of_an_index_that_is_behind_too() {
    let sandbox = Sandbox::with_samples();
    let entries = |run: crate::sandbox::Run| run.stderr.split(", ").nth(1).unwrap().to_owned();
    let before = entries(sandbox.quell(["verify"]).expect(0));
    assert_ne!(before, "0 entries");
    sandbox.quell(["unsubscribe", "nobody@example.com"]).expect(0);
    assert_eq!(entries(sandbox.quell(["verify"]).expect(0)), before);
}

/// An index that is shipped without its ledger is as old as its last compile, not as its last change:
/// a quiet day made `--max-age 1h` refuse an index compiled a minute ago.
#[test]
fn a_compile_without_changes_makes_the_index_young() {
    let sandbox = Sandbox::with_samples();
    let compiled_at =
        || sandbox.quell(["status", "--json"]).expect(0).json()["compiled_at"].to_string();
    sandbox.quell(["compile"]).expect(0);
    let before = compiled_at();
    sandbox.quell(["compile"]).expect(0);
    assert!(compiled_at() > before, "{before}");
    sandbox.quell(["verify"]).expect(0);
}
