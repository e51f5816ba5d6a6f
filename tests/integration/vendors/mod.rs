//! Vendors' files, each in its own layout with its traps: exact counts, a second import that changes nothing,
//! what `check` answers, and the rejects. The files stand in `tests/vendors`.

mod crm;
mod marketing;
mod optizmo;
mod sending;
mod services;

use std::fs;

use serde_json::Value;

use crate::sandbox::{Sandbox, root};

/// What an import counts.
#[derive(Debug, PartialEq)]
struct Counts {
    format: String,
    read: u64,
    added: u64,
    unchanged: u64,
    held: u64,
    rejected: u64,
}

fn counts(format: &str, [read, added, unchanged, held, rejected]: [u64; 5]) -> Counts {
    Counts { format: format.to_owned(), read, added, unchanged, held, rejected }
}

fn counted(answer: &Value) -> Counts {
    let count = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("{name}: {answer}"));
    let found = Counts {
        format: answer["format"].as_str().unwrap().to_owned(),
        read: count("read"),
        added: count("added"),
        unchanged: count("unchanged"),
        held: count("held"),
        rejected: count("rejected"),
    };
    assert_eq!(found.read, found.added + found.unchanged + found.held + found.rejected, "{answer}");
    found
}

fn fixture(file: &str) -> Vec<u8> {
    fs::read(root().join("tests/vendors").join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Imports a file of `tests/vendors` under its own name.
fn import(sandbox: &Sandbox, file: &str, options: &[&str]) -> Counts {
    import_as(sandbox, file, file, options)
}

/// Imports a file of `tests/vendors` under another name.
fn import_as(sandbox: &Sandbox, file: &str, name: &str, options: &[&str]) -> Counts {
    sandbox.write(name, fixture(file));
    let mut arguments = vec!["import", "--json"];
    arguments.extend(options);
    arguments.push(name);
    counted(&sandbox.quell(arguments).expect(0).json())
}

/// Imports a file twice: the second time nothing is added, and the records are the same.
fn twice(file: &str, options: &[&str], want: &Counts) -> Sandbox {
    let sandbox = Sandbox::new();
    let before = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    assert_eq!(import(&sandbox, file, options), *want, "{file}");
    let records = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    assert_eq!(before == records, want.added == 0, "{file}: {records}");
    let again = import(&sandbox, file, options);
    assert_eq!((again.added, again.read, again.rejected), (0, want.read, want.rejected), "{file}");
    assert_eq!(sandbox.quell(["status", "--json"]).expect(0).json()["records"], records, "{file}");
    sandbox
}

/// What `check` says for a bulk send, by address.
#[track_caller]
fn bulk(sandbox: &Sandbox, want: &[(&str, &[&str])]) {
    for (address, reasons) in want {
        assert_eq!(sandbox.reasons(address, &[]), *reasons, "{address}");
    }
}

/// What `check` says for a transactional send, by address.
#[track_caller]
fn transactional(sandbox: &Sandbox, want: &[(&str, &[&str])]) {
    for (address, reasons) in want {
        let found = sandbox.reasons(address, &["--class", "transactional"]);
        assert_eq!(found, *reasons, "{address}");
    }
}

/// A file that has rejects is not applied; its rejects are those rows, with these words in their causes.
#[track_caller]
fn refused(file: &str, format: &str, want: &[(u64, &str)]) {
    let sandbox = Sandbox::new();
    sandbox.write(file, fixture(file));
    let run =
        sandbox.quell(["import", "--format", format, "--rejects", "rejects.csv", file]).expect(3);
    assert!(run.stderr.contains("nothing of the file was applied"), "{file}: {}", run.stderr);
    let rejects = sandbox.read_text("rejects.csv");
    let lines: Vec<&str> = rejects.lines().skip(1).collect();
    assert_eq!(lines.len(), want.len(), "{file}: {rejects}");
    for (line, (number, words)) in lines.iter().zip(want) {
        assert!(line.starts_with(&format!("{number},")), "{file}: {line}, not line {number}");
        assert!(line.contains(words), "{file}: {line} does not say `{words}`");
    }
    let records = sandbox.quell(["status", "--json"]).expect(0).json()["records"].clone();
    let records = records.as_object().unwrap();
    assert!(records.values().all(|count| count == 0), "{file}: {records:?}");
}

#[test]
fn a_header_that_only_one_vendor_has_is_never_two_formats() {
    let sandbox = Sandbox::new();
    for entry in fs::read_dir(root().join("tests/vendors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let run = sandbox.quell(["import", "--dry-run", "--json", path.to_str().unwrap()]);
        let told = run.code == Some(0) || run.stderr.contains("can't be understood");
        let is_undecided = name == "mailchimp-fields-named-like-status.csv";
        assert_eq!(told, !is_undecided, "{name}: {}", run.stderr);
    }
}

#[test]
fn what_may_hold_an_opt_out_that_is_not_understood_is_refused_by_its_name() {
    for (name, text, says) in [
        (
            "x.csv",
            "contactid,Email,donotemail,Do not allow mass mailing\n1,ann@example.com,0,1\n",
            &["Do not allow mass mailing"][..],
        ),
        (
            "x.csv",
            "fullname,email,donotemail\nAnn,ann@example.com,1\n",
            &["dynamics-contacts", "mautic"],
        ),
        (
            "blocklist.csv",
            "status,reason,email,created\n,,ann@example.com,1\n",
            &["sendgrid-blocks", "sendgrid-bounces"],
        ),
        (
            "not_subscribed_members_export_1.csv",
            "Email Address,First Name\nann@example.com,Ann\n",
            &["mailchimp-unsubscribed"],
        ),
        (
            "x.csv",
            "Email,Portal Bounce,Portal Quarantine\nann@example.com,,TRUE\n",
            &["Portal Quarantine"],
        ),
        (
            "x.csv",
            "emailAddress,unsubscribeAll,topicPreferences.\nann@example.com,,OPT_OUT\n",
            &["topicPreferences."],
        ),
        (
            "x.csv",
            "Email,Reason\nann@example.com,UNSUBSCRIBE\n",
            &["klaviyo", "import suppressions"],
        ),
        (
            "x.json",
            "{\"TotalCount\":2,\"Suppressions\":[{\"EmailAddress\":\"ann@example.com\",\
             \"SuppressionReason\":\"HardBounce\"}]}",
            &["TotalCount"],
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(name, text);
        let run = sandbox.quell(["import", name]).expect(3);
        let _ = says.iter().fold(run, |run, word| run.says(word));
        assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0], "{name}: {text}");
    }
}
