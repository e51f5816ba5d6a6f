//! The binary under a tracer (`tests/faults/tracer.c`): each write, sync and name is a numbered step, before which it
//! can be killed or which can fail, and all of them can be logged.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::sandbox::{QUELL, Run, Sandbox};

/// What a step does that changes the disk: writes, syncs, names.
pub(crate) const DISK: &str = "wsn";

pub(crate) const EIO: i32 = 5;
pub(crate) const ENOMEM: i32 = 12;
pub(crate) const EMFILE: i32 = 24;
pub(crate) const ENOSPC: i32 = 28;

/// What the tracer does to the program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Nothing: the steps are counted.
    Count,
    /// Killed before this step, from 1.
    Kill(u64),
    /// This step fails with this `errno`, later ones work.
    Fail(u64, i32),
    /// This step and all later ones fail.
    From(u64, i32),
}

/// The tracer, compiled once.
fn tracer() -> &'static Path {
    static TRACER: OnceLock<PathBuf> = OnceLock::new();
    TRACER.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let draft = place.join(format!("tracer-{}", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let source = crate::sandbox::root().join("tests/faults/tracer.c");
        let built = Command::new(compiler)
            .args(["-O1", "-o"])
            .args([&draft, &source])
            .output()
            .expect("a C compiler, which SQLite needs as well");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        // Renamed, because another test process may be doing the same.
        let path = place.join("tracer");
        fs::rename(&draft, &path).expect("a name for the tracer");
        path
    })
}

/// Says whether programs can be traced here: some containers forbid it.
pub(crate) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let traced = Command::new(tracer())
            .args(["/", DISK, "kill:0", "/dev/null", "--", QUELL, "--version"])
            .output()
            .expect("the tracer");
        let available = traced.status.success();
        if !available {
            let why = String::from_utf8_lossy(&traced.stderr).into_owned();
            eprintln!("NOT TRIED, since no program can be traced here: {why}");
        }
        available
    })
}

fn run<S: AsRef<OsStr>>(
    sandbox: &Sandbox,
    classes: &str,
    mode: &str,
    arguments: impl IntoIterator<Item = S>,
) -> (Run, Vec<u8>) {
    let log = Sandbox::in_memory();
    let directory = sandbox.directory();
    let mut command = Command::new(tracer());
    command
        .arg(&directory)
        .args([classes, mode])
        .arg(log.path("log"))
        .args(["--", QUELL])
        .args(arguments)
        .current_dir(&directory)
        .env("QUELL_STORE", directory.join("store"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    let shown: Vec<_> = command.get_args().skip(4).map(OsStr::to_string_lossy).collect();
    let shown = shown.join(" ");
    let output = command.output().expect("the tracer");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_ne!(output.status.code(), Some(125), "the tracer itself failed: {stderr}");
    let run = Run { command: shown, code: output.status.code(), stdout: output.stdout, stderr };
    (run, log.read("log"))
}

/// Runs a command with something done to it, and says how many steps it made.
pub(crate) fn disturbed<S: AsRef<OsStr>>(
    sandbox: &Sandbox,
    classes: &str,
    mode: Mode,
    arguments: impl IntoIterator<Item = S>,
) -> (Run, u64) {
    let mode = match mode {
        Mode::Count => "kill:0".to_owned(),
        Mode::Kill(step) => format!("kill:{step}"),
        Mode::Fail(step, errno) => format!("fail:{step}:{errno}"),
        Mode::From(step, errno) => format!("from:{step}:{errno}"),
    };
    let (run, log) = run(sandbox, classes, &mode, arguments);
    let steps = String::from_utf8(log).expect("a number").trim().parse().expect("a number");
    (run, steps)
}

/// What a command did to the disk, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) op: char,
    pub(crate) inode: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) path: PathBuf,
    pub(crate) other: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Runs a command undisturbed, and gives what it did.
pub(crate) fn logged<S: AsRef<OsStr>>(
    sandbox: &Sandbox,
    arguments: impl IntoIterator<Item = S>,
) -> (Run, Vec<Event>) {
    let (run, log) = run(sandbox, DISK, "log", arguments);
    let mut log = Log(&log);
    let mut events = Vec::new();
    while !log.0.is_empty() {
        let op = char::from(log.take(1)[0]);
        let (inode, offset, length) = (log.number(), log.number(), log.number());
        let (path, other) = (log.path(), log.path());
        let count = usize::try_from(log.number()).expect("a length");
        let bytes = log.take(count).to_vec();
        events.push(Event { op, inode, offset, length, path, other, bytes });
    }
    (run, events)
}

struct Log<'a>(&'a [u8]);

impl<'a> Log<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    fn path(&mut self) -> PathBuf {
        let count = usize::try_from(self.number()).expect("a length");
        PathBuf::from(String::from_utf8(self.take(count).to_vec()).expect("UTF-8"))
    }
}
