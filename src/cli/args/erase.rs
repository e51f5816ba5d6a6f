//! The arguments of `erase`.

use clap::Args;

/// `erase`
#[derive(Debug, Args)]
pub struct Erase {
    /// The address
    pub address: String,
    /// Who erases it
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Why: a reference to the request, without the address itself
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}
