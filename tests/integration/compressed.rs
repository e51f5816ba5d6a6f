//! Compressed recipients and results: the same rows as plain ones, and nothing at all of what is damaged.

use crate::sandbox::Sandbox;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::Stdio;

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstandard(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text).expect("gzip data");
    text
}

fn unzstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(bytes).expect("zstd data")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A store that withholds every tenth of the batch's rows.
fn with_batch(rows: u32) -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    let (mut batch, mut out) = (String::from("\u{feff}id,email\r\n"), String::from("email\n"));
    for row in 0..rows {
        let _ = write!(batch, "{row},p{row}@example.com\r\n");
        if row % 10 == 3 {
            let _ = writeln!(out, "P{row}@example.com");
        }
    }
    sandbox.write("out.csv", out);
    sandbox.quell(["import", "unsubscribes", "out.csv"]).expect(0);
    (sandbox, batch.into_bytes())
}

fn kept_of(batch: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(batch).unwrap();
    let stays = |(at, _): &(usize, &str)| *at == 0 || (at - 1) % 10 != 3;
    text.split_inclusive('\n')
        .enumerate()
        .filter(stays)
        .map(|(_, line)| line)
        .collect::<String>()
        .into()
}

#[test]
fn compressed_recipients_are_filtered_as_plain_ones_from_files_and_pipes() {
    for rows in [0, 1, 50_000] {
        let (sandbox, batch) = with_batch(rows);
        let want = kept_of(&batch);
        let (first, second) = batch.split_at(batch.len() / 2);
        let packed = [
            gzip(&batch),
            zstandard(&batch),
            [gzip(first), gzip(b""), gzip(second), vec![0; 700]].concat(),
            [&zstandard(first)[..], b"\x50*M\x18\x02\0\0\0no", &zstandard(second)].concat(),
        ];
        for bytes in packed {
            // The name says nothing, or something else.
            for name in ["in.csv.gz", "in.csv", "in.csv.zst"] {
                sandbox.write(name, &bytes);
                let run = sandbox.quell(["filter", name]).expect(0);
                assert!(run.stdout == want, "{rows} rows, {name}");
            }
            let run = sandbox.quell_reading(["filter", "--threads", "1"], &bytes).expect(0);
            assert!(run.stdout == want, "{rows} rows through a pipe");
        }
    }
}

#[test]
fn results_are_compressed_by_their_names() {
    let (sandbox, batch) = with_batch(50_000);
    let want = kept_of(&batch);
    sandbox.write("in.csv", &batch);
    sandbox.quell(["filter", "in.csv", "-o", "kept.csv", "--suppressed", "held.csv"]).expect(0);
    let held = sandbox.read("held.csv");
    for (name, unpack) in
        [("GZ", gunzip as fn(&[u8]) -> Vec<u8>), ("gz", gunzip), ("zst", unzstd), ("zstd", unzstd)]
    {
        let (kept_name, held_name) = (format!("kept.csv.{name}"), format!("held.csv.{name}"));
        let results = ["-o", &kept_name, "--suppressed", &held_name];
        sandbox.quell([&["filter", "in.csv"], &results[..]].concat()).expect(0);
        assert!(unpack(&sandbox.read(&kept_name)) == want, "{kept_name}");
        assert!(unpack(&sandbox.read(&held_name)) == held, "{held_name}");
        // The same run gives the same bytes.
        let before = sandbox.read(&kept_name);
        sandbox.quell(["filter", "in.csv", "-o", &kept_name]).expect(0);
        assert!(before == sandbox.read(&kept_name), "{kept_name}");
    }
    let run = sandbox.quell(["filter", "in.csv", "-o", "-"]).expect(0);
    assert!(run.stdout == want, "standard output has no name");
    // In its own place, as a plain file.
    sandbox.write("batch.csv.gz", gzip(&batch));
    sandbox.quell(["filter", "batch.csv.gz", "-o", "batch.csv.gz"]).expect(0);
    assert!(gunzip(&sandbox.read("batch.csv.gz")) == want);
}

#[test]
fn the_report_tells_of_the_files_as_they_are_on_disk() {
    let (sandbox, batch) = with_batch(5_000);
    let input = gzip(&batch);
    sandbox.write("in.csv.gz", &input);
    let options = ["--suppressed", "held.csv.gz", "--report", "report.json"];
    sandbox
        .quell([&["filter", "in.csv.gz", "-o", "kept.csv.zst"], &options[..]].concat())
        .expect(0);
    let report = sandbox.read_json("report.json");
    for (part, name) in
        [("input", "in.csv.gz"), ("output", "kept.csv.zst"), ("suppressed", "held.csv.gz")]
    {
        let bytes = sandbox.read(name);
        assert_eq!(report[part]["path"], name);
        assert_eq!(report[part]["bytes"], bytes.len(), "{name}");
        assert_eq!(report[part]["sha256"], sha256(&bytes), "{name}");
    }
    assert_eq!(report["read"], 5_000);
    assert_eq!(unzstd(&sandbox.read("kept.csv.zst")), kept_of(&batch));
}

/// Asserts that nothing but what was there before is there: no output, nothing half written.
#[track_caller]
fn leaves_nothing(sandbox: &Sandbox, what: &str) {
    assert_eq!(sandbox.read("kept.csv"), b"before", "{what}");
    assert!(!sandbox.exists("kept.csv.gz") && !sandbox.exists("held.csv.gz"), "{what}");
    let partial = std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().contains("partial"));
    assert!(!partial, "{what}: a partial file stays behind");
}

#[test]
fn a_truncated_input_ends_with_3_and_no_output_wherever_it_is_cut() {
    let (sandbox, batch) = with_batch(40_000);
    sandbox.write("kept.csv", "before");
    for bytes in [gzip(&batch), zstandard(&batch)] {
        for length in [5, 300, bytes.len() / 2, bytes.len() - 5, bytes.len() - 1] {
            let what = format!("cut at {length} of {}", bytes.len());
            sandbox.write("in.csv.gz", &bytes[..length]);
            for output in ["kept.csv", "kept.csv.gz"] {
                let results = ["-o", output, "--suppressed", "held.csv.gz"];
                let file = [&["filter", "in.csv.gz"], &results[..]].concat();
                sandbox.quell(file).expect(3).says(&format!("at byte {length} "));
                leaves_nothing(&sandbox, &what);
                let pipe = [&["filter"], &results[..]].concat();
                sandbox.quell_reading(pipe, &bytes[..length]).expect(3).says("too early");
                leaves_nothing(&sandbox, &what);
            }
        }
    }
}

/// A pipe whose writer dies looks like an end; the data know better.
#[test]
fn a_pipe_that_ends_early_is_no_end_of_the_recipients() {
    let (sandbox, batch) = with_batch(40_000);
    let bytes = gzip(&batch);
    let mut child = sandbox
        .command(["filter", "-", "-o", "kept.csv.gz"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&bytes[..bytes.len() - 100]).unwrap();
    pipe.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!sandbox.exists("kept.csv.gz"));
}

#[test]
fn damaged_data_end_with_3_and_no_output() {
    let (sandbox, batch) = with_batch(2_000);
    sandbox.write("kept.csv", "before");
    let mut checksum = zstandard(&batch);
    *checksum.last_mut().unwrap() ^= 0x40;
    let mut flipped = gzip(&batch);
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (bytes, words) in [
        (checksum, "checksum"),
        (flipped, "damaged at byte"),
        ([&gzip(&batch)[..], b"p3@example.com\n"].concat(), "behind the end"),
        ([&zstandard(&batch)[..], b"p3@example.com\n"].concat(), "damaged at byte"),
        (gzip(&gzip(&batch)), "inside a gzip file"),
        (gzip(b"\xff\xfee\0m\0a\0i\0l\0\n\0"), "utf-16"),
        (gzip(b"e\0m\0a\0i\0l\0\n\0a\0@\0b\0.\0c\0\n\0"), "utf-16"),
        (b"\0e\0m\0a\0i\0l\0\n".to_vec(), "utf-16"),
        (b"PK\x03\x04 and so on".to_vec(), "zip"),
        (b"\xfd7zXZ\0\0".to_vec(), "xz"),
    ] {
        let run = sandbox.quell_reading(["filter", "-o", "kept.csv"], &bytes);
        run.expect(3).says(words);
        leaves_nothing(&sandbox, words);
    }
}

#[test]
fn a_failed_run_never_ends_compressed_data_as_if_they_were_whole() {
    let (sandbox, mut batch) = with_batch(200_000);
    batch.extend_from_slice(b"7,\"open\r\n");
    let fifo = sandbox.path("kept.csv.gz");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let read = std::thread::spawn(move || std::fs::read(fifo).unwrap());
    let run = sandbox.quell_reading(["filter", "-o", "kept.csv.gz"], &batch);
    run.expect(3).says("unclosed quote");
    let bytes = read.join().unwrap();
    assert!(flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn a_suppress_file_may_be_compressed() {
    let sandbox = Sandbox::without_store();
    let list = b"email\tlist\nann@example.com\tnews\n";
    sandbox.write("s.tsv.gz", gzip(list));
    sandbox.write("s.zst", zstandard(b"bob@example.com\n"));
    let batch = b"email\nann@example.com\nbob@example.com\ncid@example.com\n";
    let filter = ["filter", "--suppress", "s.tsv.gz", "--suppress", "s.zst", "--list", "news"];
    let run = sandbox.quell_reading(filter, batch).expect(0);
    assert_eq!(run.text(), "email\ncid@example.com\n");
    let bytes = gzip(list);
    sandbox.write("s.tsv.gz", &bytes[..bytes.len() - 1]);
    sandbox.quell_reading(filter, batch).expect(3).says("too early");
}

#[test]
fn a_format_is_read_from_the_name_below_the_compression() {
    let (sandbox, _) = with_batch(4);
    sandbox.write("in.TSV.gz", gzip(b"id\temail\n1\tp3@example.com\n2\tx@example.com\n"));
    let run = sandbox.quell(["filter", "in.TSV.gz"]).expect(0);
    assert_eq!(run.text(), "id\temail\n2\tx@example.com\n");
}

#[test]
fn a_header_without_commas_tells_its_delimiter() {
    let (sandbox, _) = with_batch(4);
    for delimiter in [";", "\t", "|"] {
        let with = |text: &str| text.replace(';', delimiter);
        let batch = with("id;E-Mail\r\n1;p3@example.com\r\n\"2;a\";x@example.com\r\n");
        let run =
            sandbox.quell_reading(["filter", "-v", "--suppressed", "held.csv"], batch.as_bytes());
        let run = run.expect(0).says("the delimiter is");
        assert_eq!(run.text(), with("id;E-Mail\r\n\"2;a\";x@example.com\r\n"));
        let held = with(
            "id;E-Mail;quell_reason;quell_reasons\r\n1;p3@example.com;unsubscribed;unsubscribed\r\n",
        );
        assert_eq!(sandbox.read_text("held.csv"), held);
        // What is said goes before what is seen.
        sandbox.quell_reading(["filter", "--delimiter", ","], batch.as_bytes()).expect(2);
    }
    // One column, or a file without a header: nothing is guessed.
    let batch = "email\nx@example.com;y@example.com\nx@example.com\n";
    let run = sandbox.quell_reading(["filter", "-v"], batch.as_bytes()).expect(0);
    assert!(!run.stderr.contains("delimiter"), "{}", run.stderr);
    let run =
        sandbox.quell_reading(["filter", "--no-header", "-v"], b"1;p3@example.com\n").expect(0);
    assert!(!run.stderr.contains("delimiter"), "{}", run.stderr);
}

#[test]
fn excels_first_line_is_obeyed_and_kept() {
    let (sandbox, _) = with_batch(4);
    for start in ["sep=;\r\n", "\u{feff}sep=;\r\n"] {
        let batch = format!("{start}email;n\r\np3@example.com;1\r\nx@example.com;\"a;b\"\r\n");
        let filter = ["filter", "--suppressed", "held.csv"];
        let run = sandbox.quell_reading(filter, batch.as_bytes()).expect(0);
        assert_eq!(run.text(), format!("{start}email;n\r\nx@example.com;\"a;b\"\r\n"));
        let held = format!(
            "{start}email;n;quell_reason;quell_reasons\r\np3@example.com;1;unsubscribed;unsubscribed\r\n"
        );
        assert_eq!(sandbox.read_text("held.csv"), held);
        let headless = format!("{start}p3@example.com;1\r\nx@example.com;2\r\n");
        let filter = ["filter", "--no-header", "--email-column", "1"];
        let run = sandbox.quell_reading(filter, headless.as_bytes()).expect(0);
        assert_eq!(run.text(), format!("{start}x@example.com;2\r\n"));
    }
    let only = b"sep=;\r\n";
    assert_eq!(sandbox.quell_reading(["filter"], only).expect(0).stdout, only);
}
