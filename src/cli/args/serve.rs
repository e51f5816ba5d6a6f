//! The arguments of `serve`.

use crate::service::IMPORT_BYTES;
use clap::Args;
use std::net::SocketAddr;

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// How many bytes a file may have that is imported in the console
    #[arg(long, value_name = "BYTES", default_value_t = IMPORT_BYTES)]
    pub import_bytes: u64,
}
