//! The arguments of `serve`. Each option has a variable of the environment (`QUELL_` and its name) and can stand in
//! the file that `--config` names; `src/cli/serve/config.rs` sees to it.

use crate::cli::serve::Setting;
use crate::service::{IMPORT_BYTES, Network};
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Read options from FILE (TOML: `listen = "…"`); what is given here or in the environment goes first
    #[arg(long, env = "QUELL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the options as they would be used, and where each is from; then end
    #[arg(long)]
    pub print_config: bool,
    /// Where to listen; port 0 takes one that is free
    #[arg(long, env = "QUELL_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Speak TLS with this certificate, the ones that lead to its root behind it (PEM); read again on SIGHUP
    #[arg(long, env = "QUELL_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, env = "QUELL_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// What to log: `error`, `warn`, `info`, `debug`, or a filter such as `info,quell=debug`
    #[arg(long, env = "QUELL_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// How to log, to standard error
    #[arg(long, env = "QUELL_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// How much a client may take.
    #[command(flatten)]
    pub limits: LimitOptions,
    /// Who may ask how often, and from where.
    #[command(flatten)]
    pub access: AccessOptions,
    /// Every option as it is used, and where it is from.
    #[arg(skip)]
    pub settings: Vec<Setting>,
}

/// The heading of [`LimitOptions`] in help texts.
const LIMITS: &str = "Limits";

/// How much a client may take.
#[derive(Debug, Args)]
#[command(next_help_heading = LIMITS)]
pub struct LimitOptions {
    /// Connections at once; more wait
    #[arg(
        long,
        env = "QUELL_CONNECTIONS",
        value_name = "N",
        default_value_t = 10_000,
        value_parser = count
    )]
    pub connections: usize,
    /// Requests worked on at once; more wait
    #[arg(
        long,
        env = "QUELL_REQUESTS",
        value_name = "N",
        default_value_t = 512,
        value_parser = count
    )]
    pub requests: usize,
    /// Bytes of a request's head
    #[arg(
        long,
        env = "QUELL_HEAD_BYTES",
        value_name = "N",
        default_value_t = 65_536,
        value_parser = head_bytes
    )]
    pub head_bytes: usize,
    /// How long a request's head, and a TLS handshake, may take
    #[arg(
        long,
        env = "QUELL_HEAD_TIME",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time
    )]
    pub head_time: Duration,
    /// How long a connection may wait for its next request
    #[arg(
        long,
        env = "QUELL_IDLE_TIME",
        value_name = "TIME",
        default_value = "75s",
        value_parser = time
    )]
    pub idle_time: Duration,
    /// How long nothing may come of a body, and nothing be taken of an answer
    #[arg(
        long,
        env = "QUELL_STALL_TIME",
        value_name = "TIME",
        default_value = "60s",
        value_parser = time
    )]
    pub stall_time: Duration,
    /// How long a request may take; one that carries a file may take longer
    #[arg(
        long,
        env = "QUELL_REQUEST_TIME",
        value_name = "TIME",
        default_value = "30s",
        value_parser = time
    )]
    pub request_time: Duration,
    /// How long requests under way may take at the end
    #[arg(
        long,
        env = "QUELL_DRAIN_TIME",
        value_name = "TIME",
        default_value = "30s",
        value_parser = time
    )]
    pub drain_time: Duration,
    /// Batches filtered at once; more wait. Two a processor if not given
    #[arg(long, env = "QUELL_BATCHES", value_name = "N", value_parser = count)]
    pub batches: Option<usize>,
    /// Bytes of a batch's kept rows that wait on disk for a client that sends all before it reads any
    #[arg(long, env = "QUELL_SPOOL_BYTES", value_name = "N", default_value_t = 8 << 30)]
    pub spool_bytes: u64,
    /// Bytes of a file that is imported in the console
    #[arg(long, env = "QUELL_IMPORT_BYTES", value_name = "N", default_value_t = IMPORT_BYTES)]
    pub import_bytes: u64,
}

/// The heading of [`AccessOptions`] in help texts.
const ACCESS: &str = "Access";

/// Who may ask how often, and from where.
#[derive(Debug, Args)]
#[command(next_help_heading = ACCESS)]
pub struct AccessOptions {
    /// Requests a second with one token
    #[arg(long, env = "QUELL_RATE_PER_TOKEN", value_name = "N", default_value = "200000")]
    pub rate_per_token: NonZeroU32,
    /// Opt-outs a second by links in mails, all together
    #[arg(long, env = "QUELL_RATE_ONE_CLICK", value_name = "N", default_value = "5000")]
    pub rate_one_click: NonZeroU32,
    /// A proxy in front whose `X-Forwarded-For` tells the client's address: an address or a range (repeatable)
    #[arg(long, env = "QUELL_TRUSTED_PROXY", value_name = "ADDR[/BITS]", value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,
    /// Browsers come by HTTPS although requests do not: a proxy in front speaks TLS
    #[arg(
        long,
        env = "QUELL_SECURE_COOKIES",
        value_parser = BoolishValueParser::new()
    )]
    pub secure_cookies: bool,
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// A line an event, for people.
    #[default]
    Text,
    /// A JSON object an event, for programs.
    Json,
}

fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| (1..=1_000_000).contains(n))
        .ok_or_else(|| "write a number from 1 to 1000000".to_owned())
}

/// The parser of heads can do with no less, and buffers no more.
fn head_bytes(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| (8_192..=131_072).contains(n))
        .ok_or_else(|| "write a number from 8192 to 131072".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as `500ms`, `30s` or `2m`; a day at most, and not nothing".to_owned();
    let span: Duration = crate::cli::input::duration(text)
        .ok()
        .and_then(|duration| duration.try_into().ok())
        .ok_or_else(wrong)?;
    let longest = Duration::from_secs(24 * 60 * 60);
    if span.is_zero() || span > longest { Err(wrong()) } else { Ok(span) }
}
