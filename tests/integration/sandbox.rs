//! A directory of its own for each test, and the binary run inside it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const QUELL: &str = env!("CARGO_BIN_EXE_quell");

/// A directory that is gone after the test, with a store named `store` in it.
pub(crate) struct Sandbox {
    directory: TempDir,
}

/// A finished command: what it printed and how it ended.
pub(crate) struct Run {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// A directory with an empty, initialised store.
    pub(crate) fn new() -> Self {
        let sandbox = Self::without_store();
        sandbox.quell(["init"]).expect(0);
        sandbox
    }

    /// A directory with nothing in it.
    pub(crate) fn without_store() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    /// A directory with nothing in it, in memory where the system has such a place: for the tests that make thousands.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() {
            tempfile::tempdir_in(memory).expect("a directory in memory")
        } else {
            tempfile::tempdir().expect("a temporary directory")
        };
        Self { directory }
    }

    /// The directory, without symbolic links in its path.
    pub(crate) fn directory(&self) -> PathBuf {
        self.directory.path().canonicalize().expect("a path")
    }

    /// Another directory in memory with the same files in it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::in_memory();
        copy_directory(self.directory.path(), copy.directory.path());
        copy
    }

    /// A store that holds the samples of `data/`.
    pub(crate) fn with_samples() -> Self {
        let sandbox = Self::new();
        for kind in ["contacts", "unsubscribes", "preferences", "suppressions"] {
            let file = sample(&format!("{kind}.csv"));
            sandbox.quell(["import", kind, file.to_str().unwrap()]).expect(0);
        }
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Writes a file and gives its name back, ready to stand among arguments.
    pub(crate) fn write<'n>(&self, name: &'n str, content: impl AsRef<[u8]>) -> &'n str {
        fs::write(self.path(name), content).expect("a file in the sandbox");
        name
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("UTF-8")
    }

    pub(crate) fn read_json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).expect("JSON")
    }

    /// The command with the sandbox as its working directory and its store, whatever the caller's environment says.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(QUELL);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("QUELL_STORE", self.path("store"))
            .env("NO_COLOR", "1");
        command
    }

    /// Runs a command to its end with an empty standard input.
    pub(crate) fn quell<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.quell_reading(arguments, b"")
    }

    /// Runs a command to its end with `input` on its standard input, through a pipe.
    pub(crate) fn quell_reading<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Run {
        let mut command = self.command(arguments);
        let shown = shown(&command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the quell binary");
        let mut stdin = child.stdin.take().expect("a pipe");
        std::thread::scope(|scope| {
            // A command that refuses early never reads its input: a broken pipe here is its right.
            scope.spawn(move || drop(stdin.write_all(input)));
            let output = child.wait_with_output().expect("an exit");
            Run {
                command: shown,
                code: output.status.code(),
                stdout: output.stdout,
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }
        })
    }

    /// Starts a command and leaves it running.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        self.command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the quell binary")
    }

    /// The reasons `check --json` gives for one address, each once, list opt-outs with their list.
    pub(crate) fn reasons(&self, address: &str, options: &[&str]) -> Vec<String> {
        let mut arguments = vec!["check", "--json", address];
        arguments.extend(options);
        let answers = self.quell(arguments).expect_any(&[0, 1]).json();
        let mut names: Vec<String> = Vec::new();
        for reason in answers[0]["reasons"].as_array().expect("an array of reasons") {
            let name = match reason["reason"].as_str().expect("a reason's name") {
                "opted_out" => {
                    let scope = reason["scope"].as_str().expect("a scope");
                    format!("opted_out:{}", scope.trim_start_matches("list:"))
                }
                name => name.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What a filter keeps of a batch with one column, `email`.
    pub(crate) fn kept(&self, addresses: &[&str], options: &[&str]) -> Vec<String> {
        let batch = format!("email\n{}\n", addresses.join("\n"));
        let mut arguments = vec!["filter"];
        arguments.extend(options);
        let run = self.quell_reading(arguments, batch.as_bytes()).expect(0);
        run.text().lines().skip(1).map(str::to_owned).collect()
    }

    /// A copy of the store under another name, as a backup restored by hand would be.
    pub(crate) fn copy_store(&self, from: &str, to: &str) {
        copy_directory(&self.path(from), &self.path(to));
    }
}

impl Run {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        self.expect_any(&[code])
    }

    /// Asserts that the exit code is one of these.
    #[track_caller]
    pub(crate) fn expect_any(self, codes: &[i32]) -> Self {
        assert!(
            self.code.is_some_and(|code| codes.contains(&code)),
            "`{}` ended with {:?}, not with {codes:?}\nstdout: {}\nstderr: {}",
            self.command,
            self.code,
            String::from_utf8_lossy(&self.stdout),
            self.stderr,
        );
        self
    }

    /// Asserts that standard error says this, whatever the case.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.to_lowercase().contains(&words.to_lowercase()),
            "`{}` does not say `{words}` on standard error:\n{}",
            self.command,
            self.stderr,
        );
        self
    }

    /// Standard output as text.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("UTF-8 on standard output")
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| {
            panic!("`{}` printed no JSON ({error}): {}", self.command, self.text())
        })
    }
}

/// Says whether the long form of a test is asked for: `QUELL_SOAK`, set by `make soak`.
pub(crate) fn soak() -> bool {
    std::env::var_os("QUELL_SOAK").is_some_and(|value| !value.is_empty() && value != "0")
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of `data/`.
pub(crate) fn sample(name: &str) -> PathBuf {
    root().join("data").join(name)
}

/// Every file below a directory with its bytes, sorted: what a test compares to see that nothing changed.
pub(crate) fn tree(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()))
        {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

/// Random numbers that a printed seed brings back: xorshift64*, which is plenty for choosing moments and bytes.
pub(crate) struct Dice(u64);

impl Dice {
    /// Takes the seed from `QUELL_TEST_SEED`, else from the clock, and prints it.
    pub(crate) fn new(what: &str) -> Self {
        let seed = match std::env::var("QUELL_TEST_SEED") {
            Ok(text) => text.parse().expect("QUELL_TEST_SEED is a number"),
            Err(_) => {
                let now = std::time::SystemTime::now();
                let since = now.duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
                u64::from(since.subsec_nanos()) | 1
            }
        };
        eprintln!("{what}: QUELL_TEST_SEED={seed}");
        Self(seed.max(1))
    }

    /// Random numbers of their own, for a thread.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX >> 1) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % bound
    }

    /// A place in something so long.
    pub(crate) fn place(&mut self, length: u64) -> usize {
        usize::try_from(self.below(length)).expect("no test has so much")
    }
}

fn shown(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    format!("quell {}", words.join(" "))
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory to copy") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_directory(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copied file");
        }
    }
}

/// A ZIP archive of these members.
pub fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
