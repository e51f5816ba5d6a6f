//! `quell history`: everything that ever happened to an address.

use super::args::History;
use super::as_of::AsOf;
use super::terminal::{print, print_json};
use super::{Context, exit, input};
use crate::address::KeyBuffer;
use crate::error::{Error, Result};
use crate::ledger::{HistoryEntry, Ledger, View};
use crate::record::DigestValue;
use crate::record::domain_rule::domain_in_keys;
use crate::store::Store;
use serde_json::{Value, json};

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
    let mut entries = entries(&store, &*view, arguments.address.trim())?;
    if let Some(then) = then {
        entries.retain(|entry| then.covers(entry));
    }
    if arguments.json {
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| {
                json!({
                    "at": entry.at.to_string(),
                    "generation": entry.generation,
                    "event": entry.kind.as_str(),
                    "detail": entry.detail,
                })
            })
            .collect();
        print_json(&entries)?;
    } else {
        print(|out| entries.iter().try_for_each(|entry| tell(entry, out)))?;
    }
    if entries.is_empty() {
        let by_then = if then.is_some() { " by then" } else { "" };
        context.terminal.note(&format!("nothing is recorded of this{by_then}"));
    }
    Ok(exit::DONE)
}

/// The history of an address, of the rule of a domain (`@example.com`), or of a digest.
fn entries(store: &Store, view: &dyn View, about: &str) -> Result<Vec<HistoryEntry>> {
    if about.starts_with('@') {
        let domain = domain_in_keys(about, store.policy());
        let domain = domain.map_err(|fault| Error::usage(format!("`{about}`: {fault}")))?;
        return view.history_of_rule(domain.as_bytes());
    }
    if let Ok(digest) = DigestValue::parse(about, None) {
        return view.history_of_digest(&digest);
    }
    let mut buffer = KeyBuffer::default();
    view.history(input::key(store.policy(), about, &mut buffer)?.as_bytes())
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
