//! Files taken in by the console, its charts and its downloads.

use super::{Answer, Served};
use crate::sandbox::{Sandbox, sample};
use serde_json::json;

const FILE: &str = "/console/import";

/// A form with a file in it, as a browser sends it.
fn form(name: &str, content: &[u8], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in fields {
        body.extend_from_slice(
            format!(
                "--edge\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            )
            .as_bytes(),
        );
    }
    body.extend_from_slice(
        format!(
            "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        )
        .as_bytes(),
    );
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    body
}

fn send(served: &Served, token: &str, name: &str, content: &[u8]) -> Answer {
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    served.request("POST", FILE, token, &headers, &form(name, content, &[("what", "")]))
}

/// Sends a file and gives the path of its page.
fn sent(served: &Served, token: &str, name: &str, content: &[u8]) -> String {
    let answer = send(served, token, name, content).expect(303);
    answer.header("location").unwrap().to_owned()
}

fn post(served: &Served, token: &str, path: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    served.request("POST", path, token, &headers, body.as_bytes())
}

/// The page of a file once it is neither read nor applied.
fn page(served: &Served, token: &str, path: &str) -> String {
    let mut text = String::new();
    served.within(20_000, || {
        text = served.get(path, token).expect(200).text();
        !text.contains("<progress")
    });
    text
}

fn verdict(served: &Served, token: &str, address: &str) -> String {
    let answer = served.post("/v1/check", token, &json!({"addresses": [address]})).expect(200);
    answer.json()["results"][0]["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_is_shown_first_and_applied_when_it_is_told_to() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    served.get(FILE, &token).expect(200);
    let content = b"email,reason\nann@example.com,bounce\nbob@example.com,complaint\n";
    let path = sent(&served, &token, "C:\\lists\\blocked.csv", content);
    let text = page(&served, &token, &path);
    assert!(text.contains("Understood as native suppressions"), "{text}");
    assert!(text.contains("bounce ann@example.com"), "{text}");
    assert_eq!(verdict(&served, &token, "ann@example.com"), "clear", "nothing is applied yet");
    post(&served, &token, &format!("{path}/apply"), "").expect(303);
    let text = page(&served, &token, &path);
    assert!(text.contains("Applied.") && text.contains("generation 1 "), "{text}");
    assert_eq!(verdict(&served, &token, "ann@example.com"), "suppressed");
    let history = sandbox.quell(["history", "bob@example.com", "--json"]).expect(0).json();
    let name = history[0]["detail"]["import"]["name"].as_str().unwrap();
    assert!(name.starts_with("blocked.csv (console, by operator "), "{name}");
    // Once is enough.
    post(&served, &token, &format!("{path}/apply"), "").expect(303);
    assert!(served.get(FILE, &token).expect(200).text().contains("blocked.csv"));
    let metrics = served.get("/metrics", "").expect(200).text();
    assert!(metrics.contains("quell_imports_total"), "{metrics}");
}

#[test]
fn rows_that_are_not_understood_are_left_out_only_knowingly() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let content =
        b"email,reason\nann@example.com,bounce\nbob@example.com,weather\nno address,bounce\n";
    let path = sent(&served, &token, "mixed.csv", content);
    let text = page(&served, &token, &path);
    assert!(text.contains("Line 3") && text.contains("weather"), "{text}");
    let rejects = served.get(&format!("{path}/rejects.csv"), &token).expect(200);
    sandbox.write("mixed.csv", content);
    sandbox.quell(["import", "mixed.csv", "--dry-run", "--rejects", "rejects.csv"]).expect(3);
    assert_eq!(rejects.text(), sandbox.read_text("rejects.csv"));
    for body in ["", "without=1"] {
        post(&served, &token, &format!("{path}/apply"), body).expect(422);
        assert_eq!(verdict(&served, &token, "ann@example.com"), "clear");
    }
    post(&served, &token, &format!("{path}/apply"), "without=2").expect(303);
    assert!(page(&served, &token, &path).contains("Applied."));
    assert_eq!(verdict(&served, &token, "ann@example.com"), "suppressed");
}

#[test]
fn a_file_that_may_be_several_things_is_read_as_what_is_chosen() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");

    // SendGrid exports blocks and bounces in the same columns; only the name of the file says which.
    let content = b"status,reason,email,created\n5.1.1,gone,ann@example.com,1790083507\n";
    let path = sent(&served, &token, "export.csv", content);
    let text = page(&served, &token, &path);
    assert!(text.contains("may be several things"), "{text}");
    post(&served, &token, &format!("{path}/apply"), "").expect(303);
    assert_eq!(verdict(&served, &token, "ann@example.com"), "clear", "nobody said what it is");
    post(&served, &token, &format!("{path}/read"), "what=vendor:sendgrid-bounces&list=")
        .expect(303);
    assert!(page(&served, &token, &path).contains("Understood as sendgrid-bounces"));
    post(&served, &token, &format!("{path}/read"), "what=native:everything").expect(400);
    post(&served, &token, &format!("{path}/apply"), "").expect(303);
    assert!(page(&served, &token, &path).contains("Applied."));
    assert_eq!(verdict(&served, &token, "ann@example.com"), "suppressed");
}

#[test]
fn the_samples_come_to_the_same_as_by_the_command() {
    let by_command = Sandbox::new();
    by_command.quell([
        "import".as_ref(),
        "unsubscribes".as_ref(),
        sample("unsubscribes.csv").as_os_str(),
    ]);
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let content = std::fs::read(sample("unsubscribes.csv")).unwrap();
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    let body = form("unsubscribes.csv", &content, &[("what", "native:unsubscribes")]);
    let answer = served.request("POST", FILE, &token, &headers, &body).expect(303);
    let path = answer.header("location").unwrap().to_owned();
    page(&served, &token, &path);
    post(&served, &token, &format!("{path}/apply"), "").expect(303);
    let applied = page(&served, &token, &path);
    assert!(applied.contains("Applied."), "{applied}");
    let exported = by_command.quell(["export", "unsubscribes", "--format", "csv"]).expect(0).text();
    let download = served.get("/console/download/unsubscribes.csv", &token).expect(200);
    assert_eq!(download.text(), exported);
    let disposition = download.header("content-disposition").unwrap();
    assert_eq!(disposition, "attachment; filename=\"unsubscribes.csv\"");
    served.get("/console/download/everything.csv", &token).expect(404);
}

#[test]
fn whoever_did_not_send_a_file_does_not_see_it() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--import-bytes", "1000"]);
    let (token, other) = (served.token("operator"), served.token("operator"));
    let path = sent(&served, &token, "a.csv", b"email\nann@example.com\n");
    served.get(&path, &other).expect(404);
    post(&served, &other, &format!("{path}/apply"), "").expect(404);
    let decide = served.token("decide");
    for path in [FILE, path.as_str(), "/console/reports", "/console/download/contacts.csv"] {
        served.get(path, &decide).expect(403);
    }
    send(&served, &decide, "a.csv", b"email\nann@example.com\n").expect(403);
    send(&served, &token, "large.csv", &[b'a'; 2_000]).expect(413);
    send(&served, &token, "empty.csv", b"").expect(400);
    served.request("POST", FILE, &token, &[("content-type", "text/csv")], b"email\n").expect(400);
    // Another file takes the first one's place.
    let second = sent(&served, &token, "b.csv", b"email\nbob@example.com\n");
    served.get(&path, &token).expect(404);
    post(&served, &token, &format!("{second}/discard"), "").expect(303);
    served.get(&second, &token).expect(404);
}

#[test]
fn what_is_no_file_of_records_is_told_so() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    for content in [&b"colour,size\nred,12\n"[..], b"\0\x01\x02\xff", b"PK\x03\x04nothing"] {
        let path = sent(&served, &token, "notes", content);
        let text = page(&served, &token, &path);
        assert!(
            text.contains("class=\"notice stop\"") || text.contains("several things"),
            "{text}"
        );
    }
}

#[test]
fn the_reports_count_what_withholds_mail() {
    let sandbox = Sandbox::with_samples();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let mut text = String::new();
    served.within(20_000, || {
        text = served.get("/console/reports", &token).expect(200).text();
        text.contains("By reason")
    });
    for words in ["Unsubscribed everywhere", "Hard bounce", "Opted out of a list"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for kind in ["contacts", "unsubscribes", "preferences", "suppressions", "domains", "digests"] {
        let path = format!("/console/download/{kind}.csv");
        assert!(text.contains(&path));
        let exported = sandbox.quell(["export", kind, "--format", "csv"]).expect(0).text();
        assert_eq!(served.get(&path, &token).expect(200).text(), exported);
    }
}
