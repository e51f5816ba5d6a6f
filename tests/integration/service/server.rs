//! The service as its operators see it: started, watched, renewed, stopped.

use super::{Answer, Served};
use crate::sandbox::{QUELL, Sandbox, root};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

/// A metric's value.
#[track_caller]
fn metric(served: &Served, name: &str) -> f64 {
    let text = served.get("/metrics", "").expect(200).text();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[test]
fn metrics_tell_of_requests_and_of_the_store() {
    let sandbox = Sandbox::with_samples();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let answer = served.get("/metrics", "").expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    assert!(metric(&served, "quell_generation") > 0.0);
    let generation = metric(&served, "quell_generation");
    assert_eq!(metric(&served, "quell_ledger_generation"), generation);
    assert_eq!(metric(&served, "quell_lag_generations"), 0.0);
    assert_eq!(metric(&served, "quell_index_trusted"), 1.0);
    assert!(metric(&served, "quell_index_bytes") > 0.0);
    assert!(metric(&served, "quell_index_entries") > 0.0);
    assert!(metric(&served, "quell_index_segments") > 0.0);
    assert!(metric(&served, "quell_connections") >= 1.0);
    let checks = |status: u16| {
        format!(
            "quell_http_requests_total{{method=\"POST\",route=\"/v1/check\",status=\"{status}\"}}"
        )
    };
    for _ in 0..3 {
        served.post("/v1/check", &token, &json!({"addresses": []})).expect(200);
    }
    served.post("/v1/check", "wrong", &json!({"addresses": []})).expect(401);
    assert_eq!(metric(&served, &checks(200)), 3.0);
    assert_eq!(metric(&served, &checks(401)), 1.0);
    assert_eq!(metric(&served, "quell_http_request_seconds_count{route=\"/v1/check\"}"), 4.0);
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    served.within_100_ms(|| metric(&served, "quell_generation") == generation + 1.0);
    // What a client makes up is no label.
    for n in 0..20 {
        served.request("GET", &format!("/nowhere/{n}"), "", &[], b"").expect(404);
        served.request(&format!("BREW{n}"), "/healthz", "", &[], b"").expect(405);
    }
    let text = served.get("/metrics", "").text();
    assert!(!text.contains("nowhere") && !text.contains("BREW"), "{text}");
    assert!(metric(&served, "quell_panics_total") == 0.0);
}

#[test]
fn each_answer_has_a_number_that_the_log_knows() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--log", "debug", "--log-format", "json"]);
    let token = served.token("decide");
    let given = [("x-request-id", "mine-17"), ("content-type", "application/json")];
    let body = b"{\"addresses\":[]}";
    let answer = served.request("POST", "/v1/check", &token, &given, body).expect(200);
    assert_eq!(answer.header("x-request-id"), Some("mine-17"));
    let first = served.get("/healthz", "");
    let second = served.get("/healthz", "");
    assert_ne!(first.header("x-request-id").unwrap(), second.header("x-request-id").unwrap());
    served.get("/nowhere", "").expect(404);
    let (_, log) = served.stop_and_hear();
    let events: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(events[0]["message"].as_str().unwrap().starts_with("listening on http://"), "{log}");
    let event = events.iter().find(|event| event["request"] == "mine-17").expect(&log);
    assert_eq!(event["route"], "/v1/check");
    assert_eq!(event["method"], "POST");
    assert_eq!(event["status"], 200);
    assert_eq!(event["level"], "DEBUG");
    assert!(event["token"].as_str().unwrap().starts_with("decide "), "{event}");
    assert!(event["milliseconds"].is_f64(), "{event}");
    let lost = events.iter().find(|event| event["status"] == 404).expect(&log);
    assert_eq!((&lost["route"], &lost["level"]), (&json!("other"), &json!("INFO")));
}

#[test]
fn what_is_under_way_is_finished_when_it_is_told_to_stop() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let body = b"{\"addresses\":[\"ann@example.com\"]}";
    let head = format!(
        "POST /v1/check HTTP/1.1\r\nhost: q\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut under_way = served.connect();
    under_way.write_all(head.as_bytes()).unwrap();
    under_way.write_all(&body[..10]).unwrap();
    let mut idle = served.connect();
    served.within(5_000, || metric(&served, "quell_requests_under_way") >= 2.0);
    let address = served.address;
    let pid = served.pid();
    let stopping = thread::spawn(move || served.stop());
    // Nobody new is let in.
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "{pid} still listens");
        thread::sleep(Duration::from_millis(10));
    }
    // Who only waits is let go.
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
    under_way.write_all(&body[10..]).unwrap();
    let mut answer = Vec::new();
    under_way.read_to_end(&mut answer).unwrap();
    let answer = Answer::parse(&answer).expect(200);
    assert_eq!(answer.json()["results"][0]["verdict"], "clear");
    assert_eq!(stopping.join().unwrap(), Some(0));
}

#[test]
fn who_says_it_twice_means_now() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let mut under_way = served.connect();
    let head = format!(
        "POST /v1/check HTTP/1.1\r\nhost: q\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    );
    under_way.write_all(head.as_bytes()).unwrap();
    served.within(5_000, || metric(&served, "quell_requests_under_way") >= 2.0);
    let (pid, address) = (served.pid(), served.address);
    let stopping = thread::spawn(move || served.stop());
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(10));
    }
    signal(pid, "INT");
    assert_eq!(stopping.join().unwrap(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

fn signal(pid: u32, name: &str) {
    let told = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(told.success());
}

#[test]
fn a_store_that_is_missing_is_told_of_and_a_damaged_one_heals() {
    let sandbox = Sandbox::without_store();
    sandbox.quell(["serve", "--listen", "127.0.0.1:0"]).expect(4).says("quell init");
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["compile"]).expect(0);
    let manifest = sandbox.path("store/index/manifest");
    std::fs::write(&manifest, "nothing of the kind").unwrap();
    let served = Served::start(&sandbox);
    let token_of_before = served.token("decide");
    served.get("/healthz", "").expect(200);
    let problem = served.get("/readyz", "").expect(503);
    assert_eq!(problem.header("retry-after"), Some("1"));
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(metric(&served, "quell_index_trusted"), 0.0);
    assert_eq!(metric(&served, "quell_generation"), 0.0);
    sandbox.quell(["compile", "--full"]).expect(0);
    served.within(10_000, || served.get("/readyz", "").status == 200);
    let answer =
        served.post("/v1/check", &token_of_before, &json!({"addresses": ["ann@example.com"]}));
    assert_eq!(answer.expect(200).json()["results"][0]["verdict"], "suppressed");
    let (_, log) = served.stop_and_hear();
    assert!(log.contains("no decisions are made"), "{log}");
    assert!(log.contains("decisions are made again"), "{log}");
}

fn pem(name: &str) -> PathBuf {
    root().join("tests/integration/service/tls").join(name)
}

/// A request over TLS by a client that trusts only this certificate; none when there is no connection.
fn over_tls(
    served: &Served,
    trusted: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> Option<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem(trusted)).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, served.connect());
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: q\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(Answer::parse(&answer))
}

#[test]
fn tls_is_spoken_with_a_certificate_that_can_be_renewed() {
    let sandbox = Sandbox::new();
    let (certificate, key) = (sandbox.path("server.pem"), sandbox.path("server.key"));
    let install = |name: &str| {
        std::fs::copy(pem(&format!("{name}.pem")), &certificate).unwrap();
        std::fs::copy(pem(&format!("{name}.key")), &key).unwrap();
    };
    install("first");
    let options = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
        "--head-time",
        "500ms",
    ];
    let served = Served::start_with(&sandbox, &options);
    for version in [&TLS12, &TLS13] {
        over_tls(&served, "first.pem", &[version]).expect("an answer").expect(200);
    }
    assert!(over_tls(&served, "second.pem", &[&TLS13]).is_none());
    // A renewed one is used from then on, a broken one never.
    install("second");
    signal(served.pid(), "HUP");
    served.within(5_000, || over_tls(&served, "second.pem", &[&TLS13]).is_some());
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nnone\n").unwrap();
    signal(served.pid(), "HUP");
    thread::sleep(Duration::from_millis(200));
    over_tls(&served, "second.pem", &[&TLS13]).expect("an answer").expect(200);
    // Who speaks no TLS, or none in time, is let go.
    for beginning in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"] {
        let mut stream = served.connect();
        stream.write_all(beginning).unwrap();
        let began = Instant::now();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(began.elapsed() < Duration::from_secs(20), "{beginning:?}");
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");
    }
    let (code, log) = served.stop_and_hear();
    assert_eq!(code, Some(0));
    assert!(log.contains("listening on https://"), "{log}");
    assert!(log.contains("the certificate of before is used on"), "{log}");
}

#[test]
fn a_certificate_that_can_t_be_used_is_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    let start = |certificate: &str, key: &str| {
        let mut command = sandbox.command(["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--tls-cert").arg(pem(certificate)).arg("--tls-key").arg(pem(key));
        command.output().unwrap()
    };
    for (certificate, key) in
        [("first.pem", "second.key"), ("none.pem", "first.key"), ("first.key", "first.key")]
    {
        let output = start(certificate, key);
        assert_eq!(output.status.code(), Some(2), "{certificate} {key}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(certificate), "{said}");
    }
    let output = Command::new(QUELL)
        .args(["serve", "--tls-cert", "x.pem", "--store"])
        .arg(sandbox.path("store"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
