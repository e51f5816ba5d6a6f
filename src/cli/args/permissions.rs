//! The arguments of `permissions`.

use clap::{Args, Subcommand};

/// `permissions`
#[derive(Debug, Subcommand)]
pub enum Permissions {
    /// Write every permission that was ever kept, oldest first, each with what it lifted
    #[command(after_help = "Example:\n  quell permissions export > permissions.csv")]
    Export(ExportPermissions),
}

/// `permissions export`
#[derive(Debug, Args)]
pub struct ExportPermissions {
    /// csv or ndjson
    #[arg(long, default_value = "csv", value_name = "FORMAT")]
    pub format: String,
}
