//! `quell export`: records, in the columns `import` reads.

use super::args::Export;
use super::hashed::{self, Form};
use super::terminal::print;
use super::{Context, clock, exit, input};
use crate::action::export::{header, write_row};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, View};
use crate::record::{Algorithm, Kind};
use crate::store::Store;
use std::io::{self, Write};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

/// Runs the command.
///
/// # Errors
///
/// Usage for an unknown kind or format; as the store says otherwise.
pub fn run(context: &Context, arguments: &Export) -> Result<u8> {
    let kind: Option<Kind> = arguments.kind.as_deref().map(input::word).transpose()?;
    let hashed: Option<Algorithm> = arguments.hashed.as_deref().map(input::word).transpose()?;
    if let Some(algorithm) = hashed {
        return run_hashed(context, arguments, kind, algorithm);
    }
    let format = format(arguments, kind)?;
    let store = Store::open(&context.store)?;
    let view = store.ledger().view()?;
    let kinds = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
    let mut failed = None;
    print(|out| match write(&*view, &kinds, format, out) {
        Ok(()) => Ok(()),
        Err(Stop::Io(error)) => Err(error),
        Err(Stop::Ledger(error)) => {
            failed = Some(error);
            Ok(())
        }
    })?;
    note_erased(context, &*view)?;
    failed.map_or(Ok(exit::DONE), Err)
}

fn run_hashed(
    context: &Context,
    arguments: &Export,
    kind: Option<Kind>,
    algorithm: Algorithm,
) -> Result<u8> {
    if let Some(kind) = kind.filter(|kind| !Kind::OF_ADDRESSES.contains(kind)) {
        return Err(Error::usage(format!(
            "{kind} are of no address, so there is nothing to digest"
        ))
        .with_hint(format!("`quell export {kind}` writes them as they are")));
    }
    let form = match arguments.format.as_deref() {
        None => Form::Alone,
        Some("csv") => Form::Csv,
        Some(other) => {
            return Err(Error::usage(format!("--hashed can't be written as {other}"))
                .with_hint("leave out --format for one digest a line, or say csv"));
        }
    };
    let store = Store::open(&context.store)?;
    let view = store.ledger().view()?;
    let kinds = kind.map_or_else(|| Kind::OF_ADDRESSES.to_vec(), |kind| vec![kind]);
    hashed::run(context, &*view, &kinds, (algorithm, form), clock::now())?;
    note_erased(context, &*view)?;
    Ok(exit::DONE)
}

/// Says how many addresses no export can hold.
fn note_erased(context: &Context, view: &dyn View) -> Result<()> {
    match view.erased_count()? {
        0 => {}
        erased => context.terminal.note(&format!(
            "{erased} erased addresses are suppressed and in no export: nobody knows them any more"
        )),
    }
    Ok(())
}

/// Why an export ended early.
enum Stop {
    Io(io::Error),
    Ledger(Error),
}

fn format(arguments: &Export, kind: Option<Kind>) -> Result<Format> {
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

fn write(view: &dyn View, kinds: &[Kind], format: Format, out: &mut dyn Write) -> Result<(), Stop> {
    for kind in kinds {
        if format == Format::Csv {
            writeln!(out, "{}", header(*kind)).map_err(Stop::Io)?;
        }
        let mut io_error = None;
        let exported = view.export(*kind, &mut |_, record| {
            let written = match format {
                Format::Csv => write_row(record, out),
                Format::Ndjson => writeln!(out, "{}", record.record.to_json()),
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
