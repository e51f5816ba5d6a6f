//! Writes what the fuzz targets begin with into `fuzz/corpus`: made of `data/`, of the vendors' files in `tests/`, and of some
//! files written here. `cargo run -p quell-soak --example seeds`, from the root; then `make seeds` takes out those that
//! reach nothing new.

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterVersion};
use quell::certificate::{Certificate, Chain, Choices, FileStatement, SigningKey, Statement};
use quell::import::detect::{Form, Seen, detect};
use quell_soak::dice::Dice;
use quell_soak::targets::{SEED, number_of};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Longer texts slow the fuzzer down: it makes no input longer than the longest seed.
const BYTES_MAX: usize = 1 << 10;

#[derive(Default)]
struct Seeds(BTreeMap<(&'static str, String), Vec<u8>>);

impl Seeds {
    fn add(&mut self, target: &'static str, name: &str, parts: &[&[u8]]) {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name: String = name.chars().map(plain).collect();
        self.0.insert((target, name), parts.concat());
    }
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn start(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(BYTES_MAX)]
}

/// Something like the rest of a row, so that there are 64 bytes from where a cell begins.
const BEHIND: &[u8] = b",Ann,\"Smith, A\",DE,17.50\nann@example.com,@,x@y.test,1\n";

/// What a cell of the golden table stands for; its head says how it is written.
fn unescaped(cell: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = cell;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let (kind, tail) = rest.split_at(1);
        let braced = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
        let hex = |text: &str| u32::from_str_radix(text, 16).unwrap_or(0);
        rest = match (kind, braced) {
            ("u", Some((digits, tail))) => {
                let letter = char::from_u32(hex(digits)).unwrap_or_default();
                out.extend_from_slice(letter.to_string().as_bytes());
                tail
            }
            ("x", Some((digits, tail))) => {
                out.push(hex(digits) as u8);
                tail
            }
            ("*", Some((what, tail))) => {
                let (text, count) = what.rsplit_once('*').unwrap_or((what, "1"));
                out.extend(text.repeat(count.parse().unwrap_or(1)).bytes().take(BYTES_MAX));
                tail
            }
            (letter, _) => {
                out.push(match letter {
                    "t" => b'\t',
                    "n" => b'\n',
                    "r" => b'\r',
                    _ => b'\\',
                });
                tail
            }
        };
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn texts(seeds: &mut Seeds) -> Result<()> {
    let golden = fs::read_to_string("data/golden/normalize.tsv")?;
    for (number, line) in golden.lines().enumerate() {
        if line.starts_with('#') || line.starts_with("= ") {
            continue;
        }
        let cell = unescaped(line.split('\t').next().unwrap_or_default());
        let length = u8::try_from(cell.len()).unwrap_or(255);
        let policy = (number % 16) as u8;
        seeds.add("address", &format!("golden-{number}"), &[&[length, policy], &cell, BEHIND]);
    }
    for (number, path) in files_below(Path::new("data"))?.iter().enumerate() {
        let bytes = fs::read(path)?;
        let chunk = 63 + (number % 100) as u8;
        seeds.add("delimited", &name_of(path), &[&[chunk], start(&bytes)]);
    }
    let lines = [
        "{\"email\":\"ann@example.com\"}\r\n\n{\"email\":[\"cat@example.com\",\"b\\u006fb@example.com\"],\"x\":[1,{\"email\":\"\"}]}",
        "\u{feff} { \"\\u0065mail\" : \"\\ud83d\\ude00@example.com\" , \"email\" : null }\n{\"x\":1e3,\"email\":{}}\n{}\n",
    ];
    for (number, text) in lines.iter().enumerate() {
        seeds.add("ndjson", &format!("lines-{number}"), &[&[31], text.as_bytes()]);
    }
    seeds.add("ndjson", "recipients", &[&[255], start(&fs::read("data/recipients.ndjson")?)]);
    Ok(())
}

fn imports(seeds: &mut Seeds) -> Result<()> {
    let paths =
        [files_below(Path::new("data"))?, files_below(Path::new("tests/vendors"))?].concat();
    for path in paths {
        let (bytes, name) = (fs::read(&path)?, name_of(&path));
        let names =
            ["list", "unsubscribed", "bounces", "json", "cleaned", ".tsv", "optizmo", "Contacts"];
        let choice = names.iter().position(|word| name.contains(word)).unwrap_or(0) as u8;
        seeds.add("source", &name, &[start(&bytes)]);
        for candidate in detect(&Seen::of_start(&bytes, true, &name)) {
            let number = number_of(candidate.form);
            let form = match candidate.form {
                Form::Native(kind) => kind.as_str(),
                Form::Vendor(format) => format.name,
            };
            seeds.add("import", &format!("{form}-{name}"), &[&[number, choice], start(&bytes)]);
            seeds.add("detect", &name, &[&[choice], start(&bytes)]);
        }
    }
    Ok(())
}

fn packed(seeds: &mut Seeds) -> Result<()> {
    let text = b"email,list\nann@example.com,news\nb\xc3\xbcb@example.com,\n".repeat(4);
    for (name, compression) in
        [("gzip", quell::source::Compression::Gzip), ("zstd", quell::source::Compression::Zstd)]
    {
        let mut packer = quell::source::Packer::new(Vec::new(), compression)?;
        packer.write_all(&text)?;
        seeds.add("source", name, &[&packer.finish()?]);
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.csv", "folder/b.csv"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())?;
        zip.write_all(&text)?;
    }
    seeds.add("source", "zip", &[&zip.finish()?.into_inner()]);
    let wide = |to: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let text = "\u{feff}email\r\nzoë@example.com\r\n";
        text.encode_utf16().flat_map(to).collect()
    };
    seeds.add("source", "utf-16le", &[&wide(u16::to_le_bytes)]);
    seeds.add("source", "utf-16be", &[&wide(u16::to_be_bytes)]);
    seeds.add("source", "windows-1252", &[b"email\nzo\xeb@example.com\n"]);
    Ok(())
}

fn columns(seeds: &mut Seeds) -> Result<()> {
    let emails: Vec<Option<String>> = (0..12)
        .map(|row| match row % 6 {
            0 => None,
            1 => Some("nobody".to_owned()),
            _ => Some(format!("A{row}@Example.com")),
        })
        .collect();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..12));
    let plain: ArrayRef = Arc::new(StringArray::from(emails.clone()));
    let mut list = ListBuilder::new(StringBuilder::new());
    for email in &emails {
        list.values().append_option(email.clone());
        list.append(true);
    }
    let list: ArrayRef = Arc::new(list.finish());
    let inner = Arc::new(Field::new("email", DataType::Utf8, true));
    let inner: ArrayRef = Arc::new(StructArray::from(vec![(inner, Arc::clone(&plain))]));
    let shapes =
        [("plain", "email", plain, 0), ("list", "email", list, 0), ("struct", "contact", inner, 3)];
    let kinds = [
        ("plain", Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0),
        ("snappy", Compression::SNAPPY, WriterVersion::PARQUET_2_0),
        ("zstd", Compression::ZSTD(Default::default()), WriterVersion::PARQUET_1_0),
    ];
    for (shape, name, column, choice) in shapes {
        let fields = vec![
            Field::new("id", DataType::Int64, false),
            Field::new(name, column.data_type().clone(), true),
        ];
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&ids), column])?;
        for (kind, compression, version) in kinds {
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_writer_version(version)
                .set_max_row_group_row_count(Some(8))
                .build();
            let mut writer =
                ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
            writer.write(&batch)?;
            let bytes = writer.into_inner()?;
            seeds.add("parquet", &format!("{shape}-{kind}"), &[&[choice], &bytes]);
        }
    }
    Ok(())
}

/// A certificate whole, up to its signature, and without most of what it may leave out.
fn certificates(seeds: &mut Seeds) -> Result<()> {
    let file =
        |path: &str| FileStatement { path: path.to_owned(), bytes: 12, sha256: "00".repeat(32) };
    let choices = Choices {
        format: "csv".to_owned(),
        delimiter: Some(",".to_owned()),
        header: Some(true),
        email_columns: vec!["email".to_owned()],
        contact_column: None,
        list_column: Some("l\"ists".to_owned()),
        invalid: "withhold".to_owned(),
        dedupe: false,
    };
    let mut statement = Statement {
        made_at: "2026-01-01T00:00:00Z".to_owned(),
        ledger_id: "0".repeat(32),
        policy: "exact".to_owned(),
        generation: 7,
        cursor: 9,
        chain: Some(Chain::new(3, &[7; 32])),
        as_of: "2026-01-01T00:00:00Z".to_owned(),
        class: "bulk".to_owned(),
        lists: vec!["news".to_owned(), "é".to_owned()],
        options: choices,
        read: 5,
        kept: 2,
        withheld: 3,
        by_reason: [("manual".to_owned(), 1), ("unsubscribed".to_owned(), 2)].into(),
        input: file("in.csv"),
        output: file("-"),
        suppressed: Some(file("gone.csv")),
    };
    let key = SigningKey::from_seed(&SEED);
    for name in ["full", "small"] {
        let text = Certificate::sign(&statement, &key).map_err(|mismatch| mismatch.to_string())?;
        let end =
            text.windows(13).position(|part| part == b"  \"signature\"").unwrap_or(text.len());
        seeds.add("certificate", name, &[&[0], &text]);
        seeds.add("certificate", &format!("{name}-unsigned"), &[&[1], &text[..end]]);
        (statement.chain, statement.suppressed) = (None, None);
        statement.lists.clear();
    }
    Ok(())
}

/// Choices for the targets that make their input of them.
fn choices(seeds: &mut Seeds) {
    for (target, count, length) in [("segment", 12, 40), ("manifest", 12, 40), ("program", 8, 300)]
    {
        for number in 0..count {
            let mut dice = Dice::of_part(number, length);
            let bytes: Vec<u8> = (0..length).map(|_| dice.below(256) as u8).collect();
            seeds.add(target, &format!("choices-{number}"), &[&bytes]);
        }
    }
}

fn main() -> Result<()> {
    let mut seeds = Seeds::default();
    texts(&mut seeds)?;
    imports(&mut seeds)?;
    packed(&mut seeds)?;
    columns(&mut seeds)?;
    certificates(&mut seeds)?;
    choices(&mut seeds);
    for ((target, name), bytes) in &seeds.0 {
        let directory = Path::new("fuzz/corpus").join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(name), bytes)?;
    }
    println!("{} seeds in fuzz/corpus", seeds.0.len());
    Ok(())
}
