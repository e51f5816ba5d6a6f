//! Links in mails: what a mailbox provider sends, what a person sees, and what a scanner must not do.

mod batch;
mod kill;
mod pages;

use super::{Answer, Served};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

/// The body of RFC 8058, section 8.2.
const FORM: &[u8] = b"List-Unsubscribe=One-Click";

/// The path of a link that `quell link` gives.
fn path(sandbox: &Sandbox, options: &[&str]) -> String {
    let mut arguments = vec!["link", "--base-url", "https://mail.example.com"];
    arguments.extend(options);
    let run = sandbox.quell(arguments).expect(0);
    let text = run.text();
    let url = text.split_once("<https://mail.example.com").unwrap().1.split_once('>').unwrap().0;
    url.to_owned()
}

/// What a decision says of an address for a list.
fn reasons(served: &Served, token: &str, address: &str, list: &str) -> Vec<String> {
    let body = json!({"addresses": [address], "lists": [list]});
    let answer = served.post("/v1/check", token, &body).expect(200).json();
    let reasons = answer["results"][0]["reasons"].as_array().unwrap().clone();
    let name =
        |reason: &Value| format!("{} {}", reason["reason"], reason["scope"]).replace('"', "");
    reasons.iter().map(name).collect()
}

fn events(sandbox: &Sandbox, address: &str) -> usize {
    let events = sandbox.quell(["history", address, "--json"]).expect(0).json();
    events.as_array().map_or(0, Vec::len)
}

fn is_rfc_8058s(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.body, b"");
    for name in ["set-cookie", "location", "www-authenticate", "refresh"] {
        assert_eq!(answer.header(name), None);
    }
}

#[test]
fn the_two_lines_are_all_that_is_printed() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .quell([
            "link",
            "Ann@Example.com",
            "--list",
            "news",
            "--base-url",
            "https://mail.example.com/m/",
        ])
        .expect(0);
    let text = run.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("List-Unsubscribe: <https://mail.example.com/m/u/"), "{text}");
    assert!(lines[0].ends_with('>') && !lines[0].contains("xample.com>"), "{text}");
    assert_eq!(lines[1], "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
    assert_eq!(run.stderr, "");
    let again = sandbox.quell([
        "link",
        "ann@example.com",
        "--list",
        "news",
        "--base-url",
        "https://mail.example.com/m",
    ]);
    assert_eq!(again.text(), text, "the same person's link is the same");
    sandbox
        .quell(["link", "ann@example.com", "--base-url", "http://localhost:8080"])
        .expect(0)
        .says("https");
    for wrong in
        ["mail.example.com", "https://mail.example.com/?a=b", "https://", "ftp://mail.example.com"]
    {
        sandbox.quell(["link", "ann@example.com", "--base-url", wrong]).expect(2);
    }
    sandbox.quell(["link", "ann", "--base-url", "https://mail.example.com"]).expect(2);
    sandbox
        .quell(["link", "ann@example.com", "--list", " ", "--base-url", "https://mail.example.com"])
        .expect(2);
}

#[test]
fn a_provider_opts_out_as_the_rfc_has_it() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let multipart: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let long = vec![b'x'; 200 << 10];
    for (at, (kind, body)) in [
        (Some("application/x-www-form-urlencoded"), FORM),
        (Some("multipart/form-data; boundary=b"), multipart),
        (None, FORM),
        (None, b""),
        (Some("multipart/form-data; boundary=other"), multipart),
        (Some("application/json"), b"{"),
        (Some("text/plain"), &long),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("ann{at}@example.com");
        let path = path(&sandbox, &[&address, "--list", "news"]);
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        is_rfc_8058s(&served.request("POST", &path, "", &headers, body));
        // Read-your-writes: no waiting here.
        assert_eq!(reasons(&served, &token, &address, "news"), ["opted_out list:news"]);
        assert!(reasons(&served, &token, &address, "other").is_empty());
    }
    let path = path(&sandbox, &["bob@example.com"]);
    let bare = format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    is_rfc_8058s(&Answer::parse(&served.raw(bare.as_bytes())));
    assert_eq!(reasons(&served, &token, "bob@example.com", "any"), ["unsubscribed global"]);
    let records = sandbox.quell(["search", "bob@example.com", "--json"]).expect(0).text();
    assert!(records.contains("\"one-click\""), "{records}");
}

#[test]
fn a_replay_changes_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com"]);
    is_rfc_8058s(&served.request("POST", &path, "", &[], FORM));
    let generation = || sandbox.quell(["status", "--json"]).expect(0).json()["generation"].clone();
    let before = (generation(), events(&sandbox, "ann@example.com"));
    for _ in 0..5 {
        is_rfc_8058s(&served.request("POST", &path, "", &[], FORM));
    }
    assert_eq!((generation(), events(&sandbox, "ann@example.com")), before);
}

#[test]
fn the_class_of_a_link_is_what_it_stops() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com", "--class", "all"]);
    is_rfc_8058s(&served.request("POST", &path, "", &[], FORM));
    assert_eq!(sandbox.reasons("ann@example.com", &["--class", "transactional"]), ["unsubscribed"]);
}

#[test]
fn whoever_has_no_link_changes_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let none = served.request("POST", "/u/AAAA", "", &[], FORM).expect(404);
    assert_eq!(
        none.header("content-type"),
        Some("application/problem+json"),
        "no link was ever made"
    );
    let path = path(&sandbox, &["ann@example.com", "--list", "news"]);
    let token = path.strip_prefix("/u/").unwrap();
    let mut tampered: Vec<String> = (0..token.len())
        .step_by(7)
        .map(|at| {
            let other = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
            format!("{}{other}{}", &token[..at], &token[at + 1..])
        })
        .collect();
    tampered.extend(["", "%00", "..%2f", "a.b", &token[1..], &token[..20]].map(str::to_owned));
    tampered.push("x".repeat(20_000));
    for token in tampered {
        for (method, place) in [("POST", "u"), ("GET", "u"), ("GET", "p"), ("POST", "p")] {
            let answer = served.request(method, &format!("/{place}/{token}"), "", &[], FORM);
            assert_eq!(answer.status, 404, "{method} /{place}/{token}: {}", answer.text());
            let problem = answer.header("content-type") == Some("application/problem+json");
            assert!(problem, "{method} /{place}/{token}: {:?}", answer.headers);
        }
    }
    assert!(sandbox.reasons("ann@example.com", &["--list", "news"]).is_empty());
}

#[test]
fn a_running_service_takes_a_new_key_and_refuses_a_retired_one() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let old = path(&sandbox, &["ann@example.com"]);
    is_rfc_8058s(&served.request("POST", &old, "", &[], FORM));
    let listed = || sandbox.quell(["link-key", "list", "--json"]).expect(0).json();
    let first = listed()[0]["id"].as_str().unwrap().to_owned();
    sandbox.quell(["link-key", "retire", &first]).expect(5);
    let second = sandbox.quell(["link-key", "rotate"]).expect(0).text().trim().to_owned();
    assert_eq!(listed()[1]["id"], second.as_str());
    let new = path(&sandbox, &["ann@example.com"]);
    assert_ne!(new, old);
    for path in [&old, &new] {
        is_rfc_8058s(&served.request("POST", path, "", &[], FORM));
    }
    sandbox.quell(["link-key", "retire", &first]).expect(0);
    served.request("POST", &old, "", &[], FORM).expect(404);
    is_rfc_8058s(&served.request("POST", &new, "", &[], FORM));
    assert_eq!(listed()[0]["state"], "retired");
    sandbox.quell(["link-key", "retire", "00000000"]).expect(2);
    sandbox.quell(["link-key", "retire", "x"]).expect(2);
    // Keys that can't be read are no reason to tell a person that there is no such link.
    sandbox.write("store/link.keys", "damaged");
    served.request("POST", &new, "", &[], FORM).expect(503);
}

#[test]
fn an_opt_out_is_taken_while_the_index_is_damaged_and_refused_where_it_would_be_lost() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "bob@example.com"]).expect(0);
    sandbox.quell(["compile"]).expect(0);
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com"]);
    let index = sandbox.path("store/index");
    let segment = std::fs::read_dir(&index)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .expect("a segment");
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    served.within(5_000, || served.get("/readyz", "").status == 503);
    is_rfc_8058s(&served.request("POST", &path, "", &[], FORM));
    sandbox.quell(["compile", "--full"]).expect(0);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"]);
    served.within(5_000, || served.get("/readyz", "").status == 200);
    // Without a manifest nobody knows whether the ledger is the one that the index is of.
    let manifest = index.join("manifest");
    let away = sandbox.path("manifest");
    std::fs::rename(&manifest, &away).unwrap();
    served.within(5_000, || served.get("/readyz", "").status == 503);
    let refused = served.request("POST", &path, "", &[], FORM).expect(503);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    std::fs::rename(&away, &manifest).unwrap();
}

/// A ledger that is replaced under a running service goes on taking opt-outs, which nobody will ever read: such a one
/// was acknowledged, because the answers in memory held it.
#[test]
fn an_opt_out_into_a_ledger_that_was_replaced_is_not_acknowledged() {
    let sandbox = Sandbox::new();
    let path = path(&sandbox, &["ann@example.com"]);
    let ledger = sandbox.path("store/ledger.db");
    let copy = sandbox.path("store/copy.db");
    std::fs::copy(&ledger, &copy).unwrap();
    let served = Served::start(&sandbox);
    let token = served.token("write");
    std::fs::rename(&copy, &ledger).unwrap();
    for end in ["wal", "shm"] {
        let _ = std::fs::remove_file(sandbox.path(&format!("store/ledger.db-{end}")));
    }
    let clicked = served.request("POST", &path, "", &[], FORM);
    let body = json!({"address": "bob@example.com"});
    let posted = served.post("/v1/unsubscribes", &token, &body);
    // Later it is found, and the ledger that is there takes them.
    for (answer, address) in [(clicked, "ann@example.com"), (posted, "bob@example.com")] {
        match answer.status {
            200 | 201 => assert_eq!(sandbox.reasons(address, &[]), ["unsubscribed"], "{address}"),
            status => assert!(matches!(status, 401 | 503), "{status}: {}", answer.text()),
        }
    }
    served.within(5_000, || served.request("POST", &path, "", &[], FORM).status == 200);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"]);
}

/// Mailbox providers don't come again after a 404. While a backup is put back there is no store, and no key either.
#[test]
fn a_link_is_not_called_wrong_while_the_keys_are_away() {
    let sandbox = Sandbox::new();
    let path = path(&sandbox, &["ann@example.com"]);
    for known in [true, false] {
        let served = Served::start(&sandbox);
        if known {
            served.get(&path, "").expect(200);
        }
        let (store, away) = (sandbox.path("store"), sandbox.path("away"));
        std::fs::rename(&store, &away).unwrap();
        served.request("POST", &path, "", &[], FORM).expect(503);
        std::fs::rename(&away, &store).unwrap();
        let (keys, away) = (store.join("link.keys"), store.join("away"));
        if known {
            std::fs::rename(&keys, &away).unwrap();
            let answer = served.request("POST", &path, "", &[], FORM).expect(503);
            // Anybody may ask: the log has it.
            assert!(!answer.text().contains("link.keys"), "{}", answer.text());
            std::fs::rename(&away, &keys).unwrap();
        }
        served.within(5_000, || served.request("POST", &path, "", &[], FORM).status == 200);
    }
}

/// The body says nothing that the token does not, so neither does its length.
#[test]
fn a_click_with_a_huge_body_is_honoured() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com"]);
    let body = vec![b'x'; 9 << 20];
    is_rfc_8058s(&served.request("POST", &path, "", &[], &body));
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["unsubscribed"]);
}

/// One person's damaged records are nobody else's.
#[test]
fn an_opt_out_that_can_t_be_recorded_fails_alone() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..12).map(|at| format!("ann{at}@example.com")).collect();
    let rows: String = names.iter().map(|name| format!("id of {name},{name},Allow\n")).collect();
    sandbox.write("contacts.csv", format!("contact_id,email,bulk_email\n{rows}"));
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    let paths: Vec<String> = names.iter().map(|name| path(&sandbox, &[name])).collect();
    sandbox.quell(["unsubscribe", &names[7], "--list", "news"]).expect(0);
    let served = Served::start(&sandbox);
    let ledger = rusqlite::Connection::open(sandbox.path("store/ledger.db")).unwrap();
    let damaged = "UPDATE unsubscribe SET source = 'somebody else'";
    assert_eq!(ledger.execute(damaged, []).unwrap(), 1);
    // Whoever holds the ledger lets many come together.
    ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let press = |path: &String| {
            let (served, path) = (&served, path.clone());
            scope.spawn(move || served.request("POST", &path, "", &[], FORM).status)
        };
        let pressed: Vec<_> = paths.iter().map(press).collect();
        std::thread::sleep(std::time::Duration::from_millis(300));
        ledger.execute_batch("ROLLBACK").unwrap();
        pressed.into_iter().map(|pressed| pressed.join().unwrap()).collect()
    });
    let expected: Vec<u16> = (0..12).map(|at| if at == 7 { 503 } else { 200 }).collect();
    assert_eq!(statuses, expected);
}

#[test]
fn many_at_once_are_all_recorded() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let paths: Vec<(String, String)> = (0..12)
        .map(|at| {
            let address = format!("ann{at}@example.com");
            let path = path(&sandbox, &[&address]);
            (address, path)
        })
        .collect();
    std::thread::scope(|scope| {
        for (address, path) in &paths {
            let (served, token) = (&served, &token);
            scope.spawn(move || {
                for _ in 0..3 {
                    is_rfc_8058s(&served.request("POST", path, "", &[], FORM));
                    assert_eq!(reasons(served, token, address, "any"), ["unsubscribed global"]);
                }
            });
        }
    });
    for (address, _) in &paths {
        assert_eq!(events(&sandbox, address), 1, "{address}");
    }
    sandbox.quell(["verify"]).expect(0);
}

#[test]
fn too_many_opt_outs_are_told_to_come_back_and_made_up_links_take_none_of_theirs() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--rate-one-click", "1"]);
    let path = path(&sandbox, &["ann@example.com"]);
    for _ in 0..5 {
        served.request("POST", "/u/AAAA", "", &[], FORM).expect(404);
    }
    is_rfc_8058s(&served.request("POST", &path, "", &[], FORM));
    for place in [path.clone(), path.replace("/u/", "/p/")] {
        let mut answers = (0..50).map(|_| served.request("POST", &place, "", &[], b"leave=this"));
        let refused = answers.find(|answer| answer.status == 429).expect("a limit");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    served.get(&path, "").expect(200);
}

#[test]
fn the_log_shows_neither_link_nor_address() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--log", "trace"]);
    let path = path(&sandbox, &["ann@example.com", "--list", "news"]);
    let token = path.strip_prefix("/u/").unwrap().to_owned();
    is_rfc_8058s(&served.request("POST", &path, "", &[], FORM));
    served.get(&path, "").expect(200);
    served.request("POST", &format!("/p/{token}"), "", &[], b"leave=ann@example.com").expect(400);
    served.request("POST", &format!("/u/{token}x"), "", &[], b"").expect(404);
    let (_, said) = served.stop_and_hear();
    assert!(said.contains("/u/{token}"), "{said}");
    for secret in [&token[..20], &token[token.len() - 20..], "ann@example.com"] {
        assert!(!said.contains(secret), "{said}");
    }
}
