//! `quell search`: records by address.

use super::args::Search;
use super::terminal::{print, print_json};
use super::{Context, clock, exit};
use crate::action::describe::describe;
use crate::action::records::{Found, named_json, search};
use crate::error::Result;
use crate::storage::Access;
use crate::store::Store;

/// Runs the command.
///
/// # Errors
///
/// As the store says.
pub fn run(context: &Context, arguments: &Search) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let reader = store.reader(Access::Map, clock::now())?;
    let Found { addresses, outside } = search(&reader, &arguments.pattern)?;
    // Behind the addresses: what covers them without being recorded of any.
    let found = || addresses.iter().chain(&outside);
    if arguments.json {
        print_json(&found().map(named_json).collect::<Vec<_>>())?;
    } else {
        print(|out| {
            for (key, records) in found() {
                for record in records {
                    writeln!(out, "{key}  {}", describe(&record.record))?;
                }
            }
            Ok(())
        })?;
    }
    let addresses = addresses.len();
    let outside = match outside.len() {
        0 => String::new(),
        more => format!(", and {more} domain rules or digests that cover what was asked for"),
    };
    context.terminal.note(&format!("{addresses} addresses with records{outside}"));
    if let Some(at) = reader.erased_since(&arguments.pattern)? {
        context.terminal.note(&format!("it was erased at {at} and stays suppressed"));
    }
    Ok(exit::DONE)
}
