//! When the system runs short: room, file sizes, rights, descriptors, memory, and pipes that are slow or go away. A
//! clear error, no part of an output under its name, and the store as it was or as it should be.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::life::{Act, Inputs, State};
use crate::sandbox::{Dice, QUELL, Run, Sandbox, soak};
use crate::tracer::{ENOMEM, Mode, available, disturbed};

/// Runs the binary after a command of the shell, which sets a limit for it.
fn limited(sandbox: &Sandbox, limit: &str, arguments: &[&str]) -> Run {
    let output = Command::new("sh")
        .args(["-c", &format!("{limit}; exec \"$0\" \"$@\""), QUELL])
        .args(arguments)
        .current_dir(sandbox.directory())
        .env("QUELL_STORE", sandbox.path("store"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    run_of(format!("{limit}; quell {}", arguments.join(" ")), output)
}

fn run_of(command: String, output: Output) -> Run {
    let Output { status, stdout, stderr } = output;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    Run { command, code: status.code(), stdout, stderr }
}

/// Addresses of people who may be mailed.
fn batch(rows: usize) -> String {
    let rows = (0..rows).map(|row| format!("person.{row}@example.com\n"));
    std::iter::once("email\n".to_owned()).chain(rows).collect()
}

fn with_batch(rows: usize) -> Sandbox {
    let sandbox = Sandbox::in_memory();
    sandbox.quell(["init"]).expect(0);
    sandbox.quell(["unsubscribe", "person.7@example.com"]).expect(0);
    sandbox.write("in.csv", batch(rows));
    sandbox
}

/// Nothing but these names stands beside the store.
fn only(sandbox: &Sandbox, names: &[&str]) {
    let mut found: Vec<_> = fs::read_dir(sandbox.directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "store")
        .collect();
    found.sort();
    assert_eq!(found, names);
}

/// The store's life up to the commands that this returns, each with what was before it.
fn scenes(inputs: &Inputs, names: &[&str]) -> Vec<(Act, Sandbox, State, State)> {
    let world = Sandbox::in_memory();
    let mut before = State::NoStore;
    let mut scenes = Vec::new();
    for act in inputs.life() {
        let stage = world.copy();
        world.quell(&act.arguments).expect(0);
        let after = inputs.state(&world.copy(), act.name);
        let last = std::mem::replace(&mut before, after.clone());
        if names.contains(&act.name) {
            scenes.push((act, stage, last, after));
        }
    }
    assert_eq!(scenes.len(), names.len());
    scenes
}

/// Runs each command under each limit: done, or exit 4 in plain words with the old state (or the new one, if the
/// message says that it is made).
fn under_limits(names: &[&str], limits: &[String], loader: bool) {
    let inputs = Inputs::new();
    let mut failed = 0;
    for (act, stage, before, after) in scenes(&inputs, names) {
        let arguments: Vec<&str> = act.arguments.iter().map(String::as_str).collect();
        for limit in limits {
            let world = stage.copy();
            let context = format!("{}, {limit}", act.name);
            let run = limited(&world, limit, &arguments);
            let state = inputs.state(&world, &context);
            assert!(!run.stderr.contains("panicked"), "{context}: {}", run.stderr);
            match run.code {
                Some(0) => assert_eq!(state, after, "{context}: {}", run.stderr),
                Some(4) => {
                    failed += 1;
                    assert!(run.stderr.contains("error: "), "{context}: {}", run.stderr);
                    let told = run.stderr.contains("generation");
                    assert!(state == before || (told && state == after), "{context}: {state:?}");
                }
                // What can't be opened is the input, and it says so.
                Some(3) if run.stderr.contains("cannot read") => assert_eq!(state, before),
                // The program was never loaded.
                Some(127 | 126) if loader => assert_eq!(state, before, "{context}"),
                other => panic!("{context}: ended with {other:?}: {}", run.stderr),
            }
            assert_eq!(inputs.state(&world, &context), state);
        }
    }
    assert!(failed > 0, "no limit was met");
}

const CHANGES: [&str; 6] =
    ["init", "import unsubscribes", "unsubscribe", "resubscribe", "compile --full", "filter again"];

#[test]
fn a_limit_of_file_sizes_is_an_error_and_no_signal() {
    let limits = [0, 1, 8, 100, 130, 180, 400].map(|blocks| format!("ulimit -f {blocks}"));
    under_limits(&CHANGES, &limits, false);

    let sandbox = with_batch(10_000);
    sandbox.write("out.csv", "an earlier batch\n");
    for output in ["out.csv", "new.csv"] {
        let filter = ["filter", "in.csv", "-o", output];
        let run = limited(&sandbox, "ulimit -f 100", &filter).expect(4);
        run.says(&format!("cannot write `{output}`")).says("ulimit -f");
    }
    assert_eq!(sandbox.read_text("out.csv"), "an earlier batch\n");
    only(&sandbox, &["in.csv", "out.csv"]);
    sandbox.quell(["filter", "in.csv", "-o", "out.csv"]).expect(0);
}

#[test]
fn a_limit_of_descriptors_is_an_error() {
    let limits: Vec<String> = if soak() {
        (4..=24).map(|count| format!("ulimit -n {count}")).collect()
    } else {
        [5, 7, 9, 10, 12].map(|count| format!("ulimit -n {count}")).into()
    };
    under_limits(&CHANGES, &limits, true);
}

/// The address space in KiB in which the program just starts.
fn smallest_space(sandbox: &Sandbox) -> u64 {
    let (mut little, mut enough) = (1_000, 4_000_000);
    while enough - little > 500 {
        let middle = u64::midpoint(little, enough);
        let run = limited(sandbox, &format!("ulimit -v {middle}"), &["--version"]);
        if run.code == Some(0) { enough = middle } else { little = middle }
    }
    enough
}

#[test]
fn a_limit_of_memory_is_an_error_and_no_signal() {
    let from = smallest_space(&Sandbox::in_memory());
    let steps = if soak() { 60 } else { 8 };
    // Up to 400 MiB more than nothing.
    let limits: Vec<String> = (0..steps)
        .map(|step: u64| {
            format!("ulimit -v {}", from + 1_000 + 400_000 * step * step / steps / steps)
        })
        .collect();
    under_limits(&CHANGES, &limits, false);
}

/// A machine with many processors, and no memory for a thread on each.
#[test]
fn without_room_for_threads_an_import_ends_with_4() {
    let sandbox = with_batch(60_000);
    let limit =
        format!("ulimit -v {}; export RAYON_NUM_THREADS=300", smallest_space(&sandbox) + 100_000);
    for arguments in [&["import", "unsubscribes", "in.csv"][..], &["compile", "--full"]] {
        let run = limited(&sandbox, &limit, arguments).expect(4);
        run.says("cannot start the threads").says("hint: ");
    }
    sandbox.quell(["verify"]).expect(0);
    sandbox.quell(["check", "person.8@example.com"]).expect(0);
}

/// From some request on the system gives no memory at all: whoever asks, Rust or C, the command ends in plain words.
#[test]
fn without_memory_a_command_ends_with_4() {
    if !available() {
        return;
    }
    let inputs = Inputs::new();
    let mut dice = Dice::new("no memory");
    let (mut failed, mut done) = (0, 0);
    for (act, stage, before, after) in scenes(&inputs, &CHANGES) {
        let world = stage.copy();
        // What it takes to start at all; not ours to survive.
        let start = disturbed(&world, "a", Mode::Count, ["--version"]).1;
        let end = disturbed(&world.copy(), "a", Mode::Count, &act.arguments).1;
        assert!(end > start, "{}: {start} to {end} requests", act.name);
        let all = (start + 1)..=end;
        let chosen: Vec<u64> = if soak() {
            all.collect()
        } else {
            (0..4).map(|_| start + 1 + dice.below(end - start)).collect()
        };
        for request in chosen {
            let world = stage.copy();
            let context = format!("{}, no memory from request {request} of {end} on", act.name);
            let mode = Mode::From(request, ENOMEM);
            let (run, _) = disturbed(&world, "a", mode, &act.arguments);
            let state = inputs.state(&world, &context);
            // Rust's own start of a thread, before anything of ours runs in it.
            let foreign = run.stderr.contains("failed to allocate an alternative stack");
            assert!(foreign || !run.stderr.contains("panicked"), "{context}: {}", run.stderr);
            match run.code {
                Some(0) => assert_eq!(state, after, "{context}"),
                _ if foreign => assert!(state == before || state == after, "{context}: {state:?}"),
                Some(4) => {
                    assert!(state == before || state == after, "{context}: {state:?}");
                    assert!(run.stderr.contains("error: "), "{context}: {}", run.stderr);
                }
                other => panic!("{context}: ended with {other:?}: {}", run.stderr),
            }
            if run.code == Some(0) { done += 1 } else { failed += 1 }
        }
    }
    eprintln!("no memory: {failed} commands failed, {done} did without");
    assert!(failed > 0);
}

/// Runs a script in a name space of its own, where it may mount; `None` where that is not to be had.
fn in_own_space(sandbox: &Sandbox, script: &str) -> Option<Run> {
    let mount = "mkdir -p room && mount -t tmpfs -o size=2m,nr_inodes=200 none room";
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.current_dir(sandbox.directory()).env("NO_COLOR", "1").env("QUELL", QUELL);
        command.stdin(Stdio::null()).output().ok()
    };
    if !unshared(mount)?.status.success() {
        return None;
    }
    let output = unshared(&format!("{mount}\n{script}"))?;
    Some(run_of("a script in a space of its own".to_owned(), output))
}

/// A file system that is really full, and full again while a command runs.
#[test]
fn a_full_file_system_is_an_error_that_names_the_path() {
    let sandbox = Sandbox::in_memory();
    sandbox.write("in.csv", batch(60_000));
    sandbox.write("list.csv", batch(30_000));
    let script = r#"
        set -e
        cd room
        export QUELL_STORE=store
        code() { want=$1; shift; set +e; "$@" >said 2>&1; got=$?; set -e
            [ $got = $want ] || { echo "$* ended with $got, not with $want"; cat said; exit 1; }; }
        code 0 $QUELL init
        code 0 $QUELL unsubscribe person.7@example.com
        echo earlier >out.csv
        # 1.5 MB of kept rows and a list that needs more, into 2 MB that are partly taken.
        head -c 600000 /dev/zero >ballast
        code 4 $QUELL filter ../in.csv -o out.csv
        grep -q 'cannot write `out.csv`' said && grep -q 'hint: make room' said
        [ "$(cat out.csv)" = earlier ]
        code 4 $QUELL filter ../in.csv -o new.csv --suppressed withheld.csv --report report.json
        [ "$(ls -A | tr '\n' ' ')" = 'ballast out.csv said store ' ]
        code 4 $QUELL import unsubscribes ../list.csv
        code 0 $QUELL verify
        code 1 $QUELL check person.7@example.com
        code 0 $QUELL check person.8@example.com
        # To the last byte.
        cat /dev/zero >ballast 2>/dev/null || true
        code 4 $QUELL unsubscribe person.9@example.com
        code 4 $QUELL init --store other
        [ ! -e other ]
        rm ballast
        code 0 $QUELL check person.9@example.com
        code 0 $QUELL import unsubscribes ../in.csv --dry-run
        code 0 $QUELL unsubscribe person.9@example.com
        code 1 $QUELL check person.9@example.com
        code 0 $QUELL verify
    "#;
    let Some(run) = in_own_space(&sandbox, script) else {
        eprintln!(
            "not tried: no name space of its own is to be had here; the tracer's tests fill disks too"
        );
        return;
    };
    run.expect(0);
}

/// A store on a file system mounted read-only answers, and takes no change.
#[test]
fn a_read_only_file_system_answers_and_takes_no_change() {
    let sandbox = Sandbox::in_memory();
    let script = r#"
        set -e
        cd room
        export QUELL_STORE=store
        code() { want=$1; shift; set +e; "$@" >../said 2>&1; got=$?; set -e
            [ $got = $want ] || { echo "$* ended with $got, not with $want"; cat ../said; exit 1; }; }
        code 0 $QUELL init
        code 0 $QUELL unsubscribe gone@example.com
        printf 'email\ngone@example.com\nhere@example.com\n' >in.csv
        mount -o remount,ro none .
        code 1 $QUELL check gone@example.com
        code 0 $QUELL check here@example.com
        code 0 $QUELL filter in.csv -o ../out.csv
        code 0 $QUELL verify
        code 4 $QUELL filter in.csv -o out.csv
        grep -q 'cannot write `out.csv`' ../said
        code 4 $QUELL unsubscribe here@example.com
        code 4 $QUELL import unsubscribes in.csv
        code 4 $QUELL compile --full
        code 4 $QUELL init --store other
        code 0 $QUELL check here@example.com
    "#;
    let Some(run) = in_own_space(&sandbox, script) else {
        eprintln!("not tried: no name space of its own is to be had here");
        return;
    };
    run.expect(0);
    assert_eq!(sandbox.read_text("out.csv"), "email\nhere@example.com\n");
}

/// Without the rights, as a user who is not root.
#[test]
fn without_permission_there_is_an_error_that_names_the_path() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = with_batch(10);
    let plain = |arguments: &[&str]| {
        let output = Command::new("unshare")
            .args(["--user", "--map-user=12345", QUELL])
            .args(arguments)
            .current_dir(sandbox.directory())
            .env("QUELL_STORE", sandbox.path("store"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output();
        output.map(|output| run_of(format!("quell {}", arguments.join(" ")), output))
    };
    if !plain(&["--version"]).is_ok_and(|run| run.code == Some(0)) {
        eprintln!("not tried: there is no way here to be somebody else");
        return;
    }
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let plain = |arguments: &[&str]| plain(arguments).unwrap();
    fs::create_dir(sandbox.path("shut")).unwrap();
    mode("shut", 0o555);
    plain(&["filter", "in.csv", "-o", "shut/out.csv"]).expect(4).says("`shut/out.csv`");
    plain(&["init", "--store", "shut/store"]).expect(4).says("shut/store");
    mode("in.csv", 0o000);
    plain(&["filter", "in.csv"]).expect(3).says("`in.csv`");
    plain(&["import", "unsubscribes", "in.csv"]).expect(3).says("`in.csv`");
    mode("in.csv", 0o644);
    for (name, shut, open) in [
        ("store/secret.key", 0o000, 0o600),
        ("store/quell.toml", 0o000, 0o644),
        ("store/ledger.db", 0o000, 0o600),
        ("store/index/manifest", 0o000, 0o444),
        ("store", 0o000, 0o700),
    ] {
        mode(name, shut);
        plain(&["filter", "in.csv", "-o", "out.csv"]).expect(4);
        plain(&["unsubscribe", "person.1@example.com"]).expect(4);
        assert!(!sandbox.exists("out.csv"));
        mode(name, open);
    }
    // Nobody may write, so nobody does: it is read as it is.
    mode("store", 0o555);
    mode("store/ledger.db", 0o444);
    let run = plain(&["filter", "in.csv", "-o", "out.csv"]).expect(0);
    assert!(run.stderr.contains("withheld 1"), "{}", run.stderr);
    plain(&["unsubscribe", "person.1@example.com"]).expect(4);
    mode("store/ledger.db", 0o600);
    mode("store", 0o700);
    sandbox.quell(["check", "person.1@example.com"]).expect(0);
    sandbox.quell(["verify"]).expect(0);
}

fn filter(sandbox: &Sandbox, arguments: &[&str]) -> std::process::Child {
    let mut command = sandbox.command(["filter"].iter().chain(arguments));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn slow_pipes_lose_nothing() {
    let sandbox = with_batch(0);
    let text = batch(40_000);
    let want = text.replace("person.7@example.com\n", "");
    let mut child = filter(&sandbox, &["--threads", "2"]);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut kept = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // In pieces that end within rows, and within the first buffer of a pipe.
            for piece in text.as_bytes().chunks(60_001) {
                stdin.write_all(piece).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let mut piece = vec![0; 7_001];
        loop {
            let count = stdout.read(&mut piece).unwrap();
            if count == 0 {
                break;
            }
            kept.extend_from_slice(&piece[..count]);
            std::thread::sleep(Duration::from_micros(500));
        }
    });
    assert!(child.wait().unwrap().success());
    assert!(kept == want.as_bytes(), "{} bytes of {}", kept.len(), want.len());
}

/// Whoever reads the withheld rows goes away: the kept rows must not look whole.
#[test]
fn a_closed_pipe_of_any_result_leaves_no_output() {
    let sandbox = with_batch(0);
    sandbox.write("rule.csv", "domain\nexample.com\n");
    sandbox.quell(["import", "domains", "rule.csv"]).expect(0);
    sandbox.write("in.csv", batch(100_000));
    for arguments in [
        &["in.csv", "-o", "out.csv", "--suppressed", "-"][..],
        &["in.csv", "--suppressed", "out.csv"],
    ] {
        let mut child = filter(&sandbox, arguments);
        drop(child.stdin.take());
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{arguments:?}: {stderr}");
        assert!(stderr.is_empty(), "{stderr}");
        only(&sandbox, &["in.csv", "rule.csv"]);
    }
}

/// A link to nothing is followed, as a shell's redirection does; it is no second name for one file either.
#[test]
fn an_output_through_a_link_to_nothing_makes_what_it_names() {
    let sandbox = with_batch(9);
    fs::create_dir(sandbox.path("far")).unwrap();
    std::os::unix::fs::symlink("far/kept.csv", sandbox.path("out.csv")).unwrap();
    let both = ["filter", "in.csv", "-o", "out.csv", "--suppressed", "far/kept.csv"];
    sandbox.quell(both).expect(2).says("two results");
    sandbox.quell(["filter", "in.csv", "-o", "out.csv"]).expect(0);
    assert!(fs::symlink_metadata(sandbox.path("out.csv")).unwrap().is_symlink());
    assert_eq!(sandbox.read_text("far/kept.csv").lines().count(), 9);
    fs::remove_file(sandbox.path("far/kept.csv")).unwrap();
    fs::remove_dir(sandbox.path("far")).unwrap();
    sandbox.quell(["filter", "in.csv", "-o", "out.csv"]).expect(4).says("`out.csv`");
}
