//! `quell search`: records by address.

use super::args::Search;
use super::terminal::{print, print_json};
use super::{Context, clock, exit};
use crate::action::describe::describe;
use crate::error::Result;
use crate::storage::Access;
use crate::store::Store;
use serde_json::{Value, json};

/// Runs the command.
///
/// # Errors
///
/// As the store says.
pub fn run(context: &Context, arguments: &Search) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let reader = store.reader(Access::Map, clock::now())?;
    let keys = reader.search(&arguments.pattern)?;
    let mut found = Vec::new();
    for key in keys {
        let records = reader.view().records_of(&key)?;
        found.push((String::from_utf8_lossy(&key).into_owned(), records));
    }
    let addresses = found.len();
    // Behind the addresses: what covers them without being recorded of any.
    found.extend(reader.search_outside(&arguments.pattern)?);
    if arguments.json {
        let found: Vec<Value> = found
            .iter()
            .map(|(key, records)| {
                let records: Vec<Value> =
                    records.iter().map(crate::ledger::StoredRecord::to_json).collect();
                json!({"key": key, "records": records})
            })
            .collect();
        print_json(&found)?;
    } else {
        print(|out| {
            for (key, records) in &found {
                for record in records {
                    writeln!(out, "{key}  {}", describe(&record.record))?;
                }
            }
            Ok(())
        })?;
    }
    let outside = match found.len() - addresses {
        0 => String::new(),
        more => format!(", and {more} domain rules or digests that cover what was asked for"),
    };
    context.terminal.note(&format!("{addresses} addresses with records{outside}"));
    if let Some(at) = reader.erased_since(&arguments.pattern)? {
        context.terminal.note(&format!("it was erased at {at} and stays suppressed"));
    }
    Ok(exit::DONE)
}
