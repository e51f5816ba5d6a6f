//! The log: events of the service, to standard error.

use crate::cli::args::LogFormat;
use crate::error::{Error, Result};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

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
    // What other crates tell of a request has its path in it, and with that an address or the token of a link.
    let own = filter_fn(|event| event.target().split("::").next() == Some("quell"));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let begun = tracing_subscriber::registry().with(lines.with_filter(own)).with(filter).try_init();
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
