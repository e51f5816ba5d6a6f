//! SendGrid, Mailgun, SES and plain lists: every sample's rows accounted for, a second time unchanged, and
//! blocked afterwards.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, root};

fn vendor(name: &str) -> PathBuf {
    root().join("tests/vendors").join(name)
}

/// Imports a file of the sandbox; its answer.
fn import(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let mut all = vec!["import", "--json"];
    all.extend(arguments);
    let answer = sandbox.quell(all).expect(0).json();
    let count = |name: &str| answer[name].as_u64().expect("a count");
    let told = count("added") + count("unchanged") + count("held") + count("rejected");
    assert_eq!(count("read"), told, "{answer}");
    answer
}

/// Copies a sample under a name of its vendor.
fn put(sandbox: &Sandbox, sample: &str, name: &str) {
    sandbox.write(name, std::fs::read(vendor(sample)).expect(sample));
}

/// A sample, the name it is downloaded under, its format, rows read and added, and what an address of it is
/// withheld for on a list.
type Case = (&'static str, &'static str, &'static str, u64, u64, &'static [Withheld]);
type Withheld = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "sendgrid-bounces.csv",
        "suppression_bounces.csv",
        "sendgrid-bounces",
        5,
        4,
        &[
            ("USER@example.com", &[], &["bounce"]),
            ("gone@example.org", &["--class", "transactional"], &["bounce"]),
            ("full@example.com", &[], &["bounce"]),
            ("policy@example.com", &[], &["bounce"]),
        ],
    ),
    (
        "sendgrid-blocks.csv",
        "suppression_blocks.csv",
        "sendgrid-blocks",
        2,
        0,
        &[("blocked@example.com", &[], &[]), ("refused@example.org", &[], &[])],
    ),
    (
        "sendgrid-spam.csv",
        "x.csv",
        "sendgrid-spam",
        2,
        2,
        &[("furious@example.org", &[], &["complaint"])],
    ),
    (
        "sendgrid-invalid.csv",
        "x.csv",
        "sendgrid-invalid",
        1,
        1,
        &[("typo@example.test", &[], &["invalid"])],
    ),
    (
        "sendgrid-unsubscribes.csv",
        "x.csv",
        "sendgrid-unsubscribes",
        2,
        2,
        &[
            ("out@example.com", &["--list", "any"], &["unsubscribed"]),
            ("out@example.com", &["--class", "transactional"], &[]),
        ],
    ),
    (
        "sendgrid-unsubscribes.json",
        "x.json",
        "sendgrid-unsubscribes",
        3,
        3,
        &[
            ("weekly@example.com", &["--list", "Weekly News"], &["opted_out:Weekly News"]),
            ("weekly@example.com", &["--list", "Offers"], &["opted_out:Offers"]),
            ("offers@example.org", &["--list", "Weekly News"], &[]),
        ],
    ),
    (
        "mailgun-bounces.csv",
        "x.csv",
        "mailgun-bounces",
        2,
        2,
        &[("bob@example.org", &[], &["bounce"])],
    ),
    (
        "mailgun-complaints.csv",
        "x.csv",
        "mailgun-complaints",
        1,
        1,
        &[("angry@example.com", &[], &["complaint"])],
    ),
    (
        "mailgun-unsubscribes.csv",
        "x.csv",
        "mailgun-unsubscribes",
        4,
        4,
        &[
            ("everything@example.com", &[], &["unsubscribed"]),
            ("news@example.com", &["--list", "news"], &["opted_out:news"]),
            ("news@example.com", &["--list", "offers"], &[]),
            ("two@example.org", &["--list", "offers"], &["opted_out:offers"]),
            ("default@example.org", &[], &["unsubscribed"]),
        ],
    ),
    (
        "mailgun-unsubscribes.json",
        "x.json",
        "mailgun-unsubscribes",
        2,
        2,
        &[
            ("list@example.com", &["--list", "offers"], &["opted_out:offers"]),
            ("star@example.org", &[], &["unsubscribed"]),
        ],
    ),
    (
        "ses-suppression.csv",
        "x.csv",
        "ses-suppression",
        2,
        2,
        &[
            ("recipient1@example.com", &[], &["bounce"]),
            ("recipient2@example.org", &[], &["complaint"]),
        ],
    ),
    (
        "ses-suppression.ndjson",
        "x",
        "ses-suppression",
        2,
        2,
        &[("recipient1@example.com", &[], &["bounce"])],
    ),
    (
        "ses-suppression.json",
        "x",
        "ses-suppression",
        2,
        2,
        &[("recipient2@example.org", &[], &["complaint"])],
    ),
    (
        "ses-contacts.csv",
        "x.csv",
        "ses-contacts",
        4,
        3,
        &[
            ("example1@example.com", &["--list", "Cycling"], &["opted_out:Cycling"]),
            ("example1@example.com", &["--list", "Sports"], &[]),
            ("example2@example.com", &["--list", "Sports"], &["unsubscribed"]),
            ("example3@example.org", &["--list", "Sports"], &["opted_out:Sports"]),
            ("example4@example.org", &["--list", "Cycling"], &[]),
        ],
    ),
    (
        "plain.txt",
        "list.txt",
        "plain",
        3,
        3,
        &[("three@example.com", &["--class", "transactional"], &["manual"])],
    ),
];

#[test]
fn every_sample_is_recognised_counted_and_blocks_and_a_second_time_changes_nothing() {
    for (sample, name, format, read, added, withheld) in CASES {
        let sandbox = Sandbox::new();
        put(&sandbox, sample, name);
        let first = import(&sandbox, &[name]);
        assert_eq!(first["format"], *format, "{sample}");
        assert_eq!((&first["read"], &first["added"]), (&json!(read), &json!(added)), "{sample}");
        assert_eq!(first["unchanged"], read - added, "{sample}");
        // A generation is made exactly when something was added.
        assert_eq!(first["generation"], u64::from(*added > 0), "{sample}");
        for (address, options, reasons) in *withheld {
            assert_eq!(sandbox.reasons(address, options), *reasons, "{sample}: {address}");
        }
        let second = import(&sandbox, &["--format", format, name]);
        assert_eq!(second["unchanged"], *read, "{sample}");
        assert_eq!(second["generation"], first["generation"], "{sample}");
    }
}

#[test]
fn what_may_be_two_formats_is_refused_until_the_user_says_which() {
    let sandbox = Sandbox::new();
    put(&sandbox, "sendgrid-bounces.csv", "export.csv");
    let run = sandbox.quell(["import", "export.csv"]).expect(3);
    run.says("--format sendgrid-blocks").says("--format sendgrid-bounces");
    assert_eq!(sandbox.reasons("gone@example.org", &[]), [""; 0]);
    assert_eq!(import(&sandbox, &["--format", "SendGrid-Bounces", "export.csv"])["added"], 4);
    put(&sandbox, "sendgrid-blocks.csv", "blocks.csv");
    let run = sandbox.quell(["import", "blocks.csv"]).expect(0);
    run.says("suppress nothing");
}

#[test]
fn what_is_not_recognised_names_its_columns_and_what_is_needed() {
    let sandbox = Sandbox::new();
    sandbox.write("x.csv", "Name,Colour\nAnn,red\n");
    let run = sandbox.quell(["import", "x.csv"]).expect(3);
    run.says("`Name`, `Colour`").says("--format").says("`email`");
    sandbox.write("empty.csv", "");
    sandbox.quell(["import", "empty.csv"]).expect(3).says("empty");
    sandbox.quell(["import", "--format", "plain", "x.csv"]).expect(3);
    sandbox
        .quell(["import", "--format", "ses-suppression", "x.csv"])
        .expect(3)
        .says("emailAddress");
    sandbox.quell(["import", "--format", "horoscope", "x.csv"]).expect(2).says("sendgrid-spam");
    sandbox.quell(["import", "--format", "plain", "contacts", "x.csv"]).expect(2);
    sandbox.quell(["import", "contacts"]).expect(2);
    sandbox.quell(["import", "contact", "x.csv"]).expect(2).says("kind");
}

#[test]
fn native_files_are_recognised_by_their_columns() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "email;reason\nann@example.com;bounce\n");
    sandbox.write("b.csv", "contact_id,email,bulk_email,colour\n1,bob@example.com,0,red\n");
    let answers = sandbox.quell(["import", "a.csv", "b.csv", "--json"]).expect(0).json();
    assert_eq!(
        (&answers[0]["kind"], &answers[0]["format"]),
        (&json!("suppressions"), &json!("native"))
    );
    assert_eq!(answers[1]["kind"], "contacts");
    assert_eq!(import(&sandbox, &["--format", "native", "a.csv"])["unchanged"], 1);
    put(&sandbox, "sendgrid-spam.csv", "spam.csv");
    sandbox.quell(["import", "--format", "native", "spam.csv"]).expect(3);
    assert_eq!(sandbox.reasons("bob@example.com", &[]), ["bulk_email_denied"]);
}

#[test]
fn a_list_is_given_only_to_files_that_do_not_name_it() {
    let sandbox = Sandbox::new();
    put(&sandbox, "sendgrid-unsubscribes.csv", "group.csv");
    let answer = import(&sandbox, &["--list", "News", "group.csv"]);
    assert_eq!(answer["added"], 2);
    assert_eq!(sandbox.reasons("out@example.com", &["--list", "News"]), ["opted_out:News"]);
    assert_eq!(sandbox.reasons("out@example.com", &["--list", "Other"]), [""; 0]);
    put(&sandbox, "mailgun-unsubscribes.csv", "tags.csv");
    sandbox.quell(["import", "--list", "News", "tags.csv"]).expect(2).says("--list");
    sandbox.write("u.csv", "email,list\nann@example.com,\n");
    sandbox.quell(["import", "--list", "News", "u.csv"]).expect(2);
    sandbox.quell(["import", "--list", "News", "unsubscribes", "u.csv"]).expect(2);
    sandbox.quell(["import", "--list", " ", "group.csv"]).expect(2);
}

#[test]
fn rejects_have_their_line_their_cause_and_the_row_as_it_stands() {
    let sandbox = Sandbox::new();
    let text = "status,reason,email,created\n5.1.1,\"two\nlines\",ann@example.com,1\n\
                5.1.1,x, y,bob@example.com,1\n";
    sandbox.write("bounces.csv", text);
    let refused = ["import", "bounces.csv", "--rejects", "rejects.csv"];
    sandbox.quell(refused).expect(3).says("1 of 2 rows").says("line 4");
    let rejects =
        "line,cause,row\n4,5 cells where the header has 4,\"5.1.1,x, y,bob@example.com,1\"\n";
    assert_eq!(sandbox.read_text("rejects.csv"), rejects);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0]);
    let answer = import(&sandbox, &["bounces.csv", "--allow-rejects", "1"]);
    assert_eq!((&answer["added"], &answer["rejected"]), (&json!(1), &json!(1)));
}

#[test]
fn a_dry_run_reads_everything_shows_it_and_applies_nothing() {
    let sandbox = Sandbox::new();
    put(&sandbox, "ses-contacts.csv", "contacts.csv");
    let before = crate::sandbox::tree(&sandbox.path("store"));
    let run = sandbox.quell(["import", "--dry-run", "contacts.csv"]).expect(0);
    let text = run.text();
    for words in ["ses-contacts", "UTF-8", "`emailAddress`", "from list Cycling", "row: nothing"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert!(text.contains("read 4, records 5, rejected 0; nothing was applied"), "{text}");
    let answer = sandbox.quell(["import", "--dry-run", "--json", "contacts.csv"]).expect(0).json();
    assert_eq!((&answer["read"], &answer["records"]), (&json!(4), &json!(5)));
    assert_eq!(answer["files"][0]["rows"].as_array().map(Vec::len), Some(4));
    sandbox.write("bad.csv", "email,created,ip\nann@example.com,1,x\nnobody,1,x\n");
    let run =
        sandbox.quell(["import", "--dry-run", "bad.csv", "--rejects", "rejects.csv"]).expect(3);
    assert!(run.text().contains("reject: line 3"), "{}", run.text());
    assert!(sandbox.read_text("rejects.csv").contains("nobody"));
    assert!(crate::sandbox::tree(&sandbox.path("store")) == before, "the store is as it was");
    // Also where there is no store.
    let nowhere = Sandbox::without_store();
    nowhere.write("x.txt", "ann@example.com\n");
    nowhere.quell(["import", "--dry-run", "x.txt"]).expect(0);
    assert!(!nowhere.exists("store"));
}

/// A ZIP of files that are stored as they are: what every reader of archives can read.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = short::<u32>(out.len());
        let crc = crc32(text.as_bytes());
        let mut common = Vec::new();
        for number in [20_u16, 0, 0, 0, 0x21] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        for number in [crc, short(text.len()), short(text.len())] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        common.extend_from_slice(&short::<u16>(name.len()).to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.write_all(name.as_bytes()).unwrap();
        out.write_all(text.as_bytes()).unwrap();
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let (start, length) = (short::<u32>(out.len()), short::<u32>(directory.len()));
    let count = short::<u16>(files.len());
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

/// A length as an archive has it.
fn short<T: TryFrom<usize>>(length: usize) -> T {
    T::try_from(length).ok().expect("a short file")
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(!0, step)
}

const SPAM: &str = "email,created,ip\n";

#[test]
fn an_archive_is_one_import_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let good = format!("{SPAM}ann@example.com,1,x\n");
    let bad = format!("{SPAM}bob@example.com,1,x\nnobody,1,x\n");
    sandbox.write(
        "spam.zip",
        zip(&[
            ("a/one.csv", &good),
            ("two.csv", &bad),
            ("README.txt", "hello"),
            ("__MACOSX/x", ""),
        ]),
    );
    let run = sandbox.quell(["import", "spam.zip", "--rejects", "rejects.csv"]).expect(3);
    run.says("1 of 3 rows").says("`two.csv` line 3").says("`README.txt` is not read");
    assert_eq!(
        sandbox.read_text("rejects.csv"),
        "line,cause,row\n3,two.csv: email: no `@`,\"nobody,1,x\"\n"
    );
    assert_eq!(sandbox.reasons("ann@example.com", &[]), [""; 0], "nothing of the archive");
    let answer = import(&sandbox, &["spam.zip", "--allow-rejects", "1"]);
    assert_eq!((&answer["read"], &answer["added"]), (&json!(3), &json!(2)));
    assert_eq!(answer["generation"], 1);
    // Through a pipe it is the same.
    let bytes = sandbox.read("spam.zip");
    let run = sandbox.quell_reading(["import", "-", "--allow-rejects", "1", "--json"], &bytes);
    assert_eq!(run.expect(0).json()["unchanged"], 2);
}

#[test]
fn an_archive_of_several_formats_of_none_or_damaged_is_refused() {
    let sandbox = Sandbox::new();
    let spam = format!("{SPAM}ann@example.com,1,x\n");
    let native = "email,reason\nbob@example.com,bounce\n";
    sandbox.write("mixed.zip", zip(&[("a.csv", &spam), ("b.csv", native)]));
    sandbox.quell(["import", "mixed.zip"]).expect(3).says("several formats").says("`b.csv` native");
    sandbox.write("empty.zip", zip(&[]));
    sandbox.quell(["import", "empty.zip"]).expect(3);
    sandbox.write("one.zip", zip(&[("b.csv", native)]));
    assert_eq!(import(&sandbox, &["one.zip"])["added"], 1);
    assert_eq!(import(&sandbox, &["suppressions", "one.zip"])["unchanged"], 1);
    let mut damaged = zip(&[("a.csv", &spam)]);
    let at = damaged.windows(3).position(|bytes| bytes == b"ann").unwrap();
    damaged[at] = b'b';
    sandbox.write("damaged.zip", damaged);
    sandbox.quell(["import", "damaged.zip"]).expect(3).says("damaged");
    for address in ["ann@example.com", "bnn@example.com"] {
        assert_eq!(sandbox.reasons(address, &[]), [""; 0]);
    }
}

#[test]
fn compressed_files_and_other_encodings_are_read_as_what_they_hold() {
    let sandbox = Sandbox::new();
    let text = std::fs::read_to_string(vendor("sendgrid-bounces.csv")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    sandbox.write("suppression_bounces.csv.gz", &gzip);
    assert_eq!(import(&sandbox, &["suppression_bounces.csv.gz"])["added"], 4);
    sandbox.write("bounces.csv.gz", &gzip[..gzip.len() - 9]);
    sandbox.quell(["import", "bounces.csv.gz"]).expect(3);
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.replace("gone@", "gr\u{fc}n@").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    sandbox.write("bounces-utf16.csv", wide);
    let answer = import(&sandbox, &["bounces-utf16.csv"]);
    assert_eq!((&answer["added"], &answer["unchanged"]), (&json!(1), &json!(4)));
    assert_eq!(sandbox.reasons("gr\u{fc}n@example.org", &[]), ["bounce"]);
    sandbox.write("latin.txt", b"caf\xe9@example.com\n");
    assert_eq!(import(&sandbox, &["latin.txt"])["added"], 1);
    assert_eq!(sandbox.reasons("caf\u{e9}@example.com", &[]), ["manual"]);
}

#[test]
fn a_separator_line_is_obeyed_and_counts_as_a_line() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "sep=;\r\nemail;reason\r\nann@example.com;bounce\r\nbob;bounce\r\n");
    sandbox.quell(["import", "suppressions", "a.csv"]).expect(3).says("line 4");
    let answer = import(&sandbox, &["a.csv", "--allow-rejects", "1"]);
    assert_eq!((&answer["added"], &answer["kind"]), (&json!(1), &json!("suppressions")));
    sandbox.write("b.csv", "\u{feff}sep=\t\nip\tcreated\temail\nx\t1\tbob@example.com\n");
    assert_eq!(import(&sandbox, &["b.csv"])["format"], "sendgrid-spam");
}

#[test]
fn a_file_with_a_fault_leaves_nothing_and_stops_those_after_it() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", format!("{SPAM}ann@example.com,1,x\n"));
    sandbox.write("b.csv", format!("{SPAM}bob@example.com,1,\"x\n"));
    sandbox.write("c.csv", format!("{SPAM}cat@example.com,1,x\n"));
    let run = sandbox.quell(["import", "a.csv", "b.csv", "c.csv", "--json"]).expect(3);
    assert_eq!(run.json()[0]["added"], 1);
    assert_eq!(sandbox.reasons("ann@example.com", &[]), ["complaint"]);
    for address in ["bob@example.com", "cat@example.com"] {
        assert_eq!(sandbox.reasons(address, &[]), [""; 0]);
    }
}
