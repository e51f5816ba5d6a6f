//! `POST /v1/filter`: the rows that the command keeps, streamed.

use super::{Answer, Served};
use crate::sandbox::{Sandbox, sample};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};

const CSV: (&str, &str) = ("content-type", "text/csv");

fn filter(
    served: &Served,
    token: &str,
    query: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    served.request("POST", &format!("/v1/filter{query}"), token, headers, body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

/// A batch of so many rows, of which every tenth is withheld in [`store`].
fn batch(rows: u32) -> Vec<u8> {
    let mut text = b"\xef\xbb\xbfid;\"email\";name\r\n".to_vec();
    for row in 0..rows {
        text.extend_from_slice(format!("{row};P{row}@Example.com;\"x, \"\"y\"\"\"\r\n").as_bytes());
    }
    text
}

fn store() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut text = String::from("email\n");
    for row in (0..200_000).step_by(10) {
        text.push_str(&format!("p{row}@example.com\n"));
    }
    sandbox.write("out.csv", text);
    sandbox.quell(["import", "unsubscribes", "out.csv"]).expect(0);
    sandbox
}

/// Fails unless the answer is what the command keeps of `body`, and says so.
#[track_caller]
fn expect_as_command(sandbox: &Sandbox, answer: Answer, body: &[u8], options: &[&str]) {
    let arguments = ["filter"].iter().chain(options);
    let run = sandbox.quell_reading(arguments, body).expect(0);
    let answer = answer.expect(200);
    assert!(answer.body == run.stdout, "{options:?}");
    assert_eq!(answer.header("quell-status"), Some("ok"));
    let number = |name| answer.header(name).unwrap().parse::<u64>().unwrap();
    assert_eq!(number("quell-read"), number("quell-kept") + number("quell-withheld"));
    let said = format!("read {}, kept {}", number("quell-read"), number("quell-kept"));
    assert!(run.stderr.contains(&said), "{said}: {}", run.stderr);
}

#[test]
fn the_rows_kept_are_those_of_the_command_byte_for_byte() {
    let sandbox = Sandbox::with_samples();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let recipients = std::fs::read(sample("recipients.csv")).unwrap();
    for (query, options) in [
        ("", &[][..]),
        ("?list=news", &["--list", "news"]),
        ("?class=transactional", &["--class", "transactional"]),
        ("?dedupe=true&invalid=keep", &["--dedupe", "--invalid", "keep"]),
        ("?list=news&list=offers", &["--list", "news", "--list", "offers"]),
    ] {
        let answer = filter(&served, &token, query, &[CSV], &recipients);
        expect_as_command(&sandbox, answer, &recipients, options);
    }
    let odd = b"sep=;\na;E-Mail;c\n1;bob@example.com;2\n\n3;no address;4";
    expect_as_command(&sandbox, filter(&served, &token, "", &[CSV], odd), odd, &[]);
    let tabs = b"a\tb\nx\tann@example.com\n";
    let answer = filter(&served, &token, "?email_column=b&delimiter=tab", &[CSV], tabs);
    expect_as_command(&sandbox, answer, tabs, &["--email-column", "b", "--delimiter", "tab"]);
    let bare = b"ann@example.com\nbob@example.com\n";
    let answer = filter(&served, &token, "?no_header=true&email_column=1", &[], bare);
    expect_as_command(&sandbox, answer, bare, &["--no-header", "--email-column", "1"]);
    let lines = b"{\"email\":\"ann@example.com\"}\n{\"email\":\"nobody@example.com\"}\n";
    let ndjson = [("content-type", "application/x-ndjson")];
    let answer = filter(&served, &token, "", &ndjson, lines);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    expect_as_command(&sandbox, answer, lines, &["--format", "ndjson"]);
    for empty in [&b""[..], b"\n\n"] {
        let answer = filter(&served, &token, "", &[CSV], empty).expect(200);
        assert_eq!((answer.body.as_slice(), answer.header("quell-read")), (empty, Some("0")));
    }
}

#[test]
fn gzip_goes_both_ways() {
    let sandbox = store();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let plain = batch(30_000);
    let kept = sandbox.quell_reading(["filter"], &plain).expect(0).stdout;
    let packed = gzip(&plain);
    let said = ("content-encoding", "gzip");
    for headers in [&[CSV][..], &[CSV, said]] {
        let answer = filter(&served, &token, "", headers, &packed).expect(200);
        assert!(answer.body == kept && answer.header("quell-kept") == Some("27000"));
    }
    let takes = ("accept-encoding", "br, gzip;q=0.5");
    let answer = filter(&served, &token, "", &[CSV, takes], &plain).expect(200);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(gunzip(&answer.body) == kept && answer.header("quell-status") == Some("ok"));
    filter(&served, &token, "", &[CSV, said], &plain).expect(400);
    filter(&served, &token, "", &[CSV, ("content-encoding", "br")], &plain).expect(415);
    // Data that end too early are no end.
    let short = &packed[..packed.len() - 9];
    let answer = filter(&served, &token, "", &[CSV, said], short);
    assert!(answer.status == 400 || answer.status == 0, "{}", answer.status);
    assert_eq!(answer.header("quell-status"), None);
}

#[test]
fn what_is_wrong_before_the_first_row_is_a_problem() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let rows = b"email,b\nann@example.com,1\n";
    for (query, body, hint) in [
        ("?email_column=nothere", &rows[..], "nothere"),
        ("?email_column=7", rows, ""),
        ("?colour=red", rows, "known"),
        ("?class=red", rows, "bulk"),
        // Decoded as it can be, it would be another list than the one that somebody left.
        ("?list=caf%E9", rows, "UTF-8"),
        ("?invalid=fail", b"email\nno address\n", "line 2"),
        ("", b"a,b\n1,2\n", "email_column"),
        ("", b"email,b\n\"ann@example.com,1\n", "line 2"),
        ("", b"PK\x03\x04", ""),
        ("", b"PAR1", ""),
    ] {
        let answer = filter(&served, &token, query, &[CSV], body).expect(400);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(answer.text().contains(hint), "{query}: {}", answer.text());
        assert!(!answer.text().contains("ann@"), "{}", answer.text());
    }
    let kind = |kind| filter(&served, &token, "", &[("content-type", kind)], rows);
    kind("application/json").expect(415);
    kind("multipart/form-data; boundary=x").expect(415);
    kind("application/x-www-form-urlencoded").expect(200);
    filter(&served, "", "", &[CSV], rows).expect(401);
}

#[test]
fn a_fault_behind_the_first_rows_breaks_the_connection_off() {
    let sandbox = store();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let mut body = batch(100_000);
    body.extend_from_slice(b"1;\"never closed");
    let answer = filter(&served, &token, "", &[CSV], &body);
    // 0: a body of chunks without an end.
    assert!(answer.status == 0 && !answer.body.is_empty() || answer.status == 400);
    assert_eq!(answer.header("quell-status"), None);
    // A client that goes away in the middle of its body.
    let mut stream = served.connect();
    let head = format!(
        "POST /v1/filter HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 99999999\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&batch(50_000)).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("quell-status: ok"));
}

#[test]
fn every_client_gets_the_trailers_on_any_request_of_a_connection() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let mut stream = served.connect();
    let check = "{\"addresses\":[\"ann@example.com\"]}";
    let asked = |path: &str, kind: &str, body: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n{more}\r\n{body}",
            body.len()
        )
    };
    let rows = "email\nann@example.com\n";
    let all = [
        asked("/v1/check", "application/json", check, ""),
        asked("/v1/filter", "text/csv", rows, ""),
        asked("/v1/filter?list=a", "text/csv", rows, "te: trailers\r\n"),
        asked("/v1/filter", "text/csv", rows, "connection: close\r\n"),
    ];
    for one in &all {
        stream.write_all(one.as_bytes()).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.matches("quell-status: ok").count(), 3, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 4, "{answer}");
    // A client that knows no chunks gets the length, and the words as headers.
    let old = asked("/v1/filter", "text/csv", rows, "").replace("HTTP/1.1", "HTTP/1.0");
    let answer = String::from_utf8(served.raw(old.as_bytes())).unwrap().to_ascii_lowercase();
    assert!(
        answer.contains("content-length: 22\r\n") && answer.contains("quell-status: ok"),
        "{answer}"
    );
    assert!(
        !answer.contains("transfer-encoding")
            && answer.ends_with("\r\n\r\nemail\nann@example.com\n")
    );
}

#[test]
fn curl_sends_files_as_its_users_do() {
    let sandbox = store();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let body = batch(150_000);
    sandbox.write("batch", &body);
    sandbox.write("batch.gz", gzip(&body));
    let kept = sandbox.quell_reading(["filter"], &body).expect(0).stdout;
    let url = format!("http://{}/v1/filter", served.address);
    let bearer = format!("authorization: Bearer {token}");
    for options in [
        &["-T", "batch", "-X", "POST"][..],
        &["--data-binary", "@batch"],
        &["--data-binary", "@batch", "-H", "content-type: text/csv", "-H", "expect:"],
        &["-T", "batch.gz", "-X", "POST", "-H", "content-encoding: gzip", "--compressed"],
        &["-T", "-", "-X", "POST"],
        &["--http1.0", "--data-binary", "@batch"],
    ] {
        let curl = Command::new("curl")
            .args(["--fail", "--silent", "--show-error", "-H", &bearer, "-o", "kept.csv"])
            .args(["-D", "head.txt"])
            .args(options)
            .arg(&url)
            .current_dir(sandbox.directory())
            .stdin(if options[1] == "-" {
                Stdio::from(std::fs::File::open(sandbox.path("batch")).unwrap())
            } else {
                Stdio::null()
            })
            .output()
            .unwrap();
        assert!(curl.status.success(), "{options:?}: {}", String::from_utf8_lossy(&curl.stderr));
        assert!(sandbox.read("kept.csv") == kept, "{options:?}");
        let head = sandbox.read_text("head.txt");
        assert!(head.contains("quell-status: ok"), "{options:?}: {head}");
    }
}

#[test]
fn a_client_that_sends_everything_before_it_reads_is_served() {
    let sandbox = store();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    // More than sockets and memory hold.
    let body = batch(1_000_000);
    let answer = filter(&served, &token, "", &[CSV], &body).expect(200);
    assert_eq!(answer.header("quell-read"), Some("1000000"));
    assert_eq!(answer.header("quell-withheld"), Some("20000"));
    let kept = sandbox.quell_reading(["filter"], &body).expect(0).stdout;
    assert!(answer.body == kept);
}

/// The head of a request for a batch of so many bytes.
fn head(token: &str, length: usize) -> String {
    format!(
        "POST /v1/filter HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: text/csv\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[test]
fn a_client_that_takes_its_time_to_send_is_not_taken_for_one_that_does_not_read() {
    let sandbox = store();
    let served = Served::start_with(&sandbox, &["--stall-time", "2s"]);
    let token = served.token("decide");
    // More than sockets and memory hold, over more than the time that nothing may be taken of an answer.
    let body = batch(700_000);
    let mut stream = served.connect();
    stream.write_all(head(&token, body.len()).as_bytes()).unwrap();
    for part in body.chunks(body.len() / 9 + 1) {
        stream.write_all(part).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = Answer::parse(&answer).expect(200);
    assert_eq!(answer.header("quell-read"), Some("700000"));
    assert_eq!(answer.header("quell-status"), Some("ok"));
}

#[test]
fn a_client_that_stops_is_not_waited_for_for_ever() {
    let sandbox = store();
    let served = Served::start_with(&sandbox, &["--stall-time", "1s"]);
    let token = served.token("decide");
    // In the middle of its body, before anything was answered.
    let body = batch(100);
    let mut stream = served.connect();
    stream.write_all(head(&token, body.len() + 1).as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = Answer::parse(&answer);
    assert!(answer.status == 408, "{}: {}", answer.status, answer.text());
    // At the end of its body, of which it reads no answer.
    let body = batch(700_000);
    let mut stream = served.connect();
    stream.write_all(head(&token, body.len()).as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(8));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let length = answer.len();
    let answer = Answer::parse(&answer);
    let told = answer.header("quell-status");
    assert!(answer.status == 0 && told.is_none(), "{}, {length} bytes, {told:?}", answer.status);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_whoever_is_slow() {
    let sandbox = store();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let body = batch(1_500_000);
    filter(&served, &token, "", &[CSV], &batch(150_000)).expect(200);
    let before = memory();
    // All is sent, and nothing read.
    let mut stream = served.connect();
    stream.write_all(head(&token, body.len()).as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let after = memory();
    assert!(
        after < before + (24 << 10),
        "{before} KiB, {after} KiB, with {} bytes on their way",
        body.len()
    );
    // And then slowly, at first.
    let mut answer = vec![0; 1 << 20];
    let mut got = stream.read(&mut answer).unwrap();
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        got += stream.read(&mut answer).unwrap();
    }
    let mut rest = Vec::new();
    got += stream.read_to_end(&mut rest).unwrap();
    assert!(got > body.len() * 9 / 10);
    assert!(String::from_utf8_lossy(&rest[rest.len() - 200..]).contains("quell-status: ok"));
}
