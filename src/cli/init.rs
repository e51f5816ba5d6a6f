//! `quell init`: a new store.

use super::args::Init;
use super::terminal::print_line;
use super::{Context, clock, exit, input};
use crate::address::Policy;
use crate::error::Result;
use crate::store::Store;

/// Runs the command.
///
/// # Errors
///
/// Usage for an unknown policy, refused when there is a store already.
pub fn run(context: &Context, arguments: &Init) -> Result<u8> {
    let policy: Policy = input::word(&arguments.policy)?;
    Store::create(&context.store, policy, clock::now())?;
    print_line(&format!(
        "created a store in `{}`, policy {policy}, generation 0",
        context.store.display()
    ))?;
    context.terminal.note("next: quell import KIND FILE");
    Ok(exit::DONE)
}
