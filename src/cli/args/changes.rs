//! The arguments of the commands that change a store.

use crate::source::EncodingChoice;
use clap::Args;
use std::path::PathBuf;

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
