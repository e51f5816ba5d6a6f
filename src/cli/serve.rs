//! `quell serve`: the service.

use super::args::Serve;
use super::{Context, clock, exit};
use crate::error::{Error, Result};
use crate::service::{Limits, Settings, State, run as serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the command until it is told to stop.
///
/// # Errors
///
/// Usage for an address that can't be listened on; untrusted when there is no store.
pub fn run(context: &Context, arguments: &Serve) -> Result<u8> {
    let mut settings = Settings::new(context.store.clone(), clock::now);
    settings.import_bytes = arguments.import_bytes;
    let state = State::open(settings)?;
    let failed = |error| Error::untrusted(format!("cannot start the service: {error}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
            Error::usage(format!("cannot listen on {}: {error}", arguments.listen))
        })?;
        let address = listener.local_addr().map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let stop = async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        };
        context.terminal.note(&format!("listening on http://{address}"));
        serve(listener, state, Limits::default(), stop).await
    })?;
    Ok(exit::DONE)
}
