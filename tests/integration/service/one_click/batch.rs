//! `filter --unsubscribe-url-column`: a whole batch with its links, and that each of them works.

use super::{FORM, is_rfc_8058s, reasons};
use crate::sandbox::Sandbox;
use crate::service::Served;

const LINKS: [&str; 4] =
    ["--unsubscribe-url-column", "unsubscribe_url", "--base-url", "https://mail.example.com/m"];

/// A batch with links, and the path of each row's.
pub(super) fn paths(sandbox: &Sandbox, batch: &str, options: &[&str]) -> Vec<String> {
    let mut arguments = vec!["filter"];
    arguments.extend(LINKS);
    arguments.extend(options);
    let run = sandbox.quell_reading(arguments, batch.as_bytes()).expect(0);
    let path = |line: &str| line.rsplit_once("https://mail.example.com/m").unwrap().1.to_owned();
    run.text().lines().skip(1).map(path).collect()
}

#[test]
fn the_links_of_a_batch_are_those_that_link_prints() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "bob@example.com"]).expect(0);
    let batch = "email,name,list\nAnn@example.com,\"A, B\",news\nbob@example.com,b,news\ncleo@example.com,c,\n";
    sandbox.write("in.csv", batch);
    let mut arguments = vec![
        "filter",
        "in.csv",
        "-o",
        "out.csv",
        "--list-column",
        "list",
        "--suppressed",
        "no.csv",
        "--report",
        "report.json",
    ];
    arguments.extend(LINKS);
    sandbox.quell(&arguments).expect(0);
    let out = sandbox.read_text("out.csv");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "email,name,list,unsubscribe_url");
    assert!(
        lines[1].starts_with("Ann@example.com,\"A, B\",news,https://mail.example.com/m/u/"),
        "{out}"
    );
    assert!(lines[2].starts_with("cleo@example.com,c,,https://mail.example.com/m/u/"), "{out}");
    assert_eq!(lines.len(), 3);
    for (line, options) in [
        (lines[1], vec!["ann@example.com", "--list", "news"]),
        (lines[2], vec!["cleo@example.com"]),
    ] {
        let mut arguments = vec!["link", "--base-url", "https://mail.example.com/m"];
        arguments.extend(options);
        let printed = sandbox.quell(arguments).expect(0).text();
        let url = line.rsplit_once(',').unwrap().1;
        assert!(printed.starts_with(&format!("List-Unsubscribe: <{url}>")), "{printed}");
    }
    assert_eq!(
        sandbox.read_text("no.csv"),
        "email,name,list,quell_reason,quell_reasons\nbob@example.com,b,news,unsubscribed,unsubscribed\n"
    );
    let report = sandbox.read_json("report.json");
    assert_eq!(report["output"]["bytes"], out.len());
}

#[test]
fn what_links_can_t_be_added_to_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("in.csv", "email\nann@example.com\n");
    sandbox.write("taken.csv", "email,Unsubscribe_URL\nann@example.com,x\n");
    let with = |arguments: &[&str]| {
        let all: Vec<&str> = ["filter"].iter().chain(arguments).chain(&LINKS).copied().collect();
        sandbox.quell(all)
    };
    with(&["taken.csv", "-o", "out.csv"]).expect(2).says("already");
    with(&["in.csv", "-o", "out.csv", "--format", "parquet"]).expect(2).says("csv");
    with(&["in.csv", "-o", "out.csv", "--near-miss", "near.csv"]).expect(2);
    with(&["in.csv", "-o", "out.csv", "--suppress", "in.csv"]).expect(2).says("store");
    sandbox
        .quell(["filter", "in.csv", "--unsubscribe-url-column", "url"])
        .expect(2)
        .says("--base-url");
    sandbox.quell(["filter", "in.csv", "--base-url", "https://mail.example.com"]).expect(2);
    assert!(!sandbox.exists("out.csv") && !sandbox.exists("near.csv"));
}

#[test]
fn an_index_without_its_ledger_seals_only_with_the_stores_own_keys() {
    let sandbox = Sandbox::new();
    sandbox.write("in.csv", "email\nann@example.com\n");
    sandbox.copy_store("store", "copy");
    std::fs::remove_file(sandbox.path("copy/ledger.db")).unwrap();
    let mut arguments = vec!["filter", "in.csv", "--store", "copy", "--max-age", "1h"];
    arguments.extend(LINKS);
    sandbox.quell(&arguments).expect(4).says("link.keys");
    let own = sandbox
        .quell(["link", "ann@example.com", "--base-url", "https://mail.example.com/m"])
        .expect(0)
        .text();
    std::fs::copy(sandbox.path("store/link.keys"), sandbox.path("copy/link.keys")).unwrap();
    let text = sandbox.quell(&arguments).expect(0).text();
    let url = text.trim().rsplit_once(',').unwrap().1;
    assert!(own.contains(url), "{own}");
}

#[test]
fn every_link_of_a_batch_opts_its_own_row_out() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let batch = "email\nann@example.com\nbob@example.com\ncleo@example.com\n";
    let paths = paths(&sandbox, batch, &["--list", "news"]);
    is_rfc_8058s(&served.request("POST", &paths[1], "", &[], FORM));
    for (address, out) in [("ann", 0), ("bob", 1), ("cleo", 0)] {
        let reasons = reasons(&served, &token, &format!("{address}@example.com"), "news");
        assert_eq!(reasons.len(), out, "{address}: {reasons:?}");
    }
    assert_eq!(
        sandbox.kept(&["ann@example.com", "bob@example.com"], &["--list", "news"]),
        ["ann@example.com"]
    );
}
