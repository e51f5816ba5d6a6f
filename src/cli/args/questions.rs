//! The arguments of the commands that answer a question.

use crate::source::EncodingChoice;
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
    /// Answer for a time that is over, from the ledger's history alone: RFC 3339, `YYYY-MM-DD[ HH:MM[:SS]]`
    /// (UTC) or Unix seconds
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Print the answers as JSON
    #[arg(long)]
    pub json: bool,
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
    /// Show only what had happened by then; times as `check --as-of` reads them
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Print the events as JSON
    #[arg(long)]
    pub json: bool,
}
