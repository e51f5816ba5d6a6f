//! A text, looked at from its first byte to its last.

use crate::cli::args::Inspect;
use crate::delimited::{ChunkBuffer, Chunks, Dialect, Header, Limits, WantedCells};
use crate::error::{Error, Result};
use crate::filter::Columns;
use crate::import::detect::{Seen, detect};
use crate::record::Algorithm;
use crate::source::{Column, Encoding, START_BYTES, Sniffed, Start, sniff, text};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// What is looked at, and how.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// The name in messages: the file's, with the archive's member.
    pub(super) name: &'a str,
    /// The file's name as given.
    pub(super) file: &'a str,
    /// The name a vendor gave it: the file's, or the member's.
    pub(super) own_name: &'a str,
    pub(super) arguments: &'a Inspect,
}

/// What a file, or an archive's member, holds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Content {
    /// Its name in the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) member: Option<String>,
    /// `csv`, `ndjson`, `json`, `parquet`, `empty` or `other`.
    pub(super) format: &'static str,
    /// What it is, if it is nothing that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'static str>,
    /// `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`; nothing for Parquet.
    pub(super) encoding: Option<&'static str>,
    #[serde(skip)]
    pub(super) encoding_in_words: String,
    pub(super) byte_order_mark: bool,
    pub(super) line_ends: Option<&'static str>,
    pub(super) delimiter: Option<char>,
    /// Whether a first line `sep=` names the delimiter.
    pub(super) separator_line: bool,
    pub(super) quoted: bool,
    pub(super) header: Option<bool>,
    /// How many rows there are, the header left out.
    pub(super) rows: Option<u64>,
    /// How many of them the columns were judged by.
    pub(super) rows_looked_at: usize,
    pub(super) columns: Vec<ColumnSeen>,
    /// The number of the column that most likely holds the address, from 1.
    pub(super) address_column: Option<usize>,
    pub(super) sample: Vec<Vec<String>>,
    /// The imports that know such a file.
    pub(super) imports: Vec<Candidate>,
    /// What to do with it next.
    pub(super) commands: Vec<String>,
}

/// A column, and what it holds.
#[derive(Debug, Serialize)]
pub(super) struct ColumnSeen {
    number: usize,
    pub(super) name: String,
    /// The type in the file, where a file has types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Of the rows looked at, the share that holds an address here, from 0 to 1.
    pub(super) address_share: f64,
    /// The algorithm of the digests it holds.
    pub(super) digest: Option<&'static str>,
}

/// An import that knows such a file.
#[derive(Debug, Serialize)]
pub(super) struct Candidate {
    /// `native`, or the vendor's format.
    pub(super) format: &'static str,
    /// What its records are.
    pub(super) kind: &'static str,
    /// By what it was recognised.
    pub(super) why: &'static str,
}

/// Looks at a text.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for bytes that can't be decoded, and for a text that can't be
/// split, with its line.
pub(super) fn of_text(input: impl Read, look: &Look<'_>) -> Result<Content> {
    let failed = |error| Error::reading(Path::new(look.name), error);
    let input = text(input, look.name, look.arguments.encoding)?;
    let encoding = input.encoding();
    let input = Start::read(input, START_BYTES).map_err(failed)?;
    let start = input.first_bytes().to_vec();
    let mut content = Content {
        encoding: Some(encoding.as_str()),
        encoding_in_words: encoding.to_string(),
        byte_order_mark: encoding == Encoding::Utf8Mark,
        ..Content::default()
    };
    if start.is_empty() {
        content.format = "empty";
        return Ok(content);
    }
    // ---- The vendors' formats are asked here, and nowhere else. ----
    let seen = Seen::of_start(&start, input.is_whole(), look.own_name);
    content.imports = candidates(&seen);
    if seen.is_json() {
        json(&mut content, &seen, input, look)?;
    } else {
        let sniffed = sniff(&start, input.is_whole());
        content.table(&sniffed, &start, look);
        content.rows = Some(count_rows(input, &sniffed, look)?);
    }
    content.commands = commands(&content, encoding, &start, look);
    Ok(content)
}

fn candidates(seen: &Seen) -> Vec<Candidate> {
    let told = |candidate: &crate::import::detect::Candidate| Candidate {
        format: candidate.form.name(),
        kind: candidate.form.kind().as_str(),
        why: candidate.why,
    };
    detect(seen).iter().map(told).collect()
}

impl Content {
    fn table(&mut self, sniffed: &Sniffed, start: &[u8], look: &Look<'_>) {
        self.format = "csv";
        self.line_ends = Some(sniffed.line_ends.as_str());
        self.delimiter = Some(char::from(sniffed.dialect.delimiter()));
        self.separator_line = sniffed.separator_line;
        self.quoted = sniffed.quoted;
        self.header = Some(sniffed.has_header);
        self.sample = sniffed.sample(start, look.arguments.sample);
        self.take_columns(&sniffed.columns, sniffed.rows);
    }

    /// Takes over what was seen of the columns in so many rows.
    pub(super) fn take_columns(&mut self, columns: &[Column], rows: usize) {
        self.rows_looked_at = rows;
        self.address_column = Column::address_among(columns).map(|at| at + 1);
        self.columns = columns
            .iter()
            .enumerate()
            .map(|(at, column)| ColumnSeen {
                number: at + 1,
                name: column.name.clone(),
                kind: None,
                address_share: share(column.addresses, rows),
                digest: column
                    .digest_bytes
                    .filter(|_| column.holds_digests())
                    .and_then(Algorithm::of_bytes)
                    .map(Algorithm::as_str),
            })
            .collect();
    }
}

/// To three places, which is what a person reads.
fn share(part: usize, whole: usize) -> f64 {
    let thousandths = (part * 1000).checked_div(whole).unwrap_or(0);
    f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) / 1000.0
}

/// Counts the rows of a delimited text to its end.
fn count_rows(input: impl Read, sniffed: &Sniffed, look: &Look<'_>) -> Result<u64> {
    let failed = |error| Error::reading(Path::new(look.name), error);
    let limits = Limits::default();
    let mut chunks = Chunks::new(input, sniffed.dialect, limits);
    let (mut buffer, mut nothing) = (ChunkBuffer::default(), WantedCells::new([]));
    let (mut rows, mut lines) = (0_u64, 0_u64);
    let mut from = sniffed.from;
    while chunks.next_chunk(&mut buffer).map_err(failed)? {
        buffer.from = std::mem::take(&mut from).max(buffer.from).min(buffer.bytes().len());
        let mut records = buffer.records(sniffed.dialect, limits);
        loop {
            match records.next_record(&mut nothing) {
                Ok(Some(_)) => rows += 1,
                Ok(None) => break,
                Err(fault) => {
                    let line = lines + line_feeds(&buffer.bytes()[..fault.at]) + 1;
                    let message = format!("`{}`: line {line}: {}", look.name, fault.kind);
                    return Err(Error::input(message)
                        .with_hint("is it CSV? What stands before that line can be split"));
                }
            }
        }
        lines += line_feeds(buffer.bytes());
    }
    Ok(rows.saturating_sub(u64::from(sniffed.has_header)))
}

fn line_feeds(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// JSON: the members of the first objects stand for columns.
fn json(content: &mut Content, seen: &Seen, input: impl Read, look: &Look<'_>) -> Result<()> {
    let failed = |error| Error::reading(Path::new(look.name), error);
    content.header = None;
    let mut columns: Vec<Column> = seen.names().iter().map(|name| Column::named(name)).collect();
    let mut input = BufReader::new(input);
    if !seen.is_json_lines() {
        content.format = "json";
        for row in seen.rows() {
            columns.iter_mut().zip(row).for_each(|(column, cell)| column.see(cell.as_bytes()));
        }
        content.sample = seen.rows().iter().take(look.arguments.sample).cloned().collect();
        content.take_columns(&columns, seen.rows().len());
        io::copy(&mut input, &mut io::sink()).map_err(failed)?;
        return Ok(());
    }
    content.format = "ndjson";
    let (mut rows, mut looked_at, mut line) = (0_u64, 0, Vec::new());
    let limit = Limits::default().record_bytes_max as u64;
    for number in 1_u64.. {
        line.clear();
        let count = (&mut input).take(limit + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if count == 0 {
            break;
        }
        if line.len() as u64 > limit {
            let message = format!("`{}`: line {number} is over {limit} bytes", look.name);
            return Err(Error::input(message).with_hint("NDJSON has one object a line"));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        rows += 1;
        if looked_at < 1000 {
            looked_at += 1;
            let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(&line) else {
                let message = format!("`{}`: line {number} is not a JSON object", look.name);
                return Err(Error::input(message).with_hint("NDJSON has one object a line"));
            };
            see_object(content, &mut columns, &object, look.arguments.sample);
        }
    }
    content.rows = Some(rows);
    content.take_columns(&columns, looked_at);
    Ok(())
}

fn see_object(
    content: &mut Content,
    columns: &mut Vec<Column>,
    object: &serde_json::Map<String, Value>,
    sample: usize,
) {
    for name in object.keys() {
        if !columns.iter().any(|column| column.name == name.trim()) {
            columns.push(Column::named(name));
        }
    }
    let cell = |column: &Column| match object.iter().find(|(name, _)| name.trim() == column.name) {
        Some((_, Value::String(text))) => text.clone(),
        None | Some((_, Value::Null)) => String::new(),
        Some((_, other)) => other.to_string(),
    };
    let cells: Vec<String> = columns.iter().map(cell).collect();
    columns.iter_mut().zip(&cells).for_each(|(column, cell)| column.see(cell.as_bytes()));
    if content.sample.len() < sample {
        content.sample.push(cells);
    }
}

/// What to do with the file next: the imports that know it, and the filter if it has addresses.
fn commands(content: &Content, encoding: Encoding, start: &[u8], look: &Look<'_>) -> Vec<String> {
    let file = quoted(look.file);
    let chosen = match look.arguments.encoding {
        Some(_) => format!(" --encoding {}", encoding.choice()),
        None => String::new(),
    };
    let mut commands: Vec<String> = content
        .imports
        .iter()
        .map(|candidate| match candidate.format {
            "native" => format!("quell import {}{chosen} {file}", candidate.kind),
            vendor => format!("quell import --format {vendor}{chosen} {file}"),
        })
        .collect();
    commands.dedup();
    if content.member.is_none() && look.name == look.file {
        commands.extend(filter_command(content, encoding, start, &file));
    }
    commands
}

fn filter_command(
    content: &Content,
    encoding: Encoding,
    start: &[u8],
    file: &str,
) -> Option<String> {
    let at = content.address_column?;
    let column = content.columns.get(at - 1)?;
    let mut options = String::new();
    let delimiter = content.delimiter.and_then(|c| Dialect::new(u8::try_from(c).ok()?));
    match (content.format, delimiter) {
        ("csv", Some(dialect)) if content.header == Some(true) => {
            let from = crate::source::separator_line(start).map_or(0, |(_, length)| length);
            let header = Header::read(start, from, dialect, Limits::default()).ok()??;
            if Columns::address_of(&header) != Some(at - 1) {
                options = format!(" --email-column {}", quoted(&column.name));
            }
        }
        ("csv", _) => options = format!(" --no-header --email-column {at}"),
        (format, _) => {
            options = format!(" --format {format} --email-column {}", quoted(&column.name))
        }
    }
    match encoding {
        Encoding::Utf16Le | Encoding::Utf16Be => {
            Some(format!("iconv -f UTF-16 -t UTF-8 {file} | quell filter{options} -o kept.csv"))
        }
        _ => Some(format!("quell filter {file}{options} -o {}", kept_name(content))),
    }
}

fn kept_name(content: &Content) -> String {
    format!("kept.{}", content.format)
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
