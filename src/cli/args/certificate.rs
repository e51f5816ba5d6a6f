//! The arguments of `certificate`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `certificate`
#[derive(Debug, Subcommand)]
pub enum Certificate {
    /// Check a certificate, and the files it is about
    #[command(
        after_help = "Example:\n  quell certificate verify scrub.json --input recipients.csv --output batch.csv --public-key quell.pub\n\nExit code 1 when something does not match; its first line says what."
    )]
    Verify(CertificateVerify),
    /// Print what this store's certificates are checked with
    #[command(after_help = "Example:\n  quell certificate public-key > quell.pub")]
    PublicKey,
}

/// `certificate verify`
#[derive(Debug, Args)]
pub struct CertificateVerify {
    /// The certificate; `-` is standard input
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The file that was filtered
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The file of the kept rows
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The file of the withheld rows
    #[arg(long, value_name = "FILE")]
    pub suppressed: Option<PathBuf>,
    /// What it must be signed with: 64 hexadecimal digits, or a file that holds them; the store's own key if
    /// not given
    #[arg(long, value_name = "PATH|HEX")]
    pub public_key: Option<String>,
}
