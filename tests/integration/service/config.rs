//! Where options are from: the command line, the environment, a file, the defaults, in that order.

use super::Served;
use crate::sandbox::{Sandbox, root};
use std::collections::BTreeMap;

/// What `--print-config` prints: values and origins by key.
fn printed(
    sandbox: &Sandbox,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (toml::Table, BTreeMap<String, String>) {
    let mut command = sandbox.command([&["serve", "--print-config"], arguments].concat());
    for (name, value) in environment {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let origins = text.lines().filter_map(|line| {
        let (key, rest) = line.trim_start_matches("# ").split_once(" =")?;
        Some((key.to_owned(), rest.rsplit_once("  # ")?.1.to_owned()))
    });
    (text.parse().expect(&text), origins.collect())
}

#[test]
fn what_is_given_goes_before_the_environment_and_that_before_the_file() {
    let sandbox = Sandbox::new();
    let file = sandbox.write(
        "quell.toml",
        "listen = \"127.0.0.1:1\"\nlog = \"warn\"\nhead-time = \"1s\"\nconnections = 7\n",
    );
    let (values, origins) = printed(
        &sandbox,
        &["--config", file, "--listen", "127.0.0.1:3"],
        &[("QUELL_LISTEN", "127.0.0.1:2"), ("QUELL_LOG", "error")],
    );
    let expected = [
        ("listen", toml::Value::from("127.0.0.1:3"), "the command line"),
        ("log", "error".into(), "the environment, QUELL_LOG"),
        ("head-time", "1s".into(), "quell.toml"),
        ("connections", 7.into(), "quell.toml"),
        ("idle-time", "75s".into(), "default"),
        ("log-format", "text".into(), "default"),
    ];
    for (key, value, origin) in expected {
        assert_eq!(values[key], value, "{key}");
        assert_eq!(origins[key], origin, "{key}");
    }
    assert_eq!(origins["tls-cert"], "not used");
    assert!(!values.contains_key("tls-cert"));
    assert!(origins["store"].contains("QUELL_STORE"), "{}", origins["store"]);
}

#[test]
fn what_is_printed_can_be_read() {
    let sandbox = Sandbox::new();
    let arguments = ["--log-format", "json", "--request-time", "2m", "--requests", "9"];
    let mut command = sandbox.command([&["serve", "--print-config"], &arguments[..]].concat());
    let text = command.output().unwrap().stdout;
    let file = sandbox.write("printed.toml", &text);
    let (first, _) = printed(&sandbox, &arguments, &[]);
    let (second, origins) = printed(&sandbox, &["--config", file], &[]);
    assert_eq!(first, second);
    assert_eq!(origins["requests"], "printed.toml");
}

#[test]
fn the_file_may_be_named_by_the_environment_and_name_the_store() {
    let sandbox = Sandbox::new();
    let store = sandbox.path("store");
    let text = format!("store = {:?}\nlisten = \"127.0.0.1:0\"\nhead-time = \"300ms\"\n", store);
    sandbox.write("quell.toml", text);
    let mut command = sandbox.command(["serve"]);
    command.env("QUELL_CONFIG", "quell.toml").env_remove("QUELL_STORE");
    let served = Served::of(command, store);
    served.get("/readyz", "").expect(200);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_file_that_is_wrong_is_told_of_by_its_key() {
    let sandbox = Sandbox::new();
    for (text, words) in [
        ("lisen = \"127.0.0.1:0\"\n", "lisen"),
        ("head_time = \"1s\"\n", "head_time"),
        ("config = \"other.toml\"\n", "config"),
        ("print-config = true\n", "print-config"),
        ("head-time = \"soon\"\n", "head-time"),
        ("connections = 0\n", "connections"),
        ("head-time = { seconds = 1 }\n", "head-time"),
        ("log-format = \"xml\"\n", "log-format"),
        ("quiet = \"yes\"\n", "quiet"),
        ("listen = \n", "quell.toml"),
    ] {
        let file = sandbox.write("quell.toml", text);
        let run = sandbox.quell(["serve", "--config", file]).expect(2).says(words);
        assert!(run.stderr.contains("quell.toml"), "{text}: {}", run.stderr);
    }
    let file = sandbox.write("quell.toml", "tls-cert = \"x.pem\"\n");
    sandbox.quell(["serve", "--config", file]).expect(2).says("--tls-key");
    sandbox.quell(["serve", "--config", "none.toml"]).expect(2).says("none.toml");
    sandbox.quell(["serve", "--log", "===", "--listen", "127.0.0.1:0"]).expect(2).says("--log");
    sandbox.quell(["serve", "--listen", "nowhere"]).expect(2).says("nowhere");
}

#[test]
fn the_example_is_one() {
    let sandbox = Sandbox::new();
    let example = root().join("packaging/quell.toml");
    let (values, origins) = printed(&sandbox, &["--config", example.to_str().unwrap()], &[]);
    assert!(origins["listen"].ends_with("packaging/quell.toml"), "{}", origins["listen"]);
    assert!(values.contains_key("log-format"));
    // The options it only tells of are options too.
    let text = std::fs::read_to_string(&example).unwrap();
    let told: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let file = sandbox.write("all.toml", told);
    printed(&sandbox, &["--config", file], &[]);
}
