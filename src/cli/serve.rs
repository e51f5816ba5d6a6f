//! `quell serve`: the service.

pub(super) mod config;
mod log;

pub(super) use config::Setting;

use super::args::{LogFormat, Serve};
use super::{Context, clock, exit, limits, terminal};
use crate::error::{Error, Result};
use crate::service::{
    AccessSettings, BatchLimits, Endpoint, Limits, Settings, State, Tls, run as serve,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Descriptors for everything but connections: the store, its readers, files under way.
const OTHER_FILES: u64 = 512;
/// How long work that nobody waits for any more may take in the end.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Runs the command until it is told to stop.
///
/// # Errors
///
/// Usage for an address that can't be listened on or a certificate that can't be used; untrusted when there is no
/// store.
pub fn run(context: &Context, arguments: &Serve) -> Result<u8> {
    if arguments.print_config {
        terminal::print(|out| config::print(&arguments.settings, out))?;
        return Ok(exit::DONE);
    }
    log::start(&arguments.log, arguments.log_format)?;
    log::hush_panics();
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::open(certificate, key)?)),
        (None, None) => None,
        // They may be from different places, so nobody sees it earlier.
        _ => return Err(Error::usage("`--tls-cert` and `--tls-key` belong together")),
    };
    let state = State::open(settings_of(context, arguments))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let served = runtime.block_on(listen(context, arguments, state, tls));
    end(runtime);
    served.map(|()| exit::DONE)
}

async fn listen(
    context: &Context,
    arguments: &Serve,
    state: State,
    tls: Option<Arc<Tls>>,
) -> Result<()> {
    let listener = TcpListener::bind(&arguments.listen).await.map_err(|error| {
        Error::usage(format!("cannot listen on `{}`: {error}", arguments.listen))
    })?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let signal_of = |kind| signal(kind).map_err(|error| failed(&error));
    let (mut terminate, mut interrupt) =
        (signal_of(SignalKind::terminate())?, signal_of(SignalKind::interrupt())?);
    tokio::spawn(reread(signal_of(SignalKind::hangup())?, tls.clone()));
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listening = format!("listening on {scheme}://{address}");
    match arguments.log_format {
        LogFormat::Text => context.terminal.note(&listening),
        LogFormat::Json => tracing::info!("{listening}"),
    }
    let mut endpoint = Endpoint::from(listener);
    if let Some(tls) = tls {
        endpoint = endpoint.secured(tls);
    }
    let (told, stop) = tokio::sync::oneshot::channel();
    let stop = async {
        let _ = stop.await;
    };
    let twice = async move {
        let mut told = Some(told);
        loop {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            match told.take() {
                Some(told) => drop(told.send(())),
                None => return,
            }
        }
    };
    tokio::select! {
        served = serve(endpoint, state, limits_of(context, arguments), stop) => served,
        // Who says it twice means now.
        () = twice => {
            tracing::warn!("told to stop again; requests under way are broken off");
            Ok(())
        }
    }
}

/// What was begun on other threads is given a moment; the ledger is whole whenever they end.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(LAST_WORK);
}

/// Reads the certificate again each time it is told to.
async fn reread(mut hangup: Signal, tls: Option<Arc<Tls>>) {
    while hangup.recv().await.is_some() {
        match tls.as_ref().map(|tls| tls.reload()) {
            None => tracing::info!("told to read the certificate again, and there is none"),
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => {
                tracing::error!(%error, "the certificate of before is used on");
            }
        }
    }
}

fn settings_of(context: &Context, arguments: &Serve) -> Settings {
    let options = &arguments.access;
    let access = AccessSettings {
        rate_per_token: options.rate_per_token,
        rate_one_click: options.rate_one_click,
        secure_cookies: options.secure_cookies,
        trusted_proxies: options.trusted_proxy.clone(),
    };
    let batches = batch_limits_of(arguments);
    let import_bytes = arguments.limits.import_bytes;
    Settings { access, batches, import_bytes, ..Settings::new(context.store.clone(), clock::now) }
}

fn limits_of(context: &Context, arguments: &Serve) -> Limits {
    let options = &arguments.limits;
    let wanted = options.connections as u64 + OTHER_FILES;
    let files = limits::raise_open_files(wanted);
    let connections = if files < wanted {
        let connections = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        let connections = connections.max(1);
        context.terminal.warn(&format!(
            "the system allows {files} open files: no more than {connections} connections are \
             served at once (`ulimit -n`, `LimitNOFILE=`)"
        ));
        connections
    } else {
        options.connections
    };
    Limits {
        connections,
        requests: options.requests,
        head_bytes: options.head_bytes,
        head: options.head_time,
        idle: options.idle_time,
        stall: options.stall_time,
        request: options.request_time,
        drain: options.drain_time,
    }
}

fn batch_limits_of(arguments: &Serve) -> BatchLimits {
    let options = &arguments.limits;
    let usual = BatchLimits::default();
    BatchLimits {
        runs: options.batches.unwrap_or(usual.runs),
        spool_bytes: options.spool_bytes,
        // Who sends a batch and stops is told so before the connection is given up.
        patience: options.stall_time.mul_f32(0.9),
        ..usual
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::untrusted(format!("cannot start the service: {error}"))
}
