//! `quell check`: may these addresses be mailed?

mod as_of;

use super::args::Check;
use super::as_of::AsOf;
use super::terminal::{print, print_json};
use super::{Context, clock, exit, input};
use crate::action::check::{Answer, answer};
use crate::error::Result;
use crate::ledger::{Ledger, View};
use crate::record::{Cause, Query};
use crate::storage::Access;
use crate::store::Store;
use serde_json::Value;

/// Runs the command: exit code 0 only when every address is clear.
///
/// # Errors
///
/// As the store says; an index that disagrees with the ledger is an error, not an answer. For a time that is
/// over, a time of which nothing is known.
pub fn run(context: &Context, arguments: &Check) -> Result<u8> {
    let lists = input::lists(&arguments.lists)?;
    let query = Query { now: clock::now(), class: input::word(&arguments.class)?, lists: &lists };
    let contact = arguments.contact.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let store = Store::open(&context.store)?;
    let addresses = arguments.addresses.iter();
    let (answers, generation): (Vec<Answer<'_>>, u64) = match &arguments.as_of {
        None => {
            let reader = store.reader(Access::Map, query.now)?;
            warn_of_unknown(context, reader.view(), &lists)?;
            let answers = addresses.map(|address| answer(&reader, address, contact, &query));
            (answers.collect::<Result<_>>()?, reader.snapshot().generation())
        }
        Some(time) => {
            let view = store.ledger().view()?;
            let then = AsOf::of(time, &store, &*view)?;
            warn_of_unknown(context, &*view, &lists)?;
            let query = Query { now: then.at, ..query };
            let past = as_of::Past { view: &*view, policy: store.policy(), then };
            let answers = addresses.map(|address| past.answer(address, contact, &query));
            (answers.collect::<Result<_>>()?, then.generation)
        }
    };
    if arguments.json {
        let answers: Vec<Value> = answers.iter().map(|answer| answer.to_json(generation)).collect();
        print_json(&answers)?;
    } else {
        print(|out| answers.iter().try_for_each(|answer| tell(answer, out)))?;
    }
    let clear = answers.iter().all(|answer| answer.verdict() == "clear");
    Ok(if clear { exit::DONE } else { exit::SUPPRESSED })
}

fn warn_of_unknown(context: &Context, view: &dyn View, lists: &[String]) -> Result<()> {
    for list in lists {
        if !view.knows_list(list)? {
            context.terminal.warn(&format!("list `{list}` has no records in this store"));
        }
    }
    Ok(())
}

fn tell(answer: &Answer<'_>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut why: Vec<String> =
        answer.key.as_ref().err().map(ToString::to_string).into_iter().collect();
    why.extend(answer.causes.iter().map(cause_words));
    let why = if why.is_empty() { String::new() } else { format!("  {}", why.join("; ")) };
    writeln!(out, "{}  {}{why}", answer.address, answer.verdict())
}

fn cause_words(cause: &Cause) -> String {
    let since = cause.since.map_or_else(String::new, |since| format!(", since {since}"));
    let source =
        cause.source.as_ref().map_or_else(String::new, |source| format!(", source {source}"));
    format!("{} ({}{since}{source})", cause.reason, cause.scope)
}
