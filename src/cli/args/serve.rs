//! The arguments of `serve`.

use clap::Args;
use std::net::SocketAddr;

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// How many bytes a file may have that is imported in the console
    #[arg(long, value_name = "BYTES", default_value_t = 2 << 30)]
    pub import_bytes: u64,
}
