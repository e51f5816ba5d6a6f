//! The signed statement of a run: right for every input and output, worth nothing when anything of it changed.

use crate::sandbox::{Run, Sandbox, tree};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const BATCH: &str =
    "email\nleft@example.com\nfine@example.com\nbounce@example.com\nnobody\nother@example.com\n";

/// A store with an opt-out and a bounce, and a batch of five rows of which two may be mailed.
fn with_batch() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("bounces.csv", "email,reason\nbounce@example.com,bounce\n");
    sandbox.quell(["import", "suppressions", "bounces.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "left@example.com"]).expect(0);
    sandbox.write("in.csv", BATCH);
    sandbox
}

/// [`with_batch`], filtered, with a certificate in `c.json`.
fn certified() -> Sandbox {
    let sandbox = with_batch();
    filter(&sandbox, "in.csv -o out.csv --suppressed withheld.csv --certificate c.json").expect(0);
    sandbox
}

fn filter(sandbox: &Sandbox, arguments: &str) -> Run {
    sandbox.quell(["filter"].into_iter().chain(arguments.split(' ')))
}

fn verify(sandbox: &Sandbox, arguments: &str) -> Run {
    sandbox
        .quell(["certificate", "verify", "c.json"].into_iter().chain(arguments.split_whitespace()))
}

/// Asserts that something does not match, and that the first line says what.
#[track_caller]
fn fails(run: Run, what: &str) {
    let run = run.expect(1).says("does not match");
    let text = run.text();
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("{what}: ")), "`{}` says {first}", run.command);
    assert_eq!(text.lines().count(), 1, "{text}");
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    Sha256::digest(bytes).iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
    text
}

fn public_key(sandbox: &Sandbox) -> String {
    sandbox.quell(["certificate", "public-key"]).expect(0).text().trim().to_owned()
}

#[test]
fn it_states_what_was_read_kept_and_withheld_by_what() {
    let sandbox = with_batch();
    filter(
        &sandbox,
        "in.csv -o out.csv --suppressed withheld.csv --certificate c.json --report r.json --list news \
         --list offers --email-column 1 --dedupe",
    )
    .expect(0);
    let certificate = sandbox.read_json("c.json");
    let report = sandbox.read_json("r.json");
    for name in [
        "quell",
        "policy",
        "generation",
        "cursor",
        "as_of",
        "class",
        "lists",
        "read",
        "kept",
        "withheld",
        "by_reason",
        "input",
        "output",
        "suppressed",
    ] {
        assert!(!report[name].is_null(), "{name}");
        assert_eq!(certificate[name], report[name], "{name}");
    }
    assert_eq!(certificate["schema"], 1);
    assert_eq!(certificate["type"], "quell-certificate");
    assert_eq!(certificate["read"], 5);
    assert_eq!(
        certificate["by_reason"],
        serde_json::json!({"bounce": 1, "invalid_address": 1, "unsubscribed": 1})
    );
    for (name, path) in [("input", "in.csv"), ("output", "out.csv"), ("suppressed", "withheld.csv")]
    {
        let bytes = sandbox.read(path);
        assert_eq!(certificate[name]["path"], path);
        assert_eq!(certificate[name]["bytes"], bytes.len(), "{name}");
        assert_eq!(certificate[name]["sha256"], sha256(&bytes), "{name}");
    }
    assert_eq!(
        certificate["options"],
        serde_json::json!({"format": "csv", "delimiter": ",", "header": true, "email_columns": ["1"],
            "contact_column": null, "list_column": null, "invalid": "withhold", "dedupe": true})
    );
    let settings = sandbox.read_text("store/quell.toml");
    assert!(settings.contains(certificate["ledger_id"].as_str().unwrap()), "{certificate}");
    let status = sandbox.quell(["status", "--json"]).expect(0).json();
    assert_eq!(certificate["chain"]["events"], 2);
    assert_eq!(certificate["chain"]["events"], status["history"]["events"]);
    assert_eq!(certificate["chain"]["link"].as_str().map(str::len), Some(64));
    assert_eq!(certificate["chain"]["link"], status["history"]["head"]);
    assert_eq!(certificate["public_key"], public_key(&sandbox));
    assert!(certificate["made_at"].as_str() >= certificate["as_of"].as_str());
    let run =
        verify(&sandbox, "--input in.csv --output out.csv --suppressed withheld.csv").expect(0);
    assert!(
        run.text().starts_with("verified: read 5, kept 2, withheld 3, generation 2"),
        "{}",
        run.text()
    );
    assert_eq!(run.stderr, "");
}

/// Each way in and out, with one thread and with several.
#[test]
fn the_digests_are_of_the_bytes_as_they_are_on_disk_or_in_the_pipe() {
    let sandbox = with_batch();
    let mut csv = String::from("id,email\n");
    let mut ndjson = String::new();
    for row in 0..25_000 {
        let email = if row % 7 == 0 {
            "left@example.com".to_owned()
        } else {
            format!("p{row}@example.com")
        };
        writeln!(csv, "{row},{email}").unwrap();
        writeln!(ndjson, "{{\"id\":{row},\"email\":\"{email}\"}}").unwrap();
    }
    sandbox.write("big.csv", &csv);
    sandbox.write("big.ndjson", &ndjson);
    sandbox.write("big.parquet", crate::parquet::batch());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(csv.as_bytes()).unwrap();
    sandbox.write("big.csv.gz", gz.finish().unwrap());
    for threads in ["1", "4"] {
        for (input, extension) in [
            ("big.csv", "csv"),
            ("big.csv", "csv.gz"),
            ("big.csv.gz", "csv.zst"),
            ("big.ndjson", "ndjson"),
            ("big.parquet", "parquet"),
        ] {
            let (out, withheld) = (format!("out.{extension}"), format!("withheld.{extension}"));
            filter(
                &sandbox,
                &format!(
                    "{input} -o {out} --suppressed {withheld} --certificate c.json --threads {threads}"
                ),
            )
            .expect(0);
            verify(&sandbox, &format!("--input {input} --output {out} --suppressed {withheld}"))
                .expect(0);
            let certificate = sandbox.read_json("c.json");
            assert!(certificate["withheld"].as_u64() > Some(0), "{certificate}");

            let format = extension.split('.').next().unwrap();
            let arguments =
                ["filter", "--format", format, "--threads", threads, "--certificate", "c.json"];
            let run = sandbox.quell_reading(arguments, &sandbox.read(input)).expect(0);
            sandbox.write("piped", &run.stdout);
            verify(&sandbox, &format!("--input {input} --output piped")).expect(0);
            assert_eq!(sandbox.read_json("c.json")["input"]["path"], "-");
        }
    }
}

#[test]
fn the_first_thing_that_does_not_match_is_named() {
    let sandbox = certified();
    sandbox.write("other.csv", BATCH.replace("other@", "outer@"));
    sandbox.write("longer.csv", format!("{BATCH}\n"));
    fails(verify(&sandbox, "--input other.csv --output in.csv"), "input");
    fails(verify(&sandbox, "--input longer.csv"), "input");
    fails(verify(&sandbox, "--input in.csv --output other.csv"), "output");
    fails(verify(&sandbox, "--output out.csv --suppressed out.csv"), "suppressed file");
    let other = Sandbox::new();
    let key = public_key(&other);
    fails(verify(&sandbox, &format!("--public-key {key}")), "public key");
    // The right counts, files and key, and a text that was changed and made to look right.
    let text = sandbox.read_text("c.json");
    sandbox.write("c.json", text.replace("\"class\": \"bulk\"", "\"class\": \"transactional\""));
    fails(verify(&sandbox, "--input in.csv --output out.csv"), "signature");
    for text in ["", "{}", "read 5, kept 2", "{\"schema\": 1, \"read\": 5}"] {
        sandbox.write("c.json", text);
        fails(verify(&sandbox, ""), "form");
    }
    sandbox.write("c.json", vec![b' '; 17 << 20]);
    fails(verify(&sandbox, ""), "form");
}

/// Each byte of one is altered in the unit tests; here some of them, through the command.
#[test]
fn an_altered_byte_ends_with_1() {
    let sandbox = certified();
    let text = sandbox.read("c.json");
    for at in (0..text.len()).step_by(13) {
        let mut altered = text.clone();
        altered[at] ^= if at % 2 == 0 { 1 } else { 0x20 };
        sandbox.write("c.json", &altered);
        verify(&sandbox, "").expect(1);
    }
    sandbox.write("c.json", &text);
    verify(&sandbox, "--input in.csv").expect(0).says("--output, --suppressed");
}

#[test]
fn it_is_checked_anywhere_with_the_public_key_alone() {
    let sandbox = certified();
    let elsewhere = Sandbox::without_store();
    for name in ["c.json", "in.csv", "out.csv"] {
        elsewhere.write(name, sandbox.read(name));
    }
    let key = public_key(&sandbox);
    elsewhere.write("quell.pub", format!("{}\n", key.to_uppercase()));
    for key in ["quell.pub", key.as_str()] {
        verify(&elsewhere, &format!("--public-key {key} --input in.csv --output out.csv"))
            .expect(0);
    }
    verify(&elsewhere, "").expect(4).says("--public-key");
    verify(&elsewhere, "--public-key missing.pub").expect(3).says("missing.pub");
    verify(&elsewhere, "--public-key in.csv").expect(3).says("is no public key");
    verify(&elsewhere, "--public-key quell.pub --input missing.csv").expect(3).says("missing.csv");
    elsewhere
        .quell(["certificate", "verify", "missing.json", "--public-key", "quell.pub"])
        .expect(3);
    let piped = ["certificate", "verify", "-", "--public-key", "quell.pub"];
    elsewhere.quell_reading(piped, &sandbox.read("c.json")).expect(0);
    // Another store at hand: its key is another one, and its history is not the certificate's.
    elsewhere.quell(["init"]).expect(0);
    fails(verify(&elsewhere, ""), "public key");
    verify(&elsewhere, "--public-key quell.pub").expect(0);
    elsewhere.write("store/signing.key", sandbox.read("store/signing.key"));
    fails(verify(&elsewhere, ""), "ledger");
    // A store that can't be opened is not asked when the key was named.
    elsewhere.write("store/ledger.db", "no ledger");
    verify(&elsewhere, "--public-key quell.pub").expect(0).says("not compared");
    verify(&elsewhere, "").expect(4);
}

#[test]
fn a_history_that_went_another_way_is_named() {
    let sandbox = with_batch();
    sandbox.copy_store("store", "backup");
    sandbox.quell(["unsubscribe", "fine@example.com"]).expect(0);
    filter(&sandbox, "in.csv -o out.csv --certificate c.json").expect(0);
    sandbox.quell(["unsubscribe", "later@example.com"]).expect(0);
    verify(&sandbox, "--output out.csv").expect(0);
    // Restored, and used since: as many events, others.
    let restored = |more: &str| {
        std::fs::remove_dir_all(sandbox.path("store")).unwrap();
        sandbox.copy_store("backup", "store");
        if !more.is_empty() {
            sandbox.quell(["unsubscribe", more]).expect(0);
        }
    };
    restored("");
    fails(verify(&sandbox, ""), "ledger");
    restored("another@example.com");
    fails(verify(&sandbox, ""), "chain");
    let key = public_key(&sandbox);
    fails(verify(&sandbox, &format!("--public-key {key}")), "chain");
}

#[test]
fn a_store_from_before_certificates_gets_its_key_with_the_first_one() {
    let sandbox = with_batch();
    std::fs::remove_file(sandbox.path("store/signing.key")).unwrap();
    filter(&sandbox, "in.csv -o out.csv --report r.json").expect(0);
    assert!(!sandbox.exists("store/signing.key"), "nobody asked for it");
    filter(&sandbox, "in.csv -o out.csv --certificate c.json").expect(0);
    let mode = std::fs::metadata(sandbox.path("store/signing.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    verify(&sandbox, "--input in.csv --output out.csv").expect(0);
    let key = sandbox.read("store/signing.key");
    filter(&sandbox, "in.csv -o out.csv --certificate c.json").expect(0);
    assert_eq!(sandbox.read("store/signing.key"), key);
}

#[test]
fn a_damaged_key_signs_nothing() {
    let sandbox = certified();
    let (certificate, output) = (sandbox.read("c.json"), sandbox.read("out.csv"));
    let key = sandbox.read("store/signing.key");
    let mut flipped = key.clone();
    flipped[20] ^= 1;
    sandbox.write("in.csv", "email\nnew@example.com\n");
    for damaged in [&key[..50], b"", &flipped] {
        sandbox.write("store/signing.key", damaged);
        filter(&sandbox, "in.csv -o out.csv --certificate c.json").expect(4).says("signing.key");
        verify(&sandbox, "").expect(4).says("signing.key");
        sandbox.quell(["certificate", "public-key"]).expect(4);
        assert!(sandbox.quell(["verify"]).expect(1).text().contains("signing key"));
    }
    assert_eq!((sandbox.read("c.json"), sandbox.read("out.csv")), (certificate, output));
    filter(&sandbox, "in.csv -o out.csv").expect(0);
}

#[test]
fn an_index_alone_signs_with_the_key_beside_it() {
    let sandbox = with_batch();
    sandbox.quell(["compile", "--full"]).expect(0);
    let alone = Sandbox::without_store();
    std::fs::create_dir(alone.path("store")).unwrap();
    sandbox.copy_store("store/index", "index");
    for (path, bytes) in tree(&sandbox.path("index")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::create_dir_all(alone.path("store/index")).unwrap();
        alone.write(&format!("store/index/{name}"), bytes);
    }
    for name in ["store/quell.toml", "store/secret.key"] {
        alone.write(name, sandbox.read(name));
    }
    alone.write("in.csv", BATCH);
    let asked = "in.csv -o out.csv --max-age 1h --certificate c.json";
    filter(&alone, asked).expect(4).says("signing.key");
    assert!(!alone.exists("out.csv") && !alone.exists("c.json"));
    assert!(!alone.exists("store/signing.key"), "a key of nobody's");
    alone.quell(["certificate", "public-key"]).expect(4);
    alone.write("store/signing.key", sandbox.read("store/signing.key"));
    filter(&alone, asked).expect(0);
    let certificate = alone.read_json("c.json");
    assert_eq!(certificate["chain"], Value::Null);
    assert_eq!(certificate["generation"], 2);
    verify(&alone, "--input in.csv --output out.csv").expect(0);
    assert_eq!(public_key(&alone), public_key(&sandbox));
    // Where the ledger is, its generation is looked for.
    sandbox.write("c.json", alone.read("c.json"));
    verify(&sandbox, "").expect(0);
}

#[test]
fn a_run_that_failed_has_none_and_leaves_an_earlier_one() {
    let sandbox = certified();
    sandbox.write("cut.csv", "email\n\"ann@example.com\n");
    let before = tree(&sandbox.path("."));
    let same = |what: &str| assert_eq!(tree(&sandbox.path(".")), before, "{what}");
    for (arguments, code) in [
        ("cut.csv -o out.csv --certificate c.json", 3),
        ("missing.csv -o out.csv --certificate c.json", 3),
        ("in.csv -o no/such/out.csv --certificate c.json", 4),
        ("in.csv -o out.csv --certificate no/such/c.json", 4),
        ("in.csv -o out.csv --certificate c.json --invalid fail", 3),
        ("in.csv -o out.csv --certificate c.json --expect ..10%", 5),
        ("in.csv -o out.csv --certificate c.json --canary fine@example.com", 5),
        ("in.csv -o out.csv --certificate out.csv", 2),
        ("in.csv -o out.csv --certificate in.csv", 2),
        ("in.csv -o out.csv --certificate c.json --suppress bounces.csv", 2),
        ("in.csv -o /dev/full --certificate c.json", 4),
    ] {
        filter(&sandbox, arguments).expect(code);
        same(arguments);
    }
}

/// The reader of the kept rows goes away: nothing may state that they were written.
#[test]
fn a_broken_pipe_has_none() {
    let sandbox = with_batch();
    sandbox.write("in.csv", format!("email\n{}", "someone@example.com\n".repeat(200_000)));
    for more in ["", "--expect 0..1"] {
        let arguments = "filter in.csv --certificate c.json ".to_owned() + more;
        let mut child = sandbox
            .command(arguments.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(141), "{more}");
        assert!(!sandbox.exists("c.json"), "{more}");
    }
}

#[test]
fn what_cannot_be_signed_is_a_wrong_command_line() {
    let sandbox = Sandbox::without_store();
    sandbox.write("in.csv", BATCH);
    sandbox.write("list.txt", "left@example.com\n");
    filter(&sandbox, "in.csv --suppress list.txt --certificate c.json")
        .expect(2)
        .says("needs a store");
    sandbox.quell(["certificate"]).expect(2);
    sandbox.quell(["certificate", "verify"]).expect(2);
    assert!(!sandbox.exists("c.json"));
}

/// A certificate on standard output, beside kept rows in a file.
#[test]
fn it_may_go_to_standard_output() {
    let sandbox = with_batch();
    let run = filter(&sandbox, "in.csv -o out.csv --certificate -").expect(0);
    sandbox.write("c.json", &run.stdout);
    verify(&sandbox, "--input in.csv --output out.csv").expect(0);
    filter(&sandbox, "in.csv --certificate -").expect(2).says("two results");
}

#[test]
fn it_holds_no_address() {
    let text = certified().read_text("c.json");
    assert!(!text.contains('@'), "{text}");
}

/// The commands of docs/certificate.md, where there is an openssl.
#[test]
fn openssl_verifies_it_too() {
    let sandbox = certified();
    if !Command::new("openssl").arg("version").output().is_ok_and(|run| run.status.success()) {
        eprintln!("no openssl here: not tried");
        return;
    }
    let documented =
        std::fs::read_to_string(crate::sandbox::root().join("docs/certificate.md")).unwrap();
    let script = documented.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let script = script.expect("the commands in docs/certificate.md");
    sandbox.write("quell.pub", format!("{}\n", public_key(&sandbox)));
    let verified = || {
        let script = script.replace("scrub.json", "c.json");
        let run = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(sandbox.path("."))
            .output()
            .unwrap();
        (run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (done, said) = verified();
    assert!(done && said.contains("Signature Verified Successfully"), "{said}");
    let text = sandbox.read_text("c.json");
    sandbox.write("c.json", text.replace("\"read\": 5", "\"read\": 6"));
    assert!(!verified().0);
}

/// The last step of a run is the one that names its kept rows: when it fails, nothing says that it was done.
#[test]
fn it_goes_again_when_the_kept_rows_cannot_appear() {
    let sandbox = with_batch();
    std::fs::create_dir(sandbox.path("sub")).unwrap();
    for more in [&[][..], &["--fsync"], &["--expect", "0..1"]] {
        let arguments =
            ["filter", "-o", "sub/out.csv", "--certificate", "c.json", "--report", "r.json"];
        let mut child = sandbox
            .command(arguments.iter().chain(more))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let is_empty = || std::fs::read_dir(sandbox.path("sub")).unwrap().next().is_none();
        // A file without a name shows among those that the process has open.
        let sub = std::fs::canonicalize(sandbox.path("sub")).unwrap();
        let open = format!("/proc/{}/fd", child.id());
        let has_draft = || {
            let files = std::fs::read_dir(&open).into_iter().flatten().flatten();
            let mut names = files.filter_map(|file| std::fs::read_link(file.path()).ok());
            names.any(|name| name.starts_with(&sub))
        };
        while is_empty() && !has_draft() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        std::fs::create_dir(sandbox.path("sub/out.csv")).unwrap();
        child.stdin.take().unwrap().write_all(BATCH.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4), "{more:?}");
        assert!(sandbox.exists("r.json") && !sandbox.exists("c.json"), "{more:?}");
        std::fs::remove_dir(sandbox.path("sub/out.csv")).unwrap();
        assert!(is_empty(), "{more:?}: something is left");
        std::fs::remove_file(sandbox.path("r.json")).unwrap();
    }
}

/// A Parquet file is read twice, for its digest and for its rows: both must be of the same bytes.
#[test]
fn a_file_that_is_written_to_meanwhile_is_not_certified() {
    let sandbox = with_batch();
    sandbox.write("in.parquet", crate::parquet::batch());
    let mut child = sandbox
        .command(["filter", "in.parquet", "-o", "out.parquet", "--certificate", "c.json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let file = std::fs::File::options().append(true).open(sandbox.path("in.parquet")).unwrap();
    while child.try_wait().unwrap().is_none() {
        file.set_modified(std::time::SystemTime::now()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("changed while it was read"), "{said}");
    assert!(!sandbox.exists("c.json") && !sandbox.exists("out.parquet"));
    filter(&sandbox, "in.parquet -o out.parquet --certificate c.json").expect(0);
    verify(&sandbox, "--input in.parquet --output out.parquet").expect(0);
}
