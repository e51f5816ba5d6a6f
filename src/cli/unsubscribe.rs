//! `quell unsubscribe`: one address, everywhere or for one list.

use super::args::Unsubscribe as Arguments;
use super::terminal::print_line;
use super::{Context, clock, exit, input};
use crate::address::{KeyBuffer, redact};
use crate::error::Result;
use crate::ledger::Ledger;
use crate::record::{Unsubscribe, UnsubscribeState};
use crate::store::{Changed, Store};

/// Runs the command: durable, and in every later answer, when it returns.
///
/// # Errors
///
/// Usage for a text that is no address; as the store says otherwise.
pub fn run(context: &Context, arguments: &Arguments) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let mut buffer = KeyBuffer::default();
    let key = input::key(store.policy(), &arguments.address, &mut buffer)?;
    let now = clock::now();
    let record = Unsubscribe {
        address: arguments.address.trim().to_owned(),
        list: arguments.list.as_deref().map(input::list).transpose()?,
        state: UnsubscribeState::Active,
        class: input::word(&arguments.class)?,
        at: Some(now),
        source: arguments.source.clone(),
    };
    let applied = store.ledger_to_change()?.unsubscribe(key.as_bytes(), &record, now, None)?;
    let late = store.follow(Changed::One, applied.generation, now)?;
    context.terminal.warn_late(late.as_ref());
    let is_erased = store.ledger().view()?.erased_since(key.as_bytes())?.is_some();
    let what = match applied.changed {
        _ if is_erased => "is erased and suppressed; kept that it is unsubscribed:",
        true => "unsubscribed",
        false => "was unsubscribed already:",
    };
    let scope = record.list.map_or_else(|| "everywhere".to_owned(), |list| format!("list {list}"));
    print_line(&format!(
        "{what} {}, {scope}, generation {}",
        redact(&arguments.address),
        applied.generation
    ))?;
    Ok(exit::DONE)
}
