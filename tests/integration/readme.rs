//! Every console block of README.md is run and its output compared, so that the first screen stays true.

use std::fs;
use std::process::Command;

use crate::sandbox::{QUELL, Sandbox, root};

/// A command of a console block and the output the README shows for it.
pub(crate) struct Step {
    line: usize,
    pub(crate) command: String,
    shown: Vec<String>,
}

/// The blocks of a document that are fenced as `console`, each a list of steps. A block none of whose commands runs one
/// of these programs (say, `$ make demo`) is left to whoever reads it.
pub(crate) fn blocks(document: &str, programs: &[&str]) -> Vec<Vec<Step>> {
    let mut blocks = Vec::new();
    let mut open: Option<Vec<Step>> = None;
    for (index, text) in document.lines().enumerate() {
        match (&mut open, text.trim_end()) {
            (None, "```console") => open = Some(Vec::new()),
            (None, _) => {}
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(steps), text) => match text.strip_prefix("$ ") {
                Some(command) => {
                    steps.push(Step {
                        line: index + 1,
                        command: command.to_owned(),
                        shown: Vec::new(),
                    });
                }
                None => {
                    if let Some(step) = steps.last_mut() {
                        // A command may go on in the next line.
                        if step.command.ends_with('\\') && step.shown.is_empty() {
                            step.command.pop();
                            step.command.push_str(text.trim_start_matches("> ").trim_start());
                        } else {
                            step.shown.push(text.to_owned());
                        }
                    }
                }
            },
        }
    }
    assert!(open.is_none(), "a console block is not closed");
    let is_run = |step: &Step| programs.iter().any(|program| step.command.starts_with(program));
    blocks.retain(|steps| steps.iter().any(is_run));
    blocks
}

/// Whether the output is what is shown. A line `...` stands for any number of lines, `...` in a line for any text.
fn matches(shown: &[String], actual: &[&str]) -> bool {
    match shown.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if matches!(first.trim(), "..." | "…") => {
            (0..=actual.len()).any(|skip| matches(rest, &actual[skip..]))
        }
        Some((first, rest)) => actual
            .split_first()
            .is_some_and(|(line, more)| line_matches(first, line) && matches(rest, more)),
    }
}

fn line_matches(shown: &str, actual: &str) -> bool {
    let (shown, actual) = (shown.trim_end(), actual.trim_end());
    let parts: Vec<&str> = shown.split("...").collect();
    let [first, middle @ .., last] = parts.as_slice() else { return shown == actual };
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    for part in middle {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

/// Runs the steps one after another in the sandbox, and compares what they print. All share one directory, in the order
/// of the document, with `data` beside them as in a clone.
pub(crate) fn run(name: &str, steps: &[Step], sandbox: &Sandbox, environment: &[(&str, &str)]) {
    std::os::unix::fs::symlink(root().join("data"), sandbox.path("data")).expect("a link to data");
    let binaries = std::path::Path::new(QUELL).parent().expect("a directory").to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binaries].into_iter().chain(std::env::split_paths(&path)))
        .expect("a PATH");
    // What `$ echo $?` shows is the exit code of the command above it.
    let mut exit_code = 0;
    for step in steps {
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1\n(exit {exit_code})\n{}", step.command)])
            .current_dir(sandbox.path(""))
            .env("PATH", &path)
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .env_remove("QUELL_STORE")
            .envs(environment.iter().copied())
            .output()
            .expect("bash");
        exit_code = output.status.code().unwrap_or(255);
        let text = String::from_utf8_lossy(&output.stdout);
        let actual: Vec<&str> = text.lines().collect();
        let mut shown = step.shown.clone();
        while shown.last().is_some_and(|line| line.trim().is_empty()) {
            shown.pop();
        }
        assert!(
            matches(&shown, &actual),
            "{name} line {}: `{}` prints\n{text}\nbut the document shows\n{}",
            step.line,
            step.command,
            shown.join("\n"),
        );
    }
}

#[test]
fn every_console_block_of_the_readme_prints_what_it_shows() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let steps: Vec<Step> = blocks(&readme, &["quell "]).into_iter().flatten().collect();
    assert!(!steps.is_empty(), "README.md shows no session with `$ quell`");
    run("README.md", &steps, &Sandbox::without_store(), &[]);
}

#[test]
fn wildcards_stand_for_lines_and_for_parts_of_lines() {
    let shown = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    assert!(matches(&shown("a\n...\nd"), &["a", "b", "c", "d"]));
    assert!(matches(&shown("read ... rows in ... ms"), &["read 12 rows in 3 ms"]));
    assert!(!matches(&shown("a\n...\nd"), &["a", "b"]));
    assert!(!matches(&shown("a"), &["a", "b"]));
    assert!(!matches(&shown("read ... rows"), &["read 12 lines"]));
}
