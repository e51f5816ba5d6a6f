//! Connections: accepted, limited, served, and ended in good order.

use super::{State, router, watch};
use crate::error::{Error, Result};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Who is at the other end of a request's connection, in its extensions: a proxy, maybe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// In the extensions of a request that came through TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured;

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections are served at once; more wait.
    pub connections: usize,
    /// How long a request's head may take.
    pub head: Duration,
    /// How long requests under way may take once the service is told to stop.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(10),
            shutdown: Duration::from_secs(30),
        }
    }
}

/// Serves `state` on `listener` until `shutdown` is done; then requests under way are finished.
///
/// # Errors
///
/// Untrusted when its threads can't be started.
pub async fn run(
    listener: TcpListener,
    state: State,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    // The threads end when these are dropped.
    let _watching = start("quell-watch", &state, watch::watch)?;
    let _compiling = start("quell-compile", &state, watch::compile)?;
    let service = TowerToHyperService::new(router(state));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let Ok((stream, _peer)) = accepted else {
            // No descriptor is left, say: those that are served give theirs back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _slot = slot;
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(limits.shutdown, graceful.shutdown()).await;
    Ok(())
}

fn start(
    name: &str,
    state: &State,
    work: fn(&State, &mpsc::Receiver<()>),
) -> Result<mpsc::Sender<()>> {
    let (sender, receiver) = mpsc::channel();
    let state = state.clone();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || work(&state, &receiver))
        .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))?;
    Ok(sender)
}
