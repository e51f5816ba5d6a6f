//! The log: events of the service, to standard error.

use crate::cli::args::LogFormat;
use crate::error::{Error, Result};
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Events that `filter` lets through are written from now on.
///
/// # Errors
///
/// Usage for a filter that is none.
pub(super) fn start(filter: &str, format: LogFormat) -> Result<()> {
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        Error::usage(format!("`--log {filter}`: {error}"))
            .with_hint("write `info`, `debug`, or `info,quell=debug`")
    })?;
    // What other crates trace of a request has its path in it, and with that the token of a link.
    let quiet = ["tower_http=info"].into_iter().filter_map(|directive| directive.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let begun = match format {
        LogFormat::Text => log.with_target(false).with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.with_target(false).json().flatten_event(true).try_init(),
    };
    // Somebody else logs already: whoever runs this as a library.
    drop(begun);
    Ok(())
}

/// A panic says where it was and not what it found, for that may be an address.
pub(super) fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a fault of the program");
    }));
}
