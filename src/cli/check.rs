//! `quell check`: may these addresses be mailed?

mod as_of;

use super::args::Check;
use super::as_of::AsOf;
use super::terminal::{print, print_json};
use super::{Context, clock, exit, input};
use crate::address::{InvalidAddress, KeyBuffer};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, View};
use crate::record::{Cause, Contact, KeyState, Query, ReasonSet};
use crate::storage::Access;
use crate::store::{Reader, Store};
use serde_json::{Value, json};

/// What is said of one address.
struct Answer<'a> {
    address: &'a str,
    key: Result<String, InvalidAddress>,
    causes: Vec<Cause>,
}

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
        print(|out| answers.iter().try_for_each(|answer| answer.tell(out)))?;
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

fn answer<'a>(
    reader: &Reader<'_>,
    address: &'a str,
    contact: Option<&str>,
    query: &Query<'_>,
) -> Result<Answer<'a>> {
    let mut buffer = KeyBuffer::default();
    let key = match reader.policy().key(address.as_bytes(), &mut buffer) {
        Ok(key) => key,
        Err(fault) => {
            let mut state = KeyState::default();
            add_contact(reader, contact, &mut state)?;
            let outside = reader.outside_of_cell(address.as_bytes())?;
            return Ok(Answer {
                address,
                key: Err(fault),
                causes: state.causes_with(&outside, query),
            });
        }
    };
    let mut state = reader.view().state_of(key.as_bytes())?;
    add_contact(reader, contact, &mut state)?;
    let outside = reader.outside(address.as_bytes(), key)?;
    let causes = state.causes_with(&outside, query);
    // The index answers; the ledger only says why. When the two differ, neither is to be believed.
    let told: ReasonSet = causes.iter().map(|cause| cause.reason).collect();
    if reader.reasons(address.as_bytes(), key, contact, query) != told {
        return Err(Error::untrusted(format!(
            "index and ledger disagree about {}",
            crate::address::redact(address)
        ))
        .with_hint("run `quell verify`, then `quell compile --full`"));
    }
    Ok(Answer { address, key: Ok(key.as_str().to_owned()), causes })
}

/// Lets the contact asked about count, whatever its own address is.
fn add_contact(reader: &Reader<'_>, contact: Option<&str>, state: &mut KeyState) -> Result<()> {
    if let Some(id) = contact
        && let Some(contact) = reader.view().contact_flags(id)?
    {
        count_contact(state, contact);
    }
    Ok(())
}

/// Adds a contact to a state, unless it is one of it.
fn count_contact(state: &mut KeyState, contact: Contact) {
    let is_it = |known: &Contact| !known.former && known.contact_id == contact.contact_id;
    if !state.contacts.iter().any(is_it) {
        state.contacts.push(contact);
    }
}

impl Answer<'_> {
    fn verdict(&self) -> &'static str {
        match (&self.key, self.causes.is_empty()) {
            (Err(_), _) => "invalid",
            (Ok(_), true) => "clear",
            (Ok(_), false) => "suppressed",
        }
    }

    fn to_json(&self, generation: u64) -> Value {
        let invalid = json!({
            "reason": crate::record::Reason::InvalidAddress.as_str(),
            "scope": "global",
            "class": "all",
            "since": null,
            "source": null,
        });
        let mut reasons: Vec<Value> = self.causes.iter().map(cause_json).collect();
        if self.key.is_err() {
            reasons.insert(0, invalid);
        }
        json!({
            "address": self.address,
            "key": self.key.as_deref().ok(),
            "verdict": self.verdict(),
            "reasons": reasons,
            "generation": generation,
        })
    }

    fn tell(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut why: Vec<String> =
            self.key.as_ref().err().map(ToString::to_string).into_iter().collect();
        why.extend(self.causes.iter().map(cause_words));
        let why = if why.is_empty() { String::new() } else { format!("  {}", why.join("; ")) };
        writeln!(out, "{}  {}{why}", self.address, self.verdict())
    }
}

/// A cause as contract §6 has it.
pub(super) fn cause_json(cause: &Cause) -> Value {
    json!({
        "reason": cause.reason.as_str(),
        "scope": cause.scope.to_string(),
        "class": cause.class.as_str(),
        "since": cause.since.map(|since| since.to_string()),
        "source": cause.source,
    })
}

fn cause_words(cause: &Cause) -> String {
    let since = cause.since.map_or_else(String::new, |since| format!(", since {since}"));
    let source =
        cause.source.as_ref().map_or_else(String::new, |source| format!(", source {source}"));
    format!("{} ({}{since}{source})", cause.reason, cause.scope)
}
