//! `quell unsubscribe`: one address, everywhere or for one list.

use super::args::Unsubscribe as Arguments;
use super::terminal::print_line;
use super::{Context, clock, exit, input};
use crate::action::unsubscribe::{Request, unsubscribe};
use crate::address::redact;
use crate::error::Result;
use crate::store::{Changed, Store};

/// Runs the command: durable, and in every later answer, when it returns.
///
/// # Errors
///
/// Usage for a text that is no address; as the store says otherwise.
pub fn run(context: &Context, arguments: &Arguments) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let now = clock::now();
    let request = Request {
        address: &arguments.address,
        list: arguments.list.as_deref(),
        class: input::word(&arguments.class)?,
        source: arguments.source.as_deref(),
        by: None,
    };
    let done = unsubscribe(&store, request, now, |generation| {
        let late = store.follow(Changed::One, generation, now)?;
        context.terminal.warn_late(late.as_ref());
        Ok(())
    })?;
    let what = match done.changed {
        _ if done.is_erased => "is erased and suppressed; kept that it is unsubscribed:",
        true => "unsubscribed",
        false => "was unsubscribed already:",
    };
    let scope = done.list.map_or_else(|| "everywhere".to_owned(), |list| format!("list {list}"));
    print_line(&format!(
        "{what} {}, {scope}, generation {}",
        redact(&arguments.address),
        done.generation
    ))?;
    Ok(exit::DONE)
}
