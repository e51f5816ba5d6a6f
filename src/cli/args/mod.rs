//! The command line, as clap reads it.

mod certificate;
mod changes;
mod erase;
mod filter;
mod link;
mod permissions;
mod questions;
mod serve;
mod sync;
mod token;
mod upkeep;

pub use certificate::{Certificate, CertificateVerify};
pub use changes::{Import, Init, Resubscribe, Unsubscribe};
pub use erase::Erase;
pub use filter::{Filter, Invalid};
pub use link::{Link, LinkKey, ListLinkKeys, RetireLinkKey};
pub use permissions::{ExportPermissions, Permissions};
pub use questions::{Address, Check, Explain, History, Inspect, Search};
pub use serve::{LogFormat, Serve};
pub use sync::Sync;
pub use token::{CreateToken, ListTokens, RevokeToken, Token};
pub use upkeep::{Compile, Completions, Export, Status};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The last gate before an e-mail campaign leaves: from a recipients CSV, exactly the rows that may be
/// mailed.
#[derive(Debug, Parser)]
#[command(name = "quell", version, about, max_term_width = 100, after_help = EXAMPLE)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLE: &str = "\
Example:
  quell init
  quell import unsubscribes unsubscribes.csv
  quell filter recipients.csv -o batch.csv --suppressed withheld.csv

Exit codes: 0 done, 1 suppressed (check) or faulty (verify), 2 wrong command line, 3 wrong input,
4 the answer can't be trusted, 5 refused, 141 the reader went away. Send a batch only after a 0.";

/// The heading of [`Global`] in help texts, so that they don't stand among a command's own.
const GLOBAL: &str = "Options of every command";

/// Options of every command; they stand before or after it.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The store's directory
    #[arg(
        long,
        global = true, help_heading = GLOBAL,
        env = "QUELL_STORE",
        default_value = "./quell-store",
        value_name = "DIR"
    )]
    pub store: PathBuf,
    /// Say nothing but results and errors
    #[arg(long, short, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a store
    #[command(after_help = "Example:\n  quell init --store /var/lib/quell")]
    Init(Init),
    /// Add records from files; an import can add a block, never lift one
    #[command(
        override_usage = "quell import [OPTIONS] [KIND] <FILE>...",
        after_help = "Example:\n  quell import contacts contacts.csv --rejects rejects.csv\n  quell import suppression_bounces.csv.gz\n  quell import --format plain do-not-mail.txt --dry-run"
    )]
    Import(Import),
    /// Record that an address must not be mailed, everywhere or for one list
    #[command(
        after_help = "Example:\n  quell unsubscribe ann@example.com --list news --source 'reply to mail 17'"
    )]
    Unsubscribe(Unsubscribe),
    /// Make an address reachable again, with the person's permission
    #[command(
        after_help = "Example:\n  quell resubscribe ann@example.com --permission phone \\\n      --evidence 'call of 3 May, ticket 4711' --by support"
    )]
    Resubscribe(Resubscribe),
    /// Erase the text of a person; the address stays suppressed
    #[command(
        after_help = "Example:\n  quell erase ann@example.com --by privacy --reason 'request 4711 of 3 May'\n\nWhat goes, what stays and why: docs/erasure.md."
    )]
    Erase(Erase),
    /// Apply a source's complete file: what was deleted there is deleted here, with permission
    #[command(
        after_help = "Example:\n  quell sync unsubscribes crm-unsubscribes.csv --source crm --dry-run\n  quell sync unsubscribes crm-unsubscribes.csv --source crm \\\n      --permission form --evidence 'preference centre, export of 3 May' --by 'crm team'"
    )]
    Sync(Sync),
    /// Ask whether addresses may be mailed
    #[command(
        after_help = "Example:\n  quell check ann@example.com --list news && send-it\n  quell check ann@example.com --as-of '2026-05-03 09:00'\n\nExit code 0 only when every address is clear."
    )]
    Check(Check),
    /// Write the rows that may be mailed
    #[command(
        after_help = "Example:\n  quell filter recipients.csv -o batch.csv --list news --suppressed withheld.csv --report report.json"
    )]
    Filter(Box<Filter>),
    /// Check the signed statement that a filter made of its run
    #[command(subcommand)]
    Certificate(Certificate),
    /// Say what a file seems to be, and how to import or filter it
    #[command(
        after_help = "Example:\n  quell inspect export.csv.gz\n\nDelimited text is read to its end: exit code 0 then says that all of it can be decoded and split."
    )]
    Inspect(Inspect),
    /// Find records by address: exact, `ann*`, `*@example.com`
    #[command(after_help = "Example:\n  quell search '*@example.com'")]
    Search(Search),
    /// Show everything that ever happened to an address
    #[command(
        after_help = "Example:\n  quell history ann@example.com\n  quell history ann@example.com --as-of 2026-05-03"
    )]
    History(History),
    /// Show how an address is read
    #[command(subcommand)]
    Address(Address),
    /// Bring the index up to the ledger
    #[command(after_help = "Example:\n  quell compile --full")]
    Compile(Compile),
    /// Check every checksum, and the index against the ledger
    #[command(after_help = "Example:\n  quell verify")]
    Verify,
    /// Show counts, generation, sizes and age
    #[command(after_help = "Example:\n  quell status --json")]
    Status(Status),
    /// Write records out, in the columns `import` reads
    #[command(after_help = "Example:\n  quell export unsubscribes > unsubscribes.csv")]
    Export(Export),
    /// Show the proofs by which blocks were lifted
    #[command(subcommand)]
    Permissions(Permissions),
    /// Serve decisions, opt-outs and the operator's console over HTTP
    #[command(
        after_help = "Example:\n  quell serve --listen 127.0.0.1:8080\n  quell serve --config /etc/quell/quell.toml --print-config\n\nEvery option can stand in a file and in the environment: docs/service.md."
    )]
    Serve(Box<Serve>),
    /// Say who may ask the service
    #[command(subcommand)]
    Token(Token),
    /// Print the header lines by which a mail's reader opts out with one click
    #[command(
        after_help = "Example:\n  quell link ann@example.com --list news --base-url https://mail.example.com\n\nThe two lines go into the mail's header, and both under its DKIM signature (docs/one-click.md)."
    )]
    Link(Link),
    /// List, rotate and retire what those links are sealed with
    #[command(subcommand)]
    LinkKey(LinkKey),
    /// Print a shell's completion script
    #[command(after_help = "Example:\n  quell completions bash > /etc/bash_completion.d/quell")]
    Completions(Completions),
    /// Print the manual page
    #[command(after_help = "Example:\n  quell man | man -l -")]
    Man,
}
