//! The `quell` command.

use std::process::ExitCode;

/// Without memory there is no answer.
#[global_allocator]
static ALLOCATOR: quell::storage::OrExit = quell::storage::OrExit::new(quell::cli::exit::UNTRUSTED);

fn main() -> ExitCode {
    quell::cli::main(std::env::args_os())
}
