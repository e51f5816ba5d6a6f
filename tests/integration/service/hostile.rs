//! Clients that are slow, malformed, oversized or ill-meant: each gets an answer that says so, or its connection is
//! closed; none gets a 5xx, none keeps the service from others, and no address of theirs is in the log.

use super::{Answer, Served};
use crate::sandbox::Sandbox;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Times short enough to be waited for.
const SHORT: [&str; 10] = [
    "--head-time",
    "300ms",
    "--idle-time",
    "600ms",
    "--stall-time",
    "800ms",
    "--request-time",
    "1s",
    "--log",
    "debug",
];

/// A service with short times, and a token of it.
fn served(sandbox: &Sandbox) -> (Served, String) {
    let served = Served::start_with(sandbox, &SHORT);
    let token = served.token("operator");
    (served, token)
}

/// Everything that comes until the service closes, and how long that took.
fn until_closed(stream: &mut TcpStream) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (answer, began.elapsed())
}

/// The head of a check with these headers besides.
fn check_head(token: &str, headers: &str) -> String {
    format!(
        "POST /v1/check HTTP/1.1\r\nhost: quell.test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{headers}\r\n"
    )
}

/// A whole check of one address.
fn check(token: &str, address: &str) -> Vec<u8> {
    let body = json!({"addresses": [address]}).to_string();
    let head = check_head(token, &format!("content-length: {}\r\n", body.len()));
    format!("{head}{body}").into_bytes()
}

#[track_caller]
fn assert_still_answers(served: &Served) {
    served.get("/readyz", "").expect(200);
}

/// No answer of a connection is a 5xx.
#[track_caller]
fn assert_blames_the_client(answers: &[u8]) {
    let text = String::from_utf8_lossy(answers);
    for line in text.split("\r\n").filter(|line| line.starts_with("HTTP/1.1 ")) {
        assert!(!line.starts_with("HTTP/1.1 5"), "{text}");
    }
}

#[test]
fn a_head_that_does_not_end_is_waited_for_no_longer_than_said() {
    let sandbox = Sandbox::new();
    let (served, _) = served(&sandbox);
    for beginning in ["", "G", "GET /readyz HTTP/1.1\r\n", "GET /readyz HTTP/1.1\r\nx: "] {
        let mut stream = served.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        let (answer, took) = until_closed(&mut stream);
        assert!(answer.is_empty(), "{beginning:?}: {}", String::from_utf8_lossy(&answer));
        assert!(took < Duration::from_secs(20), "{beginning:?}: {took:?}");
    }
    assert_still_answers(&served);
}

#[test]
fn a_head_that_trickles_is_not_given_more_time_by_each_byte() {
    let sandbox = Sandbox::new();
    let (served, _) = served(&sandbox);
    let mut stream = served.connect();
    let began = Instant::now();
    let mut sent = 0_u32;
    // It would take for ever.
    while stream.write_all(if sent == 0 { b"GET / HTTP/1.1\r\n" } else { b"x: y\r\n" }).is_ok() {
        sent += 1;
        thread::sleep(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(20), "{sent} lines are taken");
    }
    assert_still_answers(&served);
}

#[test]
fn a_connection_without_a_next_request_is_closed() {
    let sandbox = Sandbox::new();
    let (served, _) = served(&sandbox);
    let mut stream = served.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: quell.test\r\n\r\n").unwrap();
    let (answer, took) = until_closed(&mut stream);
    assert_eq!(Answer::parse(&answer).status, 200);
    assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_body_that_does_not_come_is_the_clients_fault() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    for headers in ["content-length: 1000\r\n", "transfer-encoding: chunked\r\n"] {
        let mut stream = served.connect();
        stream.write_all(check_head(&token, headers).as_bytes()).unwrap();
        // Nothing comes for longer than a stall may last.
        let (answer, took) = until_closed(&mut stream);
        assert!(took < Duration::from_secs(20), "{took:?}");
        let status = Answer::parse(&answer).status;
        assert!((400..500).contains(&status), "{status}");
    }
    assert_still_answers(&served);
}

#[test]
fn a_body_that_trickles_is_answered_in_time() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    let mut stream = served.connect();
    stream.write_all(check_head(&token, "content-length: 100000\r\n").as_bytes()).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let trickle = thread::spawn(move || {
        while writing.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let (answer, took) = until_closed(&mut stream);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let answer = Answer::parse(&answer).expect(408);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("connection"), Some("close"));
    drop(stream);
    trickle.join().unwrap();
    assert_still_answers(&served);
}

#[test]
fn an_answer_that_nobody_takes_does_not_hold_its_connection() {
    let sandbox = Sandbox::new();
    let (served, _) = served(&sandbox);
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: quell.test\r\n\r\n".repeat(1_000);
    let mut stream = served.connect();
    // Large answers, until the socket's buffers are full. The service stops reading then.
    stream.set_nonblocking(true).unwrap();
    let began = Instant::now();
    let mut sent = 0;
    loop {
        match stream.write(&request[sent % request.len()..]) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(20));
            }
            // It was closed.
            Err(_) => break,
        }
        assert!(
            began.elapsed() < Duration::from_secs(50),
            "{sent} bytes are taken, no answer read"
        );
    }
    assert_still_answers(&served);
}

#[test]
fn many_connections_that_do_nothing_keep_nobody_out_for_long() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--connections", "8", "--head-time", "300ms"]);
    let idle: Vec<_> = (0..64).map(|_| served.connect()).collect();
    let began = Instant::now();
    served.get("/healthz", "").expect(200);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    drop(idle);
}

#[test]
fn whoever_sends_slowly_or_waits_to_write_keeps_no_decision_waiting() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let served = Served::start_with(&sandbox, &["--requests", "4", "--request-time", "20s"]);
    let token = served.token("write");
    // Nobody has to show a token to sign in; half a form is never a whole one.
    let half = b"POST /console/sign-in HTTP/1.1\r\nhost: quell.test\r\ncontent-length: 100\r\n\r\n";
    let mut slow: Vec<TcpStream> = (0..8).map(|_| served.connect()).collect();
    for stream in &mut slow {
        stream.write_all(half).unwrap();
    }
    let link = sandbox.quell(["link", "bob@example.com", "--base-url", "https://a.test"]).expect(0);
    let link = link.text();
    let press = link.split_once("a.test").unwrap().1.split_once('>').unwrap().0;
    served.request("POST", press, "", &[], b"").expect(200);
    // Another process holds the ledger: changes wait.
    let ledger = rusqlite::Connection::open(sandbox.path("store/ledger.db")).unwrap();
    ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting: Vec<TcpStream> = (0..8).map(|_| served.connect()).collect();
    for stream in &mut waiting {
        let press = format!("POST {press} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(press.as_bytes()).unwrap();
    }
    thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    for (address, verdict) in [("eve@example.com", "clear"), ("ann@example.com", "suppressed")] {
        let asked = json!({"addresses": [address]});
        let answer = served.post("/v1/check", &token, &asked).expect(200).json();
        assert_eq!(answer["results"][0]["verdict"], verdict);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    ledger.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn heads_are_bounded() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    let refused = |request: String, expected: &[u16]| {
        let answer = Answer::parse(&served.raw(request.as_bytes()));
        assert!(expected.contains(&answer.status), "{}: {}", answer.status, answer.text());
    };
    let long = "a".repeat(70_000);
    refused(format!("GET /{long} HTTP/1.1\r\nhost: quell.test\r\n\r\n"), &[414, 431]);
    refused(format!("GET /readyz?{long} HTTP/1.1\r\nhost: quell.test\r\n\r\n"), &[414, 431]);
    refused(format!("GET /readyz HTTP/1.1\r\nhost: quell.test\r\nx: {long}\r\n\r\n"), &[431]);
    let many = "x: y\r\n".repeat(101);
    refused(format!("GET /readyz HTTP/1.1\r\n{many}\r\n"), &[431]);
    refused(check_head(&token, &many), &[431]);
    // A head without an end is refused when it is too long, and not kept until it has one.
    let mut stream = served.connect();
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(1 << 20)).as_bytes());
    let (answer, _) = until_closed(&mut stream);
    assert_eq!(Answer::parse(&answer).status, 431, "{}", String::from_utf8_lossy(&answer));
    assert_still_answers(&served);
}

#[test]
fn bodies_are_bounded() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    let megabytes = vec![b' '; 9 << 20];
    let json = [("content-type", "application/json")];
    let refused = served.request("POST", "/v1/check", &token, &json, &megabytes).expect(413);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    // Said before the body is sent.
    let head = check_head(&token, "content-length: 99999999999\r\n");
    let mut stream = served.connect();
    stream.write_all(head.as_bytes()).unwrap();
    let (answer, took) = until_closed(&mut stream);
    assert_eq!(Answer::parse(&answer).status, 413, "{}", String::from_utf8_lossy(&answer));
    assert!(took < Duration::from_secs(20), "{took:?}");
    // In chunks nobody says how much will come.
    let mut stream = served.connect();
    stream.write_all(check_head(&token, "transfer-encoding: chunked\r\n").as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    for _ in 0..12 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let (answer, _) = until_closed(&mut stream);
    assert_eq!(Answer::parse(&answer).status, 413, "{}", String::from_utf8_lossy(&answer));
    assert_still_answers(&served);
}

#[test]
fn bodies_that_are_no_question_are_refused() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    let json = [("content-type", "application/json")];
    let deep = |open: &str, close: &str| {
        format!("{}{}", open.repeat(100_000), close.repeat(100_000)).into_bytes()
    };
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{\"addresses\": 1}".to_vec(),
        b"{\"addresses\": [1]}".to_vec(),
        b"{\"addresses\": [\"ann@example.com\"".to_vec(),
        b"{\"addresses\": [\"\xff\xfe@example.com\"]}".to_vec(),
        b"{\"addresses\": [\"\\ud800@example.com\"]}".to_vec(),
        b"{\"addresses\": [], \"ann.secret@example.com\": 1}".to_vec(),
        b"{\"addresses\": [], \"class\": \"ann.secret@example.com\"}".to_vec(),
        b"{\"addresses\": {\"ann.secret@example.com\": 1}}".to_vec(),
        deep("[", "]"),
        deep("{\"addresses\":", "}"),
        [b"{\"addresses\": ".as_slice(), &deep("[", "]"), b"}"].concat(),
        [b"\xef\xbb\xbf".as_slice(), b"{\"addresses\": 1}"].concat(),
    ];
    for body in bodies {
        let answer = served.request("POST", "/v1/check", &token, &json, &body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert!((400..500).contains(&answer.status), "{shown}: {}", answer.status);
        assert!(!answer.text().contains("ann.secret"), "{shown}: {}", answer.text());
    }
    // What is no address is an answer, whatever its bytes.
    let odd = json!({"addresses": ["", "\u{0}", "@", "a@b\r\nx: y", "a".repeat(100_000)]});
    let answer = served.post("/v1/check", &token, &odd).expect(200).json();
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["verdict"], "invalid", "{answer}");
    }
    assert_still_answers(&served);
}

#[test]
fn requests_that_are_not_http_are_refused() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    let body = "{\"addresses\":[]}";
    let length = format!("content-length: {}\r\n", body.len());
    let requests: Vec<String> = vec![
        "\r\n\r\n\r\n\r\n".into(),
        "GET\r\n\r\n".into(),
        "GET /\r\n\r\n".into(),
        "GET / HTTP/9.9\r\n\r\n".into(),
        "GET / HTTP/1.1\nx\n\n".into(),
        "GET  / HTTP/1.1\r\n\r\n".into(),
        "G@T / HTTP/1.1\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nno colon\r\n\r\n".into(),
        "GET / HTTP/1.1\r\n: empty name\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nx : space\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nx: a\r\n folded\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nx: \u{0}\r\n\r\n".into(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".into(),
        format!("{}{body}", check_head(&token, "content-length: -1\r\n")),
        format!("{}{body}", check_head(&token, "content-length: 99999999999999999999\r\n")),
        format!("{}{body}", check_head(&token, "content-length: 0x10\r\n")),
        format!("{}{body}", check_head(&token, &format!("{length}content-length: 3\r\n"))),
        // Which of the two is the body's end is how requests are smuggled.
        format!(
            "{}0\r\n\r\n{body}",
            check_head(&token, &format!("{length}transfer-encoding: chunked\r\n"))
        ),
        format!("{}{body}", check_head(&token, "transfer-encoding: identity, chunked, gzip\r\n")),
        format!("{}zz\r\n", check_head(&token, "transfer-encoding: chunked\r\n")),
        format!("{}-5\r\n", check_head(&token, "transfer-encoding: chunked\r\n")),
        format!("{}fffffffffffffffff\r\n", check_head(&token, "transfer-encoding: chunked\r\n")),
        format!("{}5\r\nabc\r\n0\r\n\r\n", check_head(&token, "transfer-encoding: chunked\r\n")),
        format!("{}2\r\n{{}}garbage\r\n", check_head(&token, "transfer-encoding: chunked\r\n")),
        format!(
            "{}2;{}\r\n{{}}\r\n0\r\n\r\n",
            check_head(&token, "transfer-encoding: chunked\r\n"),
            "e".repeat(200_000)
        ),
    ];
    for request in requests {
        let began = Instant::now();
        let answers = served.raw(request.as_bytes());
        let shown = &request[..request.len().min(300)];
        assert!(began.elapsed() < Duration::from_secs(20), "{shown:?}");
        assert_blames_the_client(&answers);
        let status = Answer::parse(&answers).status;
        assert!(status == 0 || (400..500).contains(&status), "{shown:?}: {status}");
    }
    assert_still_answers(&served);
}

#[test]
fn paths_lead_nowhere_but_to_routes() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    for path in [
        "//",
        "/..",
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%00",
        "/v1//check",
        "/v1/check/",
        "/v1/%63heck",
        "/V1/CHECK",
        "/v1/check%00",
        "/v1/check%2f",
        "/v1\\check",
        "/console/..%2f..%2fsecret.key",
        "/console/%2e%2e/secret.key",
        "/u",
        "/p",
        "/u/a/b",
        "/%ff%fe",
        "/%",
        "/%zz",
        "/healthz%0d%0aset-cookie:%20a=b",
        "/v1/check?%00",
        "/?a=%ff",
        "/v1/ann.secret@example.com",
        "/ledger.db",
        "/.git/config",
        "/store/secret.key",
        "*",
        "http://example.com/v1/check",
        "//example.com/v1/check",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"]
        {
            let answer = served.request(method, path, &token, &[], b"");
            let about = format!("{method} {path}: {}", answer.status);
            assert!((300..500).contains(&answer.status), "{about}");
            assert!(answer.header("set-cookie").is_none(), "{about}");
            assert!(!answer.text().contains("ann.secret"), "{about}: {}", answer.text());
        }
    }
    // Routes refuse other methods, and say which they have.
    for method in ["GET", "PUT", "DELETE", "TRACE", "BREW"] {
        let answer = served.request(method, "/v1/check", &token, &[], b"").expect(405);
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{method}");
    }
    assert_blames_the_client(&served.raw(b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n"));
    assert_still_answers(&served);
}

#[test]
fn clients_of_another_age_are_served() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    // HTTP/1.0: the connection's end is the answer's.
    let answer = Answer::parse(&served.raw(b"GET /healthz HTTP/1.0\r\n\r\n")).expect(200);
    assert_eq!(answer.text(), "ok\n");
    assert!(answer.header("transfer-encoding").is_none());
    // Pipelined: as many answers as questions, in their order.
    let mut pipelined = Vec::new();
    for address in ["ann@example.com", "not an address", "bob@example.com"] {
        pipelined.extend(check(&token, address));
    }
    let answers = String::from_utf8(served.raw(&pipelined)).unwrap();
    let verdicts: Vec<_> = answers
        .match_indices("\"verdict\":\"")
        .map(|(place, found)| &answers[place + found.len()..][..5])
        .collect();
    assert_eq!(verdicts, ["clear", "inval", "clear"], "{answers}");
    // Half-closed: whoever ends its side after the question still wants the answer.
    let mut stream = served.connect();
    stream.write_all(&check(&token, "ann@example.com")).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let (answer, _) = until_closed(&mut stream);
    Answer::parse(&answer).expect(200);
    // A question that ends in the middle is none.
    let whole = check(&token, "ann@example.com");
    for end in [10, whole.len() / 2, whole.len() - 1] {
        let mut stream = served.connect();
        stream.write_all(&whole[..end]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let (answer, _) = until_closed(&mut stream);
        assert_blames_the_client(&answer);
    }
    // Byte by byte, in time.
    let mut stream = served.connect();
    for byte in b"GET /healthz HTTP/1.1\r\nhost: q\r\nconnection: close\r\n\r\n" {
        stream.write_all(&[*byte]).unwrap();
    }
    let (answer, _) = until_closed(&mut stream);
    Answer::parse(&answer).expect(200);
}

#[test]
fn a_client_that_waits_to_be_told_to_go_on_is_told() {
    let sandbox = Sandbox::new();
    let (served, token) = served(&sandbox);
    let body = b"{\"addresses\":[]}";
    let headers = format!("content-length: {}\r\nexpect: 100-continue\r\n", body.len());
    let mut stream = served.connect();
    stream.write_all(check_head(&token, &headers).as_bytes()).unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    Answer::parse(&until_closed(&mut stream).0).expect(200);
    // Without a token there is nothing to wait for.
    let mut stream = served.connect();
    stream.write_all(check_head("none", &headers).as_bytes()).unwrap();
    Answer::parse(&until_closed(&mut stream).0).expect(401);
}

#[test]
fn no_address_is_in_the_log() {
    const SECRET: &str = "ann.secret";
    for format in ["text", "json"] {
        let sandbox = Sandbox::new();
        let options =
            [&SHORT[..8], &["--log", "trace,tower_http::csrf=trace", "--log-format", format]]
                .concat();
        let served = Served::start_with(&sandbox, &options);
        let address = format!("{SECRET}@example.com");
        let token = served.token("operator");
        served.raw(&check(&token, &address));
        served.raw(&check(&format!("{token}{address}"), &address));
        let body = json!({"address": address, "addresses": [address], "list": address}).to_string();
        let json = [("content-type", "application/json")];
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let encoded = format!("{SECRET}%40example.com");
        for place in [
            "/v1/unsubscribes",
            "/v1/resubscribes",
            "/v1/records",
            "/v1/history",
            "/v1/check",
            "/v1/filter",
            "/u",
            "/p",
            "/console/person",
            "/console/search",
            "/console/sign-in",
            "",
        ] {
            for path in [
                place.to_owned(),
                format!("{place}/{address}"),
                format!("{place}/{encoded}"),
                format!("{place}?address={address}"),
                format!("{place}?address={encoded}&list={encoded}"),
            ] {
                for method in ["GET", "POST", "BREW"] {
                    served.request(method, &path, &token, &json, body.as_bytes());
                    served.request(
                        method,
                        &path,
                        &token,
                        &form,
                        format!("token={encoded}").as_bytes(),
                    );
                }
            }
        }
        let headers = [
            ("x-request-id", address.as_str()),
            ("referer", address.as_str()),
            ("from", address.as_str()),
            ("cookie", address.as_str()),
            ("user-agent", address.as_str()),
            ("origin", address.as_str()),
            ("x-forwarded-for", address.as_str()),
            ("content-type", address.as_str()),
            ("accept-language", address.as_str()),
        ];
        served.request("POST", "/v1/check", &token, &headers, body.as_bytes());
        served.request(SECRET, "/v1/check", &token, &[], b"");
        served.raw(format!("GET /{address} HTTP/1.1\r\n{address}\r\n\r\n").as_bytes());
        served.raw(format!("{address}\r\n\r\n").as_bytes());
        // Too slow, with an address in what came.
        let mut slow = served.connect();
        slow.write_all(&check(&token, &address)[..200]).unwrap();
        until_closed(&mut slow);
        let (code, log) = served.stop_and_hear();
        assert_eq!(code, Some(0));
        assert!(log.contains("/v1/check"), "nothing is logged: {log}");
        assert!(!log.contains(SECRET), "{format}: {log}");
        assert!(!log.contains(&token), "{format}: {log}");
    }
}
