//! Contract section 5: what scripts branch on.

use std::io::Read;
use std::process::Stdio;

use crate::sandbox::Sandbox;

#[test]
fn check_ends_with_0_when_every_address_is_clear_and_1_when_one_is_not() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["check", "bob@example.com"]).expect(0);
    sandbox.quell(["check", "bob@example.com", "cem@example.com"]).expect(0);
    sandbox.quell(["check", "bob@example.com", "Ann@Example.com"]).expect(1);
    sandbox.quell(["check", "not an address"]).expect(1);
}

#[test]
fn check_json_answers_in_order_with_verdict_reasons_and_generation() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com", "--source", "a letter"]).expect(0);
    let answers = sandbox
        .quell(["check", "--json", "bob@example.com", " ANN@example.com", "nobody"])
        .expect(1)
        .json();
    let verdicts: Vec<_> = answers.as_array().unwrap().iter().map(|a| &a["verdict"]).collect();
    assert_eq!(verdicts, ["clear", "suppressed", "invalid"]);
    assert_eq!(answers[1]["address"], " ANN@example.com");
    assert_eq!(answers[1]["key"], "ann@example.com");
    let reason = &answers[1]["reasons"][0];
    assert_eq!(reason["reason"], "unsubscribed");
    assert_eq!(reason["scope"], "global");
    assert_eq!(reason["source"], "a letter");
    assert!(!reason["class"].is_null() && !reason["since"].is_null(), "{reason}");
    assert!(answers[0]["generation"].is_number(), "{answers}");
    assert_eq!(answers[2]["reasons"][0]["reason"], "invalid_address");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["fliter"][..],
        &["filter", "--no-such-option"],
        &["filter", "--class", "carrier-pigeon"],
        &["filter", "--threads", "many"],
        &["import", "horoscopes", "x.csv"],
        &["check"],
        &[],
    ] {
        sandbox.quell(arguments).expect(2);
    }
}

#[test]
fn an_unreadable_input_ends_with_3_and_leaves_no_output() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("directory")).unwrap();
    for input in ["missing.csv", "directory"] {
        sandbox.quell(["filter", input, "-o", "out.csv"]).expect(3).says(input);
        sandbox.quell(["import", "unsubscribes", input]).expect(3).says(input);
    }
    assert!(!sandbox.exists("out.csv"));
}

#[test]
fn a_missing_store_ends_every_command_with_4_and_says_how_to_create_one() {
    let sandbox = Sandbox::without_store();
    sandbox.write("in.csv", "email\nann@example.com\n");
    for arguments in [
        &["check", "ann@example.com"][..],
        &["filter", "in.csv", "-o", "out.csv"],
        &["import", "unsubscribes", "in.csv"],
        &["unsubscribe", "ann@example.com"],
        &[
            "resubscribe",
            "ann@example.com",
            "--permission",
            "phone",
            "--evidence",
            "e",
            "--by",
            "b",
        ],
        &["search", "ann*"],
        &["history", "ann@example.com"],
        &["compile"],
        &["verify"],
        &["status"],
        &["export", "contacts"],
        &["filter", "in.csv", "-o", "out.csv", "--certificate", "out.json"],
    ] {
        sandbox.quell(arguments).expect(4).says("quell init");
    }
    assert!(!sandbox.exists("out.csv") && !sandbox.exists("store"), "nothing is made on the way");
}

#[test]
fn resubscribe_without_permission_ends_with_5() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["resubscribe", "ann@example.com"]).expect(5);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"]);
}

#[test]
fn init_on_a_store_that_exists_does_not_harm_it() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let again = sandbox.quell(["init"]);
    assert_ne!(again.code, Some(101), "{}", again.stderr);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"]);
}

#[test]
fn the_store_is_found_by_option_then_environment_then_default() {
    let sandbox = Sandbox::without_store();
    let run = |arguments: &[&str], variable: Option<&str>| {
        let mut command = sandbox.command(arguments);
        command.env_remove("QUELL_STORE");
        if let Some(store) = variable {
            command.env("QUELL_STORE", store);
        }
        command.output().unwrap().status.code()
    };
    assert_eq!(run(&["init"], None), Some(0));
    assert!(sandbox.exists("quell-store/ledger.db"));
    assert_eq!(run(&["init"], Some("from-variable")), Some(0));
    assert!(sandbox.exists("from-variable/ledger.db"));
    assert_eq!(run(&["--store", "from-option", "init"], Some("from-variable")), Some(0));
    assert!(sandbox.exists("from-option/ledger.db"));
    assert_eq!(run(&["status", "--store", "from-option"], Some("nowhere")), Some(0));
}

/// The reader takes a little and goes away, as `head` does.
#[test]
fn a_closed_pipe_ends_with_141_and_no_panic() {
    let sandbox = Sandbox::new();
    let row = "someone.with.a.long.name@example.com,and,some,more,cells\n";
    sandbox.write("in.csv", format!("email,a,b,c,d\n{}", row.repeat(200_000)));
    for threads in ["1", "2", "8"] {
        let mut child = sandbox
            .command(["filter", "in.csv", "--threads", threads])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 100]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{threads} threads: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

#[test]
fn help_and_version_go_to_standard_output_and_end_with_0() {
    let sandbox = Sandbox::without_store();
    let help = sandbox.quell(["--help"]).expect(0).text();
    for command in [
        "init",
        "import",
        "unsubscribe",
        "resubscribe",
        "check",
        "filter",
        "certificate",
        "search",
        "history",
        "compile",
        "verify",
        "status",
        "export",
        "completions",
        "man",
    ] {
        assert!(help.contains(command), "{command} is not in --help");
        sandbox.quell([command, "--help"]).expect(0);
    }
    assert!(sandbox.quell(["--version"]).expect(0).text().starts_with("quell "));
    for shell in ["bash", "zsh", "fish"] {
        assert!(!sandbox.quell(["completions", shell]).expect(0).stdout.is_empty());
    }
    assert!(sandbox.quell(["man"]).expect(0).text().contains(".TH"));
}

#[test]
fn data_goes_to_standard_output_and_everything_else_to_standard_error() {
    let sandbox = Sandbox::new();
    let batch = b"email\nann@example.com\nbad\n";
    for option in ["--quiet", "--verbose"] {
        assert_eq!(
            sandbox.quell_reading([option, "filter"], batch).expect(0).text(),
            "email\nann@example.com\n"
        );
        assert_eq!(
            sandbox.quell_reading(["filter", option], batch).expect(0).text(),
            "email\nann@example.com\n"
        );
    }
}

#[test]
fn nothing_but_plain_text_reaches_a_pipe_that_is_not_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("u.csv", "email\nann@example.com\n");
    sandbox.write("in.csv", "email\nann@example.com\nbob@example.com\n");
    for arguments in [
        &["import", "unsubscribes", "u.csv"][..],
        &["compile", "--full"],
        &["filter", "in.csv", "-o", "out.csv"],
    ] {
        let run = sandbox.quell(arguments).expect(0);
        for text in [&run.stderr, &run.text()] {
            assert!(!text.contains(['\r', '\x1b']), "`{}` draws on a pipe: {text:?}", run.command);
        }
    }
}

#[test]
fn init_makes_the_files_of_a_store_and_keeps_the_secret_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new();
    for name in ["ledger.db", "index", "quell.toml", "secret.key", "signing.key"] {
        assert!(sandbox.exists(&format!("store/{name}")), "{name}");
    }
    for name in ["store/secret.key", "store/signing.key"] {
        let mode = std::fs::metadata(sandbox.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// The generation is the answer to a change: data, which `--quiet` leaves alone too.
#[test]
fn every_change_prints_its_generation_on_standard_output() {
    let sandbox = Sandbox::without_store();
    sandbox.write("u.csv", "email\nann@example.com\n");
    let resubscribe = "resubscribe ann@example.com --permission form --evidence e --by me";
    for (arguments, generation) in [
        ("init", 0),
        ("import unsubscribes u.csv", 1),
        ("unsubscribe bob@example.com", 2),
        ("unsubscribe bob@example.com", 2),
        (resubscribe, 3),
        ("compile", 3),
        ("compile --full", 3),
    ] {
        let run = sandbox.quell(arguments.split(' ').chain(["--quiet"])).expect(0);
        assert!(run.text().contains(&format!("generation {generation}")), "{}", run.command);
        assert_eq!(run.stderr, "", "{}", run.command);
    }
    let run = sandbox.quell(["import", "unsubscribes", "u.csv", "--json"]).expect(0);
    assert_eq!(run.json()["generation"], 4);
}

#[test]
fn help_that_cannot_be_written_says_so() {
    let sandbox = Sandbox::without_store();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = sandbox.command(["--help"]).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
}
