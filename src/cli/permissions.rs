//! `quell permissions export`: every permission that was ever kept, for an audit.

use super::args::ExportPermissions;
use super::terminal::print;
use super::{Context, exit};
use crate::delimited::Dialect;
use crate::error::{Error, Result};
use crate::ledger::chain::hex;
use crate::ledger::{Ledger, Permitted};
use crate::store::Store;
use std::io::Write;

/// Runs the command.
///
/// # Errors
///
/// Usage for an unknown format; as the store says otherwise.
pub fn export(context: &Context, arguments: &ExportPermissions) -> Result<u8> {
    let is_csv = match arguments.format.as_str() {
        "csv" => true,
        "ndjson" => false,
        other => {
            let message = format!("unknown format `{other}`");
            return Err(Error::usage(message).with_hint("csv or ndjson"));
        }
    };
    let store = Store::open(&context.store)?;
    let view = store.ledger().view()?;
    let mut failed = None;
    print(|out| {
        if is_csv {
            write_line(&Permitted::COLUMNS.map(str::to_owned), out)?;
        }
        let mut stopped = None;
        let read = view.for_each_permission(&mut |permitted| {
            let written = if is_csv {
                write_line(&cells(permitted), out)
            } else {
                writeln!(out, "{}", permitted.to_json())
            };
            written.map_err(|error| {
                stopped = Some(error);
                Error::untrusted("the permissions were not written whole")
            })
        });
        if let Some(error) = stopped {
            return Err(error);
        }
        failed = read.err();
        Ok(())
    })?;
    failed.map_or(Ok(exit::DONE), Err)
}

/// A row, in the order of [`Permitted::COLUMNS`]; lists and reasons joined by `;`.
fn cells(permitted: &Permitted) -> [String; Permitted::COLUMNS.len()] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        permitted.at.to_string(),
        permitted.generation.to_string(),
        permitted.event.as_str().to_owned(),
        text(&permitted.address),
        text(&permitted.channel),
        text(&permitted.evidence),
        text(&permitted.by),
        permitted.lists.join(";"),
        permitted.global.map_or_else(String::new, |global| global.to_string()),
        permitted.include.join(";"),
        permitted.deleted.to_string(),
        permitted.changed.to_string(),
        hex(&permitted.link),
    ]
}

fn write_line(cells: &[String], out: &mut dyn Write) -> std::io::Result<()> {
    let mut line = Vec::new();
    Dialect::CSV.write_record(cells, &mut line);
    out.write_all(&line)
}
