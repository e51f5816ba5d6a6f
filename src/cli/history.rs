//! `quell history`: everything that ever happened to an address.

use super::args::History;
use super::as_of::AsOf;
use super::terminal::{print, print_json};
use super::{Context, exit};
use crate::action::history::history;
use crate::error::Result;
use crate::ledger::{HistoryEntry, Ledger};
use crate::store::Store;
use serde_json::Value;

/// Runs the command.
///
/// # Errors
///
/// Usage for a text that is no address or no time; untrusted for a time of which nothing is known; as the store
/// says otherwise.
pub fn run(context: &Context, arguments: &History) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let view = store.ledger().view()?;
    let then = arguments.as_of.as_deref().map(|time| AsOf::of(time, &store, &*view)).transpose()?;
    let mut entries = history(&*view, store.policy(), arguments.address.trim())?;
    if let Some(then) = then {
        entries.retain(|entry| then.covers(entry));
    }
    if arguments.json {
        print_json(&entries.iter().map(HistoryEntry::to_json).collect::<Vec<_>>())?;
    } else {
        print(|out| entries.iter().try_for_each(|entry| tell(entry, out)))?;
    }
    if entries.is_empty() {
        let by_then = if then.is_some() { " by then" } else { "" };
        context.terminal.note(&format!("nothing is recorded of this{by_then}"));
    }
    Ok(exit::DONE)
}

fn tell(entry: &HistoryEntry, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    writeln!(out, "{}  generation {}  {}", entry.at, entry.generation, entry.kind.as_str())?;
    let Some(detail) = entry.detail.as_object() else { return Ok(()) };
    for (name, value) in detail {
        let several = value.as_array().map(Vec::as_slice);
        for value in several.unwrap_or(std::slice::from_ref(value)) {
            if !value.is_null() {
                writeln!(out, "    {name}: {}", words(value))?;
            }
        }
    }
    Ok(())
}

/// A JSON value as a person reads it: `a b, c d` for an object.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            let parts: Vec<String> = known
                .map(|(name, value)| match (value.get("from"), value.get("to")) {
                    (Some(from), Some(to)) if from == to => format!("{name} {}", words(to)),
                    (Some(from), Some(to)) => format!("{name} {} → {}", words(from), words(to)),
                    _ => format!("{name} {}", words(value)),
                })
                .collect();
            parts.join(", ")
        }
        other => other.to_string(),
    }
}
