//! The independent model of `tests/oracle` against the binary.

use std::process::Command;

use crate::sandbox::{QUELL, root};

/// `QUELL_ORACLE_ROUNDS` and `QUELL_ORACLE_SECONDS` make it longer, `QUELL_TEST_SEED` repeats a run.
#[test]
fn random_scenarios_agree_with_the_model() {
    let rounds = std::env::var("QUELL_ORACLE_ROUNDS").unwrap_or_else(|_| "90".to_owned());
    let mut command = Command::new("python3");
    command.arg(root().join("tests/oracle/run.py")).args(["--quell", QUELL, "--rounds", &rounds]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    if let Ok(seconds) = std::env::var("QUELL_ORACLE_SECONDS") {
        command.args(["--seconds", &seconds]);
    }
    if let Ok(seed) = std::env::var("QUELL_TEST_SEED") {
        command.args(["--seed", &seed]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("the oracle needs `python3` 3.10 or newer on the PATH: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    eprintln!("{text}");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
