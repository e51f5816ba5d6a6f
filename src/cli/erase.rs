//! `quell erase`: the text of a person goes, the suppression stays.

use super::args::Erase;
use super::terminal::print_line;
use super::{Context, clock, exit, input};
use crate::address::{KeyBuffer, redact};
use crate::error::{Error, Result};
use crate::ledger::EraseRequest;
use crate::store::Store;

/// Runs the command.
///
/// # Errors
///
/// Refused without who and why: nothing is changed then. Usage for a text that is no address; as the store says
/// otherwise.
pub fn run(context: &Context, arguments: &Erase) -> Result<u8> {
    let request = request(arguments)?;
    let store = Store::open(&context.store)?;
    let mut buffer = KeyBuffer::default();
    let key = input::key(store.policy(), &arguments.address, &mut buffer)?;
    let spinner = context.terminal.progress("erase", None);
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let done = store.erase(key, &arguments.address, &request, clock::now());
    spinner.finish_and_clear();
    let done = done?;
    let erased = &done.erased;
    let who = redact(&arguments.address);
    print_line(&if erased.is_new {
        format!(
            "erased {who}: {} records deleted, {} events blanked; it stays suppressed, generation {}",
            erased.records, erased.events, erased.generation
        )
    } else {
        format!("was erased already: {who}, at {}, generation {}", erased.at, erased.generation)
    })?;
    if done.rewritten {
        context.terminal.detail("the ledger's file was written anew, for it held traces");
    }
    for path in &done.remaining {
        context.terminal.warn(&format!(
            "`{}` still holds the address in somebody else's record, a permission's evidence or the name of a \
             file that was imported (docs/erasure.md)",
            path.display()
        ));
    }
    Ok(exit::DONE)
}

/// Who and why, or a refusal that names what is missing.
fn request(arguments: &Erase) -> Result<EraseRequest> {
    let (by, reason) = (arguments.by.as_deref(), arguments.reason.as_deref());
    let parts = [("--by", by), ("--reason", reason)];
    let is_missing = |text: &Option<&str>| text.is_none_or(|text| text.trim().is_empty());
    let missing: Vec<&str> =
        parts.iter().filter(|(_, text)| is_missing(text)).map(|(part, _)| *part).collect();
    EraseRequest::new(by.unwrap_or_default(), reason.unwrap_or_default()).ok_or_else(|| {
        Error::refused(format!("nothing was erased: {} missing", missing.join(" and ")))
            .with_hint("an erasure is kept with who did it and why: say --by WHO --reason TEXT")
    })
}
