//! The `quell` command: words in, words and an exit code out. One file a command.

mod address;
mod args;
mod as_of;
mod certificate;
mod check;
mod clock;
mod compile;
mod completions;
mod digest_warning;
mod erase;
pub mod exit;
mod export;
mod files;
mod filter;
mod hashed;
mod history;
mod import;
mod init;
mod input;
mod inspect;
mod limits;
mod link;
mod link_key;
mod permissions;
mod resubscribe;
mod search;
mod serve;
mod status;
mod sync;
mod terminal;
mod token;
mod unsubscribe;
mod verify;

use args::{Address, Command, Permissions};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use terminal::Terminal;

/// What every command is given.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The store's directory.
    pub store: PathBuf,
    /// Where to say things.
    pub terminal: Terminal,
}

/// Runs the command that `args` (the program's name first) ask for.
///
/// Data goes to standard output, everything else to standard error; the code is one of [`exit`]'s.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    limits::survive();
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match serve::config::parse(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, everything else is a wrong command line.
            let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
            return ExitCode::from(match error.print() {
                Ok(()) => code,
                Err(error) if error.kind() == ErrorKind::BrokenPipe => exit::BROKEN_PIPE,
                Err(_) => exit::UNTRUSTED,
            });
        }
    };
    let terminal = Terminal::new(&cli.global);
    let context = Context { store: cli.global.store, terminal };
    match run(&context, &cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let code = exit::code_of(&error);
            // Whoever closed the pipe wants no more words: `quell … | head` is no failure.
            if code != exit::BROKEN_PIPE {
                terminal.error(&error);
            }
            ExitCode::from(code)
        }
    }
}

fn run(context: &Context, command: &Command) -> crate::Result<u8> {
    match command {
        Command::Init(arguments) => init::run(context, arguments),
        Command::Import(arguments) => import::run(context, arguments),
        Command::Unsubscribe(arguments) => unsubscribe::run(context, arguments),
        Command::Resubscribe(arguments) => resubscribe::run(context, arguments),
        Command::Erase(arguments) => erase::run(context, arguments),
        Command::Sync(arguments) => sync::run(context, arguments),
        Command::Check(arguments) => check::run(context, arguments),
        Command::Filter(arguments) => filter::run(context, arguments),
        Command::Certificate(arguments) => certificate::run(context, arguments),
        Command::Inspect(arguments) => inspect::run(context, arguments),
        Command::Search(arguments) => search::run(context, arguments),
        Command::History(arguments) => history::run(context, arguments),
        Command::Address(Address::Explain(arguments)) => address::explain(context, arguments),
        Command::Compile(arguments) => compile::run(context, arguments),
        Command::Verify => verify::run(context),
        Command::Status(arguments) => status::run(context, arguments),
        Command::Export(arguments) => export::run(context, arguments),
        Command::Permissions(Permissions::Export(arguments)) => {
            permissions::export(context, arguments)
        }
        Command::Serve(arguments) => serve::run(context, arguments),
        Command::Token(command) => token::run(context, command),
        Command::Link(arguments) => link::run(context, arguments),
        Command::LinkKey(command) => link_key::run(context, command),
        Command::Completions(arguments) => completions::completions(arguments.shell),
        Command::Man => completions::man(),
    }
}
