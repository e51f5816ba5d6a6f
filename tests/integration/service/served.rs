//! A running service, and a client that reads what it says to the letter.

use crate::sandbox::{QUELL, Sandbox};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long an answer may take before the test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service on a port of its own, killed when the test ends.
pub(crate) struct Served {
    child: Child,
    store: std::path::PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it says on standard error, as it comes.
    said: thread::JoinHandle<String>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Served {
    /// Starts a service over the sandbox's store.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox, &[])
    }

    /// Starts a service with more options.
    pub(crate) fn start_with(sandbox: &Sandbox, options: &[&str]) -> Self {
        let store = sandbox.path("store");
        let mut command = Command::new(QUELL);
        command.args(["serve", "--listen", "127.0.0.1:0", "--store"]).arg(&store).args(options);
        Self::of(command, store)
    }

    /// What `command` starts over the store at `store`.
    pub(crate) fn of(mut command: Command, store: std::path::PathBuf) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the service");
        let mut stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        let mut before = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it does not listen: {before}");
            before.push_str(&line);
            if let Some((_, place)) = line.split_once("listening on http") {
                // In JSON more follows.
                let place = place.trim_start_matches('s').trim_start_matches("://");
                let end = place.find(['"', '\n']).unwrap_or(place.len());
                break place[..end].parse().unwrap();
            }
        };
        // Read on, or the service would wait for room in the pipe.
        let said = thread::spawn(move || {
            let mut rest = before;
            let _ = stderr.read_to_string(&mut rest);
            rest
        });
        Self { child, store, address, said }
    }

    /// A new token of this role.
    pub(crate) fn token(&self, role: &str) -> String {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let made = Command::new(QUELL)
            .args(["token", "create", "--role", role, "--name", &format!("{role} {number}")])
            .arg("--store")
            .arg(&self.store)
            .output()
            .expect("quell token create");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().lines().last().unwrap().to_owned()
    }

    /// A GET; an empty token is none.
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        self.request("GET", path, token, &[], b"")
    }

    /// A POST of JSON.
    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.request("POST", path, token, &[("content-type", "application/json")], &body)
    }

    /// A request with a body, on a connection of its own.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        if !token.is_empty() {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        Answer::parse(&self.raw(&bytes))
    }

    /// Sends bytes as they are, and gives everything that comes until the service closes the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // A service that refuses a request may close before it has read all of it.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Fails unless `holds` does within 100 ms, which a loaded machine is given twenty times of.
    pub(crate) fn within_100_ms(&self, holds: impl FnMut() -> bool) {
        self.within(2_000, holds);
    }

    /// Fails unless `holds` does within so many milliseconds.
    pub(crate) fn within(&self, milliseconds: u64, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_millis(milliseconds);
        while !holds() {
            assert!(Instant::now() < end, "not within {milliseconds} ms");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Tells it to stop, and gives its exit code.
    pub(crate) fn stop(self) -> Option<i32> {
        self.stop_and_hear().0
    }

    /// Tells it to stop, and gives its exit code and everything it said.
    pub(crate) fn stop_and_hear(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        let code = self.child.wait().unwrap().code();
        // A thread of its own reads it; this one is dropped, and must not wait for it.
        let said = std::mem::replace(&mut self.said, thread::spawn(String::new));
        (code, said.join().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// Understands an answer, chunked or not; chunks that do not end are a body that does not: the status is 0 then.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else { return Self { status: 0, headers: vec![], body: bytes.into() } };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let mut headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = &bytes[end + 4..];
        let is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
        let (whole, body) =
            if is_chunked { unchunked(body, &mut headers) } else { (true, body.to_vec()) };
        let status = if whole { status.unwrap_or_default() } else { 0 };
        Self { status, headers, body }
    }

    /// Fails unless the status is this.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The first header or trailer of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// The content of chunks, with their trailers among the headers, and whether they end.
fn unchunked(mut rest: &[u8], headers: &mut Vec<(String, String)>) -> (bool, Vec<u8>) {
    let mut body = Vec::new();
    let line = |rest: &mut &[u8]| -> Option<String> {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        *rest = &rest[end + 2..];
        Some(text)
    };
    loop {
        let Some(size) = line(&mut rest) else { return (false, body) };
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { return (false, body) };
        if size == 0 {
            while let Some(text) = line(&mut rest) {
                match text.split_once(':') {
                    Some((name, value)) => {
                        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                    }
                    None => return (true, body),
                }
            }
            return (false, body);
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(&rest[..rest.len().min(size)]);
            return (false, body);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
