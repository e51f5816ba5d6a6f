//! The arguments of the commands about the store itself.

use clap::Args;
use clap_complete::Shell;

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
