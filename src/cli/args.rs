//! The command line, as clap reads it.

use crate::source::EncodingChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
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
    /// Ask whether addresses may be mailed
    #[command(
        after_help = "Example:\n  quell check ann@example.com --list news && send-it\n\nExit code 0 only when every address is clear."
    )]
    Check(Check),
    /// Write the rows that may be mailed
    #[command(
        after_help = "Example:\n  quell filter recipients.csv -o batch.csv --list news --suppressed withheld.csv --report report.json"
    )]
    Filter(Box<Filter>),
    /// Say what a file seems to be, and how to import or filter it
    #[command(
        after_help = "Example:\n  quell inspect export.csv.gz\n\nDelimited text is read to its end: exit code 0 then says that all of it can be decoded and split."
    )]
    Inspect(Inspect),
    /// Find records by address: exact, `ann*`, `*@example.com`
    #[command(after_help = "Example:\n  quell search '*@example.com'")]
    Search(Search),
    /// Show everything that ever happened to an address
    #[command(after_help = "Example:\n  quell history ann@example.com")]
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
    /// Print a shell's completion script
    #[command(after_help = "Example:\n  quell completions bash > /etc/bash_completion.d/quell")]
    Completions(Completions),
    /// Print the manual page
    #[command(after_help = "Example:\n  quell man | man -l -")]
    Man,
}

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// How addresses become keys, fixed for the store's life: exact, or any of gmail-dots, googlemail,
    /// plus-tags, yahoo-dash, joined by commas
    #[arg(long, default_value = "exact", value_name = "POLICY")]
    pub policy: String,
}

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    /// What the files hold, contacts, unsubscribes, preferences, suppressions, domains or digests, and the
    /// files; without it they say it themselves. `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The files' encoding: utf-8, utf-16 or latin-1; by their bytes if not given
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<EncodingChoice>,
    /// Whose files they are, when they don't say it: a vendor's format, or native
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// The list that the rows are for, of a vendor's file that does not name it
    #[arg(long, value_name = "LIST")]
    pub list: Option<String>,
    /// Apply nothing, and show what the files would come to
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write rows that can't be understood, with line and cause
    #[arg(long, value_name = "PATH")]
    pub rejects: Option<PathBuf>,
    /// How many such rows a file may have and still be applied
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub allow_rejects: u64,
    /// Let a domain rule be for a public suffix, such as `com` or `co.uk`
    #[arg(long)]
    pub allow_public_suffix: bool,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
}

/// `unsubscribe`
#[derive(Debug, Args)]
pub struct Unsubscribe {
    /// The address
    pub address: String,
    /// The list; without one, everywhere
    #[arg(long, value_name = "LIST")]
    pub list: Option<String>,
    /// The kinds of send it blocks: bulk, transactional or all
    #[arg(long, default_value = "bulk", value_name = "CLASS")]
    pub class: String,
    /// Where it comes from
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
}

/// `resubscribe`
#[derive(Debug, Args)]
pub struct Resubscribe {
    /// The address
    pub address: String,
    /// Lift the opt-out of this list only; repeatable
    #[arg(long = "list", value_name = "LIST")]
    pub lists: Vec<String>,
    /// Lift the global block and the opt-out of every list
    #[arg(long)]
    pub all_lists: bool,
    /// Delete these suppressions too: bounce, complaint, invalid, manual
    #[arg(long, value_name = "REASON", value_delimiter = ',')]
    pub include: Vec<String>,
    /// How the person gave permission: email, phone, in-person, form or resubscription-link
    #[arg(long, value_name = "CHANNEL")]
    pub permission: Option<String>,
    /// The evidence: what was said, where it is kept
    #[arg(long, value_name = "TEXT")]
    pub evidence: Option<String>,
    /// Who took the permission
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    /// The addresses
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// A list the mail is sent for; repeatable
    #[arg(long = "list", value_name = "LIST")]
    pub lists: Vec<String>,
    /// The kind of send: bulk or transactional
    #[arg(long, default_value = "bulk", value_name = "CLASS")]
    pub class: String,
    /// The contact the mail is sent to, for that contact's own flags
    #[arg(long, value_name = "ID")]
    pub contact: Option<String>,
    /// Print the answers as JSON
    #[arg(long)]
    pub json: bool,
}

/// `filter`
#[derive(Debug, Args)]
pub struct Filter {
    /// The recipients, plain or compressed by gzip or zstd; `-` or none is standard input
    #[arg(value_name = "INPUT")]
    pub input: Option<PathBuf>,
    /// Where the kept rows go; `-` or none is standard output. Compressed if its name ends in .gz or .zst
    #[arg(long, short, value_name = "OUTPUT")]
    pub output: Option<PathBuf>,
    /// An address column, by name or number from 1; repeatable. Without it, the one header that means an
    /// address: email, e-mail, email_address, emailaddress, emailaddress1, mail, recipient, address
    #[arg(long = "email-column", value_name = "NAME|N")]
    pub email_columns: Vec<String>,
    /// The contact id's column, to apply that contact's own flags
    #[arg(long, value_name = "NAME|N")]
    pub contact_column: Option<String>,
    /// A list this batch is sent for; repeatable
    #[arg(long = "list", value_name = "LIST")]
    pub lists: Vec<String>,
    /// The column of each row's list (`a;b` for several), on top of --list
    #[arg(long, value_name = "NAME|N")]
    pub list_column: Option<String>,
    /// The kind of send: bulk or transactional
    #[arg(long, default_value = "bulk", value_name = "CLASS")]
    pub class: String,
    /// The input's format: csv, tsv, ndjson or parquet; by the file's name without .gz or .zst if not given
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// The delimiter: one character; if not given, a comma, or what a header without commas has
    #[arg(long, value_name = "C")]
    pub delimiter: Option<String>,
    /// The first row is a recipient already
    #[arg(long)]
    pub no_header: bool,
    /// What an unusable address does to its row
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub invalid: Invalid,
    /// Where the withheld rows go, each with its reasons
    #[arg(long, value_name = "PATH")]
    pub suppressed: Option<PathBuf>,
    /// Where kept rows go too that differ from a suppressed address only by dots, a tag, case folding,
    /// googlemail or one character, each with that address
    #[arg(long, value_name = "PATH")]
    pub near_miss: Option<PathBuf>,
    /// Where the run's report goes, as JSON
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,
    /// Withhold rows whose address was already kept in this run
    #[arg(long)]
    pub dedupe: bool,
    /// Use no store but the suppressions of this file; repeatable
    #[arg(long, value_name = "FILE")]
    pub suppress: Vec<PathBuf>,
    /// Let an index answer without its ledger, if it is no older than this (`15m`, `24h`, `7d`)
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<String>,
    /// Worker threads; as many as processors if not given
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Make the output durable before it appears
    #[arg(long)]
    pub fsync: bool,
}

/// What an unusable address does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Invalid {
    /// Withhold the row.
    #[default]
    Withhold,
    /// Keep the row, unless something else withholds it.
    Keep,
    /// End the run with exit code 3.
    Fail,
}

/// `inspect`
#[derive(Debug, Args)]
pub struct Inspect {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The text's encoding: utf-8, utf-16 or latin-1; by its bytes if not given
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<EncodingChoice>,
    /// How many rows to show
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub sample: usize,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `search`
#[derive(Debug, Args)]
pub struct Search {
    /// An address, or a pattern with `*`
    pub pattern: String,
    /// Print the records as JSON
    #[arg(long)]
    pub json: bool,
}

/// `address`
#[derive(Debug, Subcommand)]
pub enum Address {
    /// Show each step from an address to its key, or where it fails
    #[command(
        after_help = "Example:\n  quell address explain 'Ann <Ann.Smith+news@Example.com>' --policy plus-tags\n\nExit code 1 when the address has no key."
    )]
    Explain(Explain),
}

/// `address explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The address
    pub address: String,
    /// The policy; without it the store's, or `exact` where there is no store
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<String>,
    /// Print the steps as JSON
    #[arg(long)]
    pub json: bool,
}

/// `history`
#[derive(Debug, Args)]
pub struct History {
    /// The address; `@example.com` for a domain's rule, or a digest in hex
    pub address: String,
    /// Print the events as JSON
    #[arg(long)]
    pub json: bool,
}

/// `compile`
#[derive(Debug, Args)]
pub struct Compile {
    /// Rebuild the index from nothing
    #[arg(long)]
    pub full: bool,
    /// Leave the dictionary out: an index that carries no address at all (implies --full when the index
    /// has one)
    #[arg(long)]
    pub no_dictionary: bool,
}

/// `status`
#[derive(Debug, Args)]
pub struct Status {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `export`
#[derive(Debug, Args)]
pub struct Export {
    /// What to write: contacts, unsubscribes, preferences, suppressions, domains or digests; without one,
    /// all of them as NDJSON
    #[arg(value_name = "KIND")]
    pub kind: Option<String>,
    /// csv (the default for one kind) or ndjson
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Write digests of the addresses withheld everywhere from bulk mail instead of records, one a line,
    /// or as CSV with the opt-outs of lists: md5, sha1, sha256 or sha512
    #[arg(long, value_name = "ALGORITHM")]
    pub hashed: Option<String>,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}
