//! Recipients as a Parquet file: in its place, through a pipe, whole or not at all.

use crate::sandbox::Sandbox;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

const ROWS: i64 = 1_000;

pub(crate) fn batch() -> Vec<u8> {
    let emails = (0..ROWS).map(|row| (row % 50 != 7).then(|| format!("P{row}@Example.com")));
    let lists = (0..ROWS).map(|row| Some(if row % 2 == 0 { "news;offers" } else { "offers" }));
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..ROWS))),
        ("Email", Arc::new(StringArray::from_iter(emails))),
        ("lists", Arc::new(StringArray::from_iter(lists))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), Some(properties)).unwrap();
    for from in (0..1_000).step_by(300) {
        writer.write(&batch.slice(from, 300.min(1_000 - from))).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    out
}

/// A store that suppresses every tenth address, and opts every hundredth out of `news`.
fn store() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut out = String::from("email,list\n");
    for row in 0..ROWS {
        match row {
            row if row % 10 == 3 => writeln!(out, "p{row}@example.com,").unwrap(),
            row if row % 100 == 4 => writeln!(out, "p{row}@example.com,news").unwrap(),
            _ => {}
        }
    }
    sandbox.write("out.csv", out);
    sandbox.quell(["import", "unsubscribes", "out.csv"]).expect(0);
    sandbox.write("batch.parquet", batch());
    sandbox
}

/// The ids in a file, and another column's texts.
fn read(bytes: Vec<u8>, column: &str) -> Vec<(i64, String)> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let mut rows = Vec::new();
    for batch in reader.build().unwrap().map(Result::unwrap) {
        let ids = batch.column_by_name("id").unwrap().as_any();
        let texts = batch.column_by_name(column).unwrap().as_any();
        let texts = texts.downcast_ref::<StringArray>().unwrap();
        let ids = ids.downcast_ref::<Int64Array>().unwrap().values();
        rows.extend(
            ids.iter().copied().zip(texts.iter().map(|text| text.unwrap_or("").to_owned())),
        );
    }
    rows
}

fn ids(bytes: Vec<u8>) -> Vec<i64> {
    read(bytes, "Email").into_iter().map(|(id, _)| id).collect()
}

fn expected(lists: bool) -> Vec<i64> {
    let withheld = |row: i64| row % 50 == 7 || row % 10 == 3 || lists && row % 100 == 4;
    (0..ROWS).filter(|row| !withheld(*row)).collect()
}

#[test]
fn rows_are_kept_however_the_file_comes() {
    let sandbox = store();
    let bytes = sandbox.read("batch.parquet");
    sandbox.quell(["filter", "batch.parquet", "-o", "kept.parquet", "--threads", "3"]).expect(0);
    let kept = sandbox.read("kept.parquet");
    assert_eq!(ids(kept.clone()), expected(false));
    let piped = sandbox.quell_reading(["filter"], &bytes).expect(0);
    assert!(piped.stdout == kept, "standard input is seen to be Parquet");
    let named = sandbox.quell_reading(["filter", "--format", "parquet"], &bytes).expect(0);
    assert!(named.stdout == kept);
    sandbox.write("batch.bin", &bytes);
    assert!(sandbox.quell(["filter", "batch.bin", "--threads", "1"]).expect(0).stdout == kept);
    let lists = ["filter", "batch.parquet", "--list-column", "lists", "--email-column", "2"];
    assert_eq!(ids(sandbox.quell(lists).expect(0).stdout), expected(true));
    // In its own place, as with `sort -o`.
    sandbox.quell(["filter", "batch.parquet", "-o", "batch.parquet"]).expect(0);
    assert_eq!(ids(sandbox.read("batch.parquet")), expected(false));
}

#[test]
fn the_report_and_the_withheld_rows_tell_the_same() {
    let sandbox = store();
    let files = ["-o", "kept.parquet", "--suppressed", "withheld.parquet", "--report", "r.json"];
    let run = sandbox.quell([&["filter", "batch.parquet", "--list", "news"], &files[..]].concat());
    run.expect(0).says("read 1000, kept 870, withheld 130");
    let report = sandbox.read_json("r.json");
    for (key, name) in
        [("input", "batch.parquet"), ("output", "kept.parquet"), ("suppressed", "withheld.parquet")]
    {
        let bytes = sandbox.read(name);
        let mut digest = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(digest, "{byte:02x}").unwrap();
        }
        assert_eq!(report[key]["sha256"], digest, "{key}");
        assert_eq!(report[key]["bytes"], bytes.len(), "{key}");
    }
    let counts = serde_json::json!({"invalid_address": 20, "unsubscribed": 100, "opted_out": 10});
    assert_eq!(report["by_reason"], counts);
    let withheld = sandbox.read("withheld.parquet");
    let reasons = read(withheld.clone(), "quell_reason");
    assert_eq!(reasons.len(), 130);
    assert_eq!(reasons[..2], [(3, "unsubscribed".to_owned()), (4, "opted_out".to_owned())]);
    assert_eq!(read(withheld, "quell_reasons")[1], (4, "opted_out:news".to_owned()));
}

#[test]
fn what_is_damaged_or_asked_for_wrongly_leaves_no_file() {
    let sandbox = store();
    let bytes = sandbox.read("batch.parquet");
    let mut torn = bytes.clone();
    let middle = bytes.len() / 3;
    torn[middle..middle + 64].fill(0xa5);
    for (what, damaged) in [
        ("cut", &bytes[..bytes.len() - 5]),
        ("footer", &bytes[..bytes.len() / 2]),
        ("torn", &torn),
        ("none", b"email\nx@example.com\n"),
        ("empty", b""),
    ] {
        sandbox.write("bad.parquet", damaged);
        let run =
            sandbox.quell(["filter", "bad.parquet", "-o", "kept", "--suppressed", "withheld"]);
        let run = run.expect(3).says("not a Parquet file that can be read");
        assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
        assert!(!sandbox.exists("kept") && !sandbox.exists("withheld"), "{what}");
    }
    for (arguments, words) in [
        (&["batch.parquet", "--no-header"][..], "says nothing of Parquet"),
        (&["batch.parquet", "--delimiter", ";"], "says nothing of Parquet"),
        (&["batch.parquet", "--email-column", "mail"], "the columns are `id`, `Email`, `lists`"),
        (&["batch.parquet", "--email-column", "id"], "does not hold texts"),
    ] {
        sandbox.quell([&["filter"], arguments].concat()).expect(2).says(words);
    }
}
