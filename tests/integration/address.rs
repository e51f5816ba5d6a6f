//! `quell address explain`, and the policy a store is made with.

use crate::sandbox::Sandbox;

#[test]
fn explain_shows_each_step_and_the_key() {
    let sandbox = Sandbox::without_store();
    let run = sandbox.quell(["address", "explain", " Ann <Ann.Smith@Example.COM.>", "--json"]);
    let answer = run.expect(0).json();
    assert_eq!(answer["policy"], "exact");
    assert_eq!(answer["key"], "ann.smith@example.com");
    assert!(answer["error"].is_null(), "{answer}");
    assert!(answer.get("parts").is_none(), "{answer}");
    let steps: Vec<_> = answer["steps"].as_array().unwrap().iter().collect();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["trim", "display_name", "local_case", "domain_case", "trailing_dot"]);
    assert_eq!(steps[0]["before"], " Ann <Ann.Smith@Example.COM.>");
    assert_eq!(steps[4]["after"], "ann.smith@example.com");
    let text = sandbox.quell(["address", "explain", "Ann@example.com"]).expect(0).text();
    assert!(text.starts_with("policy exact\n"), "{text}");
    assert!(text.ends_with("key           ann@example.com\n"), "{text}");
}

#[test]
fn explain_takes_the_policy_named_else_the_stores() {
    let sandbox = Sandbox::without_store();
    sandbox.quell(["init", "--policy", "plus-tags,gmail-dots"]).expect(0);
    let key = |options: &[&str]| {
        let arguments = ["address", "explain", "a.nn+x@gmail.com", "--json"].iter().chain(options);
        sandbox.quell(arguments).expect(0).json()["key"].as_str().unwrap().to_owned()
    };
    assert_eq!(key(&[]), "ann@gmail.com");
    assert_eq!(key(&["--policy", "exact"]), "a.nn+x@gmail.com");
    sandbox.quell(["address", "explain", "a@example.com", "--policy", "plus"]).expect(2);
}

#[test]
fn explain_says_where_an_address_fails_and_ends_as_check_does() {
    let sandbox = Sandbox::without_store();
    let answer = sandbox.quell(["address", "explain", "ann@", "--json"]).expect(1).json();
    assert!(answer["key"].is_null(), "{answer}");
    assert_eq!(answer["error"]["step"], "at_sign");
    assert_eq!(answer["error"]["code"], "empty_domain");
    let list = "Smith, Ann <Ann@example.com>; bob@example.org";
    let answer = sandbox.quell(["address", "explain", list, "--json"]).expect(1).json();
    assert_eq!(answer["error"]["code"], "several_addresses");
    assert_eq!(answer["parts"][0]["key"], "ann@example.com");
    assert_eq!(answer["parts"][1]["key"], "bob@example.org");
}

#[test]
fn a_store_of_a_wider_policy_takes_more_for_one_address() {
    let sandbox = Sandbox::without_store();
    let made = sandbox.quell(["init", "--policy", "Yahoo-Dash,gmail-dots,googlemail,plus-tags"]);
    let made = made.expect(0).text();
    assert!(made.contains("policy gmail-dots,googlemail,plus-tags,yahoo-dash,"), "{made}");
    sandbox.quell(["unsubscribe", "ann.smith+news@googlemail.com"]).expect(0);
    sandbox.quell(["unsubscribe", "bob-shop@yahoo.com"]).expect(0);
    let rows = [
        ("AnnSmith@gmail.com", 1),
        ("a.n.n.smith+x@GoogleMail.com", 1),
        ("annsmith@example.com", 0),
        ("bob@yahoo.com", 1),
        ("bob-other@yahoo.com", 1),
        ("bob-shop@example.com", 0),
        ("b.ob@yahoo.com", 0),
    ];
    for full in [false, true] {
        if full {
            sandbox.quell(["compile", "--full"]).expect(0);
        }
        for (address, code) in rows {
            sandbox.quell(["check", address]).expect(code);
        }
        let file: String = rows.iter().map(|(address, _)| format!("{address}\n")).collect();
        let kept = sandbox.quell_reading(["filter"], format!("email\n{file}").as_bytes());
        assert_eq!(
            kept.expect(0).text(),
            "email\nannsmith@example.com\nbob-shop@example.com\nb.ob@yahoo.com\n"
        );
    }
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    assert_eq!(status["policy"], "gmail-dots,googlemail,plus-tags,yahoo-dash");
    sandbox.quell(["verify"]).expect(0);
}

/// Keys of two policies can't be compared, so nothing that mixes them answers.
#[test]
fn another_policy_than_the_stores_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["compile"]).expect(0);
    let settings = sandbox.read_text("store/quell.toml");
    let other = settings.replace("\"exact\"", "\"plus-tags\"");
    assert_ne!(settings, other);
    sandbox.write("store/quell.toml", other);
    let refused = sandbox.quell(["check", "ann@example.com"]).expect(4);
    let told = "names policy `plus-tags`, its ledger was made under `exact`";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    sandbox.write("rows.csv", "email\nann@example.com\n");
    let refused = sandbox.quell(["filter", "rows.csv", "-o", "out.csv"]).expect(4);
    assert!(refused.stderr.contains("policy"), "{}", refused.stderr);
    // An index that is used without its ledger knows its policy as well.
    std::fs::remove_file(sandbox.path("store/ledger.db")).unwrap();
    let alone = ["filter", "rows.csv", "-o", "out.csv", "--max-age", "7d"];
    let refused = sandbox.quell(alone).expect(4);
    assert!(refused.stderr.contains("made under address policy 0"), "{}", refused.stderr);
    assert!(!sandbox.exists("out.csv"));
    sandbox.write("store/quell.toml", settings.replace("\"exact\"", "\"exactly\""));
    sandbox.quell(["check", "ann@example.com"]).expect(4);
}
