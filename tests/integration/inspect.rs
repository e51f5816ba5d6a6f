//! `quell inspect`: what it says of files, and that what it says to do works.

use crate::compressed::{gzip, zstandard};
use crate::sandbox::{Sandbox, zipped};
use serde_json::{Value, json};

fn inspect(sandbox: &Sandbox, name: &str) -> Value {
    sandbox.quell(["inspect", name, "--json"]).expect(0).json()
}

fn utf16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_plain_batch_is_described_with_its_columns() {
    let sandbox = Sandbox::without_store();
    let text =
        "\u{feff}id;Kontakt;note\r\n1;ann@example.com;\"a;b\"\r\n2;bob@example.com;\r\n3;;x\r\n";
    sandbox.write("in.csv", text);
    let seen = inspect(&sandbox, "in.csv");
    assert_eq!(seen["path"], "in.csv");
    assert_eq!(seen["bytes"], text.len());
    assert_eq!(seen["compression"], "none");
    let content = &seen["contents"][0];
    for (what, want) in [
        ("format", json!("csv")),
        ("encoding", json!("utf-8")),
        ("byte_order_mark", json!(true)),
        ("line_ends", json!("crlf")),
        ("delimiter", json!(";")),
        ("quoted", json!(true)),
        ("header", json!(true)),
        ("rows", json!(3)),
        ("rows_looked_at", json!(3)),
        ("address_column", json!(2)),
    ] {
        assert_eq!(content[what], want, "{what}");
    }
    assert_eq!(content["columns"][1]["name"], "Kontakt");
    assert_eq!(content["columns"][1]["address_share"], 0.666);
    assert_eq!(content["sample"][0], json!(["1", "ann@example.com", "a;b"]));
    let command = "quell filter in.csv --email-column Kontakt -o kept.csv";
    assert_eq!(content["commands"].as_array().unwrap().last().unwrap(), command);
    let text = sandbox.quell(["inspect", "in.csv", "--sample", "1"]).expect(0).text();
    for words in
        ["UTF-8 with a byte-order mark", "crlf", "`;`", "ann@example.com", "66.6 % of 3", command]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("bob@example.com"), "{text}");
}

#[test]
fn the_command_at_the_end_works() {
    let sandbox = Sandbox::new();
    sandbox.write("it's.csv.gz", gzip(b"sep=;\nThe Mail;n\nann@example.com;1\n"));
    sandbox.write("list.csv", "first;mail\nAnn;ann@example.com\n");
    sandbox.write("raw.csv", "7,ann@example.com\n");
    for name in ["it's.csv.gz", "list.csv", "raw.csv"] {
        let seen = inspect(&sandbox, name);
        let commands = seen["contents"][0]["commands"].as_array().unwrap();
        let command = commands.last().unwrap().as_str().unwrap();
        assert!(command.starts_with("quell filter"), "{command}");
        let binary = format!("{} {}", crate::sandbox::QUELL, command.trim_start_matches("quell "));
        let ran = std::process::Command::new("sh")
            .args(["-c", &binary])
            .current_dir(sandbox.path(""))
            .env("QUELL_STORE", sandbox.path("store"))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
        assert!(sandbox.read_text("kept.csv").contains("ann@example.com"), "{command}");
    }
}

#[test]
fn compression_encoding_and_rows_hold_for_the_whole_file() {
    let sandbox = Sandbox::without_store();
    let mut text = String::from("email,name\n");
    for row in 0..20_000 {
        text.push_str(&format!("p{row}@example.com,\"Zoë\n{row}\"\n"));
    }
    sandbox.write("a.gz", gzip(text.as_bytes()));
    sandbox.write("a.zst", zstandard(text.as_bytes()));
    sandbox.write("a.csv", utf16(&text));
    for (name, compression, encoding) in
        [("a.gz", "gzip", "utf-8"), ("a.zst", "zstd", "utf-8"), ("a.csv", "none", "utf-16le")]
    {
        let seen = inspect(&sandbox, name);
        assert_eq!(seen["compression"], compression);
        assert_eq!(seen["contents"][0]["encoding"], encoding);
        assert_eq!(seen["contents"][0]["rows"], 20_000, "{name}");
        assert_eq!(seen["contents"][0]["address_column"], 1);
    }
    let run = sandbox.quell_reading(["inspect", "-", "--json"], &gzip(text.as_bytes())).expect(0);
    assert_eq!(run.json()["bytes"], Value::Null);
    assert_eq!(run.json()["contents"][0]["rows"], 20_000);
}

#[test]
fn what_cannot_be_decoded_ends_with_3_and_its_place() {
    let sandbox = Sandbox::without_store();
    let text = "email\nann@example.com\n".repeat(9_000);
    let gz = gzip(text.as_bytes());
    sandbox.write("cut.gz", &gz[..gz.len() - 3]);
    sandbox.quell(["inspect", "cut.gz"]).expect(3).says(&format!("at byte {} ", gz.len() - 3));
    let mut late = text.repeat(6).into_bytes();
    let at = late.len();
    late.extend_from_slice(b"\xe9\n");
    sandbox.write("late.csv", &late);
    sandbox.quell(["inspect", "late.csv"]).expect(3).says(&format!("byte {at} is not UTF-8"));
    sandbox.quell(["inspect", "late.csv", "--encoding", "latin-1"]).expect(0);
    sandbox.quell(["inspect", "late.csv", "--encoding", "klingon"]).expect(2);
    sandbox.write("odd.csv", b"\xff\xfea\0\xd8");
    sandbox.quell(["inspect", "odd.csv"]).expect(3).says("byte 4 is not UTF-16");
    sandbox.write("open.csv", "email\nann@example.com\n\"open\n");
    sandbox.quell(["inspect", "open.csv"]).expect(3).says("line 3: unclosed quote");
    sandbox.write("book.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...");
    sandbox.quell(["inspect", "book.xls"]).expect(3).says("excel");
    sandbox.quell(["inspect", "nowhere.csv"]).expect(3);
    sandbox.quell(["inspect", "."]).expect(3);
}

#[test]
fn an_archive_is_described_file_by_file_and_nothing_is_extracted() {
    let sandbox = Sandbox::without_store();
    let zip = zipped(&[
        ("../evil.csv", b"email,name\nann@example.com,x\n"),
        ("hashes.txt", b"55502f40dc8b7c769880b10874abc9d0\n"),
        ("guide.pdf", b"%PDF-1.7"),
    ]);
    sandbox.write("export.zip", &zip);
    let seen = inspect(&sandbox, "export.zip");
    assert_eq!(seen["compression"], "zip");
    assert_eq!(seen["contents"][0]["member"], "../evil.csv");
    assert_eq!(seen["contents"][0]["rows"], 1);
    assert_eq!(seen["contents"][1]["header"], false);
    assert_eq!(seen["contents"][1]["columns"][0]["digest"], "md5");
    assert_eq!(seen["contents"][2]["note"], "a PDF");
    assert!(!sandbox.exists("../evil.csv") && !sandbox.exists("hashes.txt"));
    let run = sandbox.quell_reading(["inspect", "-", "--json"], &zip).expect(0);
    let piped = run.json();
    for (of_pipe, of_file) in [0, 1, 2].map(|at| (&piped["contents"][at], &seen["contents"][at])) {
        // The commands name the input, which differs.
        for field in ["member", "rows", "columns", "sample", "note", "imports"] {
            assert_eq!(of_pipe[field], of_file[field], "{field}");
        }
    }
    sandbox.write("cut.zip", &zip[..zip.len() - 4]);
    sandbox.quell(["inspect", "cut.zip"]).expect(3).says("truncated");
}

#[test]
fn json_lines_and_documents_are_told_apart() {
    let sandbox = Sandbox::without_store();
    sandbox.write(
        "a.ndjson",
        "{\"id\":1,\"to\":\"ann@example.com\"}\n\n{\"to\":\"bob@example.com\",\"n\":null}\n",
    );
    let seen = inspect(&sandbox, "a.ndjson");
    let content = &seen["contents"][0];
    assert_eq!(content["format"], "ndjson");
    assert_eq!(content["rows"], 2);
    assert_eq!(content["address_column"], 2);
    assert_eq!(content["sample"][0], json!(["1", "ann@example.com"]));
    sandbox.write("b.ndjson", "{\"to\":\"ann@example.com\"}\n{\"to\":\n");
    sandbox.quell(["inspect", "b.ndjson"]).expect(3).says("line 2");
    sandbox.write("c.json", "[{\"email\":\"ann@example.com\"}]\n");
    assert_eq!(inspect(&sandbox, "c.json")["contents"][0]["format"], "json");
}

#[test]
fn a_vendors_file_is_recognised_and_named() {
    let sandbox = Sandbox::without_store();
    let text =
        "status,reason,email,created\n5.1.1,\"550 no, such\nuser\",ann@example.com,1790083507\n";
    sandbox.write("suppression_bounces.csv.gz", gzip(text.as_bytes()));
    let seen = inspect(&sandbox, "suppression_bounces.csv.gz");
    let imports = seen["contents"][0]["imports"].as_array().unwrap();
    assert!(imports.iter().any(|import| import["format"] == "sendgrid-bounces"), "{imports:?}");
    sandbox.write("u.csv", "email,list\nann@example.com,news\n");
    let seen = inspect(&sandbox, "u.csv");
    assert_eq!(seen["contents"][0]["commands"][0], "quell import unsubscribes u.csv");
}

#[test]
fn nothing_of_a_file_reaches_the_terminal_as_a_command() {
    let sandbox = Sandbox::without_store();
    sandbox.write("in.csv", "email,\x1b[31mred\nann@example.com,\x1b]0;title\x07\n");
    let text = sandbox.quell(["inspect", "in.csv"]).expect(0).text();
    assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
    sandbox.write("empty.csv", "");
    assert_eq!(inspect(&sandbox, "empty.csv")["contents"][0]["format"], "empty");
}

/// A Parquet file of two columns, `id` and `who`.
fn parquet(addresses: &[&str]) -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::sync::Arc;
    let schema = "message batch { required int64 id; required binary who (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut out = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut out, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let ids: Vec<i64> = (1..).take(addresses.len()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
    column.close().unwrap();
    let texts: Vec<ByteArray> = addresses.iter().map(|text| ByteArray::from(*text)).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    out
}

#[test]
fn a_parquet_file_is_described_by_its_footer_and_first_rows() {
    let sandbox = Sandbox::without_store();
    let bytes = parquet(&["ann@example.com", "bob@example.com"]);
    sandbox.write("in.bin", &bytes);
    let seen = inspect(&sandbox, "in.bin");
    let content = &seen["contents"][0];
    assert_eq!(content["format"], "parquet");
    assert_eq!(content["encoding"], Value::Null);
    assert_eq!(content["rows"], 2);
    assert_eq!(content["columns"][0]["name"], "id");
    assert_eq!(content["columns"][0]["type"], "INT64");
    assert_eq!(content["columns"][1]["type"], "UTF8");
    assert_eq!(content["address_column"], 2);
    assert_eq!(content["sample"][1], json!(["2", "bob@example.com"]));
    let run = sandbox.quell_reading(["inspect", "-", "--json"], &bytes).expect(0);
    assert_eq!(run.json()["contents"][0]["columns"], content["columns"]);
    for length in [4, bytes.len() / 2, bytes.len() - 1] {
        sandbox.write("in.bin", &bytes[..length]);
        sandbox.quell(["inspect", "in.bin"]).expect(3).says("parquet");
    }
}
