//! `quell export`: records, in the columns `import` reads.

use super::args::Export;
use super::terminal::print;
use super::{Context, clock, exit, input};
use crate::delimited::Dialect;
use crate::error::{Error, Result};
use crate::filter::Digest;
use crate::ledger::{Ledger, Record, StoredRecord, View};
use crate::record::{Blocks, Class, DigestValue, Kind, Timestamp};
use crate::store::Store;
use std::io::{self, Write};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
    /// One SHA-256 of a blocked address a line, under the header `digest`.
    Sha256,
}

/// Runs the command.
///
/// # Errors
///
/// Usage for an unknown kind or format; as the store says otherwise.
pub fn run(context: &Context, arguments: &Export) -> Result<u8> {
    let kind: Option<Kind> = arguments.kind.as_deref().map(input::word).transpose()?;
    let format = format(arguments, kind)?;
    let now = clock::now();
    let store = Store::open(&context.store)?;
    let view = store.ledger().view()?;
    let kinds = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
    let mut failed = None;
    print(|out| {
        let written = match (format, kind) {
            (Format::Sha256, None) => write_all_hashed(&*view, now, out),
            _ => write(&*view, &kinds, format, now, out),
        };
        match written {
            Ok(()) => Ok(()),
            Err(Stop::Io(error)) => Err(error),
            Err(Stop::Ledger(error)) => {
                failed = Some(error);
                Ok(())
            }
        }
    })?;
    failed.map_or(Ok(exit::DONE), Err)
}

/// Why an export ended early.
enum Stop {
    Io(io::Error),
    Ledger(Error),
}

fn format(arguments: &Export, kind: Option<Kind>) -> Result<Format> {
    if let (Some(_), Some(format)) = (&arguments.hashed, &arguments.format) {
        return Err(Error::usage(format!("--hashed has a form of its own, not {format}"))
            .with_hint("leave out --format: it is one digest a line"));
    }
    match arguments.hashed.as_deref() {
        Some("sha256") => return Ok(Format::Sha256),
        Some(other) => {
            return Err(Error::usage(format!("unknown digest `{other}`"))
                .with_hint("--hashed takes sha256"));
        }
        None => {}
    }
    match (arguments.format.as_deref(), kind) {
        (Some("csv") | None, Some(_)) => Ok(Format::Csv),
        (Some("ndjson"), _) | (None, None) => Ok(Format::Ndjson),
        (Some("csv"), None) => Err(Error::usage("a CSV holds one kind of record")
            .with_hint("name it: `quell export unsubscribes --format csv`")),
        (Some(other), _) => {
            Err(Error::usage(format!("unknown format `{other}`")).with_hint("csv or ndjson"))
        }
    }
}

/// Writes the digest of every address that something withholds, once, whatever the kind of record.
fn write_all_hashed(view: &dyn View, now: Timestamp, out: &mut dyn Write) -> Result<(), Stop> {
    out.write_all(b"digest\n").map_err(Stop::Io)?;
    let mut io_error = None;
    let scanned = view.for_each_key(&mut |entries| {
        let blocks = entries.address.at(now);
        let withheld = [Class::Bulk, Class::Transactional]
            .iter()
            .any(|class| !blocks.reasons(*class).is_empty());
        if !withheld && !blocks.contains(Blocks::HAS_LISTS) {
            return Ok(());
        }
        writeln!(out, "{}", Digest::of(entries.key)).map_err(|error| {
            io_error = Some(error);
            Error::untrusted("the export was not written whole")
        })
    });
    match io_error {
        Some(error) => Err(Stop::Io(error)),
        None => scanned.map_err(Stop::Ledger),
    }
}

fn write(
    view: &dyn View,
    kinds: &[Kind],
    format: Format,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    if format == Format::Sha256 {
        out.write_all(b"digest\n").map_err(Stop::Io)?;
    }
    for kind in kinds {
        if format == Format::Csv {
            writeln!(out, "{}", header(*kind)).map_err(Stop::Io)?;
        }
        let mut io_error = None;
        let mut last_key = Vec::new();
        let exported = view.export(*kind, &mut |key, record| {
            let written = match format {
                Format::Csv => write_csv(record, out),
                Format::Ndjson => writeln!(out, "{}", record.record.to_json()),
                Format::Sha256 if blocks(record, now) && last_key != key => {
                    last_key = key.to_vec();
                    writeln!(out, "{}", Digest::of(key))
                }
                Format::Sha256 => Ok(()),
            };
            written.map_err(|error| {
                io_error = Some(error);
                Error::untrusted("the export was not written whole")
            })
        });
        match (io_error, exported) {
            (Some(error), _) => return Err(Stop::Io(error)),
            (None, exported) => exported.map_err(Stop::Ledger)?,
        }
    }
    Ok(())
}

/// Says whether a record withholds anything at `now`: only such addresses belong on a hashed list.
fn blocks(record: &StoredRecord, now: Timestamp) -> bool {
    match &record.record {
        Record::Contact(contact) => contact.blocks() != Blocks::NONE,
        Record::Preference(preference) => preference.choice == crate::record::Choice::Out,
        Record::Unsubscribe(_) => true,
        Record::Suppression(record) => record.expires_at.is_none_or(|at| now < at),
        Record::Domain(_) | Record::Digest(_) => false,
    }
}

fn header(kind: Kind) -> &'static str {
    match kind {
        Kind::Contacts => "contact_id,email,bulk_email,email_allowed,at,quell_former",
        Kind::Unsubscribes => "email,list,state,class,at,source",
        Kind::Preferences => "email,list,preference,at,source",
        Kind::Suppressions => "email,reason,class,at,expires_at,source",
        Kind::Domains => "domain,subdomains,at,source",
        Kind::Digests => "digest,algorithm,list,class,source",
    }
}

fn write_csv(record: &StoredRecord, out: &mut dyn Write) -> io::Result<()> {
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells: Vec<String> = match &record.record {
        Record::Contact(contact) => vec![
            contact.contact_id.clone(),
            contact.address.clone(),
            contact.bulk_email.as_str().to_owned(),
            contact.email_allowed.as_str().to_owned(),
            time(contact.at),
            (if contact.former { "true" } else { "" }).to_owned(),
        ],
        Record::Unsubscribe(record) => vec![
            record.address.clone(),
            text(&record.list),
            record.state.as_str().to_owned(),
            record.class.as_str().to_owned(),
            time(record.at),
            text(&record.source),
        ],
        Record::Preference(record) => vec![
            record.address.clone(),
            record.list.clone(),
            record.choice.as_str().to_owned(),
            time(record.at),
            text(&record.source),
        ],
        Record::Suppression(record) => vec![
            record.address.clone(),
            record.reason.as_str().to_owned(),
            record.class.as_str().to_owned(),
            time(record.at),
            time(record.expires_at),
            text(&record.source),
        ],
        Record::Domain(rule) => vec![
            rule.domain.clone(),
            rule.subdomains.to_string(),
            time(rule.at),
            text(&rule.source),
        ],
        Record::Digest(record) => vec![
            DigestValue::from_bytes(&record.digest)
                .map_or_else(String::new, |digest| digest.to_string()),
            record.algorithm.to_string(),
            text(&record.list),
            record.class.as_str().to_owned(),
            text(&record.source),
        ],
    };
    let mut line = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            line.push(Dialect::CSV.delimiter());
        }
        Dialect::CSV.write_cell(cell.as_bytes(), &mut line);
    }
    line.push(b'\n');
    out.write_all(&line)
}
