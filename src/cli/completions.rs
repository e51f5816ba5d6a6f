//! `quell completions` and `quell man`: made from the arguments, so they can't drift from them.

use super::args::Cli;
use super::exit;
use super::terminal::print;
use crate::error::Result;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints a shell's completion script.
///
/// # Errors
///
/// When standard output can't be written.
pub fn completions(shell: Shell) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "quell", &mut script);
    print(|out| out.write_all(&script))?;
    Ok(exit::DONE)
}

/// Prints the manual page, every command included.
///
/// # Errors
///
/// When standard output can't be written.
pub fn man() -> Result<u8> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut page).and_then(|()| {
        command
            .get_subcommands()
            .filter(|command| command.get_name() != "help")
            .try_for_each(|command| clap_mangen::Man::new(command.clone()).render(&mut page))
    });
    print(|out| {
        rendered?;
        out.write_all(&page)
    })?;
    Ok(exit::DONE)
}
