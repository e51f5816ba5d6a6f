//! Recipients as one JSON object a line: what is true of CSV is true of them.

use crate::compressed::gzip;
use crate::sandbox::{Run, Sandbox};
use serde_json::Value;

/// A store that suppresses ann, and bob for the list `news`; contact 7 may not be mailed.
fn store() -> Sandbox {
    let sandbox = Sandbox::new();
    let out = "email,list\nAnn@example.com,\nbob@example.com,news\n";
    sandbox.write("out.csv", out);
    sandbox.quell(["import", "unsubscribes", "out.csv"]).expect(0);
    let contacts = "contact_id,email,email_allowed\n7,other@example.com,Do Not Allow\n";
    sandbox.write("contacts.csv", contacts);
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    sandbox
}

const BATCH: &str = concat!(
    "\u{feff}{\"id\":1,\"email\":\"ann\\u0040example.com\"}\r\n",
    "{\"id\":2,\"email\":\"bob@example.com\",\"lists\":[\"news\",\"offers\"]}\n",
    "\n",
    "{ \"id\" : 3, \"email\" : \"cat@example.com\", \"note\" : \"\u{e9} } \\\" {\" }\n",
    "{\"id\":7,\"email\":[\"dan@example.com\",\"Dan <dan@example.org>\"]}\r\n",
    "{\"id\":5,\"email\":\"cat@example.com\",\"email\":\"ANN@EXAMPLE.COM\"}\n",
    "{\"id\":6,\"email\":null}\n",
    "{\"id\":8,\"email\":\"Cat@Example.com\"}",
);

/// The lines of the batch with these numbers, from 0, and all that is no line.
fn lines(numbers: &[usize]) -> String {
    let lines = BATCH.split_inclusive('\n').enumerate();
    let kept = lines.filter(|(at, line)| numbers.contains(at) || line.trim().is_empty());
    let kept: String = kept.map(|(_, line)| line).collect();
    if numbers.contains(&0) { kept } else { "\u{feff}".to_owned() + &kept }
}

#[track_caller]
fn filtered(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    sandbox.quell([&["filter"], arguments].concat()).expect(0)
}

#[test]
fn kept_lines_are_those_of_the_input() {
    let sandbox = store();
    for name in ["batch.ndjson", "batch.JSONL"] {
        sandbox.write(name, BATCH);
        let run = filtered(&sandbox, &[name]);
        assert_eq!(run.text(), lines(&[1, 3, 4, 7]), "{name}");
        assert!(
            run.stderr.contains("read 7, kept 4, withheld 3 (invalid_address 1, unsubscribed 2)")
        );
    }
    sandbox.write("batch.jsonl.gz", gzip(BATCH.as_bytes()));
    assert_eq!(filtered(&sandbox, &["batch.jsonl.gz"]).text(), lines(&[1, 3, 4, 7]));
    let piped = ["filter", "--format", "ndjson", "--threads", "3", "-"];
    let run = sandbox.quell_reading(piped, BATCH.as_bytes()).expect(0);
    assert_eq!(run.text(), lines(&[1, 3, 4, 7]));
    let run = filtered(&sandbox, &["batch.ndjson", "--dedupe"]);
    assert_eq!(run.text(), lines(&[1, 3, 4]));
}

#[test]
fn contacts_and_lists_are_members() {
    let sandbox = store();
    sandbox.write("batch.ndjson", BATCH);
    let all = ["batch.ndjson", "--contact-column", "id", "--list-column", "/lists"];
    assert_eq!(filtered(&sandbox, &all).text(), lines(&[3, 7]));
    let first = ["batch.ndjson", "--list-column", "/lists/1"];
    assert_eq!(filtered(&sandbox, &first).text(), lines(&[1, 3, 4, 7]));
    let run = sandbox.quell(["filter", "batch.ndjson", "--contact-column", "contact", "-o", "out"]);
    run.expect(2).says("no line has `contact`; the first has `id`, `email`");
    assert!(!sandbox.exists("out"));
}

#[test]
fn withheld_lines_have_their_reasons_and_the_report_its_counts() {
    let sandbox = store();
    sandbox.write("batch.ndjson", BATCH);
    let results = ["-o", "kept.ndjson", "--suppressed", "withheld.ndjson", "--report", "r.json"];
    let how = ["batch.ndjson", "--list-column", "lists", "--contact-column", "id"];
    filtered(&sandbox, &[&how[..], &results[..]].concat());
    let withheld = sandbox.read_text("withheld.ndjson");
    let rows: Vec<Value> =
        withheld.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told = |at: usize| (rows[at]["quell_reason"].as_str(), rows[at]["quell_reasons"].as_str());
    assert_eq!(told(0), (Some("unsubscribed"), Some("unsubscribed")));
    assert_eq!(told(1), (Some("opted_out"), Some("opted_out:news")));
    assert_eq!(told(2), (Some("email_denied"), Some("email_denied")));
    let first = "{\"id\":1,\"email\":\"ann\\u0040example.com\",\"quell_reason\":\"unsubscribed\",";
    assert!(withheld.starts_with(first), "{withheld}");
    let report = sandbox.read_json("r.json");
    assert_eq!(
        (&report["read"], &report["kept"], &report["withheld"]),
        (&7.into(), &2.into(), &5.into())
    );
    assert_eq!(report["input"]["bytes"], BATCH.len());
    assert_eq!(report["output"]["bytes"], sandbox.read("kept.ndjson").len());
}

#[test]
fn pointers_lead_inside() {
    let sandbox = store();
    let batch = "{\"c\":{\"mail\":[{\"a\":\"x@example.com\"},{\"a\":\"ann@example.com\"}]}}\n";
    sandbox.write("b.ndjson", batch);
    let kept = |pointer| filtered(&sandbox, &["b.ndjson", "--email-column", pointer]).text();
    assert_eq!(kept("/c/mail/0/a"), batch);
    assert_eq!(kept("/c/mail/1/a"), "");
    sandbox.quell(["filter", "b.ndjson"]).expect(2).says("it has `c`");
    sandbox.quell(["filter", "b.ndjson", "--email-column", "/c~"]).expect(2).says("JSON pointer");
}

#[test]
fn what_is_no_ndjson_leaves_no_file() {
    let sandbox = store();
    for (text, words) in [
        (&b"{\"email\":\"x@example.com\"}\n{\"email\":\"x@example.com\"\n"[..], "line 2, byte "),
        (b"{\"email\":\"x@example.com\"}\n{\"email\":\"x\xff@example.com\"}\n", "line 2, byte 37"),
        (b"{\"email\":\"\\ud800@example.com\"}\n", "line 1"),
        (b"[\"x@example.com\"]\n", "no JSON object"),
        (b"email\nx@example.com\n", "no JSON object"),
    ] {
        sandbox.write("b.ndjson", text);
        let arguments = ["filter", "b.ndjson", "-o", "kept", "--suppressed", "withheld"];
        sandbox.quell(arguments).expect(3).says(words);
        assert!(!sandbox.exists("kept") && !sandbox.exists("withheld"));
    }
    sandbox.write("b.ndjson", BATCH);
    for option in [&["--no-header"][..], &["--delimiter", ";"]] {
        let run = sandbox.quell([&["filter", "b.ndjson"], option].concat());
        run.expect(2).says("says nothing of NDJSON");
    }
}
