//! `quell link-key`: what links are sealed with.

use super::args::{LinkKey as Arguments, ListLinkKeys, RetireLinkKey};
use super::terminal::{print, print_json, print_line};
use super::{Context, clock, exit};
use crate::error::{Error, Result};
use crate::store::{LinkKey, LinkKeyId, Store};
use serde_json::{Value, json};

/// Runs the command.
///
/// # Errors
///
/// Usage for a key that is not there; refused for the one that seals; as the store says otherwise.
pub fn run(context: &Context, command: &Arguments) -> Result<u8> {
    match command {
        Arguments::List(arguments) => list(context, arguments),
        Arguments::Rotate => rotate(context),
        Arguments::Retire(arguments) => retire(context, arguments),
    }
}

fn list(context: &Context, arguments: &ListLinkKeys) -> Result<u8> {
    Store::require(&context.store)?;
    let keys = Store::link_keys_of(&context.store)?.map(|(keys, _)| keys);
    let newest = keys.as_ref().and_then(|keys| keys.newest()).map(LinkKey::id);
    let all = keys.as_ref().map(|keys| keys.all()).unwrap_or_default();
    let state = |key: &LinkKey| match key.is_retired {
        true => "retired",
        false if newest == Some(key.id()) => "seals",
        false => "opens",
    };
    if arguments.json {
        let keys: Vec<Value> = all
            .iter()
            .map(|key| {
                json!({
                    "id": key.id().to_string(),
                    "state": state(key),
                    "created_at": key.created_at.to_string(),
                })
            })
            .collect();
        print_json(&keys)?;
    } else {
        print(|out| {
            all.iter().try_for_each(|key| {
                writeln!(out, "{}  {}  created {}", key.id(), state(key), key.created_at)
            })
        })?;
    }
    Ok(exit::DONE)
}

fn rotate(context: &Context) -> Result<u8> {
    let keys = Store::rotate_link_key(&context.store, clock::now())?;
    if let Some(key) = keys.newest() {
        print_line(&key.id().to_string())?;
    }
    context.terminal.note("it seals new links; links of the keys before it go on working");
    context
        .terminal
        .note("copy link.keys to the backup: a lost key is links that nobody can opt out by");
    Ok(exit::DONE)
}

fn retire(context: &Context, arguments: &RetireLinkKey) -> Result<u8> {
    let id = LinkKeyId::parse(arguments.id.trim()).ok_or_else(|| {
        Error::usage("a link key's id has eight hexadecimal digits")
            .with_hint("`quell link-key list` shows those there are")
    })?;
    let what = if Store::retire_link_key(&context.store, id)? {
        "retired"
    } else {
        "was retired already:"
    };
    context.terminal.note(&format!("{what} link key {id}"));
    Ok(exit::DONE)
}
