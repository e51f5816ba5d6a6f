//! `quell compile`: the index up to the ledger.

use super::args::Compile;
use super::terminal::print_line;
use super::{Context, clock, exit};
use crate::error::Result;
use crate::store::Store;
use std::time::Instant;

/// Runs the command.
///
/// # Errors
///
/// As the store says.
pub fn run(context: &Context, arguments: &Compile) -> Result<u8> {
    let started = Instant::now();
    let store = Store::open(&context.store)?;
    let bar = context.terminal.progress("compile", None);
    // A thread, for somebody to look at.
    if !bar.is_hidden() {
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
    }
    let now = clock::now();
    let compiled = store.compile(arguments.full, !arguments.no_dictionary, now);
    bar.finish_and_clear();
    let state = compiled?;
    print_line(&format!(
        "generation {}, {} segments, {} entries, {} bytes",
        state.generation, state.segments, state.entries, state.bytes
    ))?;
    context.terminal.detail(&format!("took {:.3} s", started.elapsed().as_secs_f64()));
    Ok(exit::DONE)
}
