//! The arguments of `filter`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    /// Where a signed statement of the run goes, which `quell certificate verify` checks
    #[arg(long, value_name = "PATH")]
    pub certificate: Option<PathBuf>,
    /// Refuse the run unless the share of withheld rows is in this range, ends included: `1%..5%`,
    /// `0.01..0.05`, `..5%`
    #[arg(long, value_name = "MIN..MAX")]
    pub expect: Option<String>,
    /// Refuse the run if this address would be kept; repeatable
    #[arg(long = "canary", value_name = "ADDRESS")]
    pub canaries: Vec<String>,
    /// Withhold rows whose address was already kept in this run
    #[arg(long)]
    pub dedupe: bool,
    /// Add a column of this name to the kept rows: each row's link for List-Unsubscribe (docs/one-click.md)
    #[arg(long, value_name = "NAME", requires = "base_url")]
    pub unsubscribe_url_column: Option<String>,
    /// Where the service is reached from outside, which those links begin with
    #[arg(long, value_name = "URL", requires = "unsubscribe_url_column")]
    pub base_url: Option<String>,
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
