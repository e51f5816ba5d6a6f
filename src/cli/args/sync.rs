//! The arguments of `sync`.

use crate::source::EncodingChoice;
use clap::Args;
use std::path::PathBuf;

/// `sync`
#[derive(Debug, Args)]
pub struct Sync {
    /// What the file holds: contacts, unsubscribes, preferences, suppressions, domains or digests
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// The source's complete file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose file it is: a name of your own, the same each time
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// How permission was given to mail those who were deleted there: email, phone, in-person, form or
    /// resubscription-link
    #[arg(long, value_name = "CHANNEL")]
    pub permission: Option<String>,
    /// The evidence: where the source keeps it
    #[arg(long, value_name = "TEXT")]
    pub evidence: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// How many removals may be right: a number, or a share of what the source owns (`2%`); without it 100 or
    /// 0.5 %, whichever is more
    #[arg(long, value_name = "N|P%")]
    pub max_removals: Option<String>,
    /// Let a file with a header and no rows take everything back that --max-removals lets go
    #[arg(long)]
    pub allow_empty: bool,
    /// Change nothing, and show who would become reachable and what would be deleted
    #[arg(long)]
    pub dry_run: bool,
    /// The file's encoding: utf-8, utf-16 or latin-1; by its bytes if not given
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<EncodingChoice>,
    /// Whose format the file has, if it is a vendor's of this kind
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// The list that the rows are for, of a vendor's file that does not name it
    #[arg(long, value_name = "LIST")]
    pub list: Option<String>,
    /// Let a domain rule be for a public suffix, such as `com` or `co.uk`
    #[arg(long)]
    pub allow_public_suffix: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}
