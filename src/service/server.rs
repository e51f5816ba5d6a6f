//! Connections: accepted, limited, served, and ended in good order.

mod patient;
mod progress;

use super::decide::Offer;
use super::limits::{Bounds, Requests};
use super::{Limits, State, Tls, router, watch};
use crate::error::{Error, Result};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use patient::Patient;
pub(super) use progress::Progress;
use progress::{Received, Sent};
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::Service;

/// What a connection's reads and writes are buffered in, at most: with 10,000 connections it counts.
const BUFFER_BYTES: usize = 256 << 10;

/// How long the threads of the service wait after a fault of the program, which may be met again.
const AFTER_A_PANIC: Duration = Duration::from_millis(100);

/// Who is at the other end of a request's connection, in its extensions: a proxy, maybe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// In the extensions of a request that came through TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured;

/// Where connections come from.
pub struct Endpoint {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl From<TcpListener> for Endpoint {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

impl Endpoint {
    /// Connections are TLS.
    #[must_use]
    pub fn secured(self, tls: Arc<Tls>) -> Self {
        Self { tls: Some(tls), ..self }
    }
}

/// Serves `state` at `endpoint` until `shutdown` is done; then requests under way are finished.
///
/// # Errors
///
/// Untrusted when its threads can't be started.
pub async fn run(
    endpoint: impl Into<Endpoint>,
    state: State,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    // The threads end when these are dropped.
    let _watching = start("quell-watch", &state, watch::watch)?;
    let _compiling = start("quell-compile", &state, watch::compile)?;
    let Endpoint { listener, tls } = endpoint.into();
    let requests = Arc::new(Requests::new(&limits));
    let shared = Arc::new(Shared { routes: router(state.clone()), limits, tls, requests });
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
        let Ok((stream, peer)) = accepted else {
            // No descriptor is left, say: those that are served give theirs back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (shared, watcher) = (Arc::clone(&shared), graceful.watcher());
        let counted = state.metrics().connected();
        tokio::spawn(async move {
            let _until_it_ends = (slot, counted);
            shared.serve(stream, peer, watcher).await;
        });
    }
    drop(listener);
    tracing::info!("told to stop; requests under way are finished");
    if timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that took too long were broken off");
    }
    Ok(())
}

/// What all connections share.
struct Shared {
    routes: Router,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    requests: Arc<Requests>,
}

impl Shared {
    /// Serves a connection to its end.
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.speak(stream, peer, false, watcher).await };
        // Who is no TLS client, or too slow a one, is told nothing.
        if let Ok(Ok(stream)) = timeout(self.limits.head, tls.acceptor().accept(stream)).await {
            self.speak(stream, peer, true, watcher).await;
        }
    }

    /// Speaks HTTP/1 on a stream to its end.
    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        peer: SocketAddr,
        is_secured: bool,
        watcher: Watcher,
    ) {
        let progress = Arc::<Progress>::default();
        let stream = Patient::new(stream, Arc::clone(&progress), self.limits);
        let service = service_fn(|request: Request<Incoming>| {
            let (progress, requests) = (Arc::clone(&progress), Arc::clone(&self.requests));
            let mut request = request.map(|body| Body::new(Received::new(body, progress.clone())));
            let extensions = request.extensions_mut();
            extensions.insert(Peer(peer));
            extensions.insert(Bounds { requests, progress: Arc::clone(&progress) });
            if is_secured {
                extensions.insert(Secured);
            }
            let answer = self.routes.clone().call(request);
            async { answer.await.map(|answer| answer.map(|body| Sent::new(body, progress))) }
        });
        let mut http = http1::Builder::new();
        // The stream watches the time. A client that ends its side after its request wants the answer all the same.
        http.header_read_timeout(None).half_close(true);
        http.max_header_size(self.limits.head_bytes).max_buf_size(BUFFER_BYTES);
        let connection = http.serve_connection(TokioIo::new(Offer::new(stream)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn start(
    name: &str,
    state: &State,
    work: fn(&State, &mpsc::Receiver<()>),
) -> Result<mpsc::Sender<()>> {
    let (sender, receiver) = mpsc::channel();
    let state = state.clone();
    let go_on = move || {
        while catch_unwind(AssertUnwindSafe(|| work(&state, &receiver))).is_err() {
            // Without this thread the answers would stay as they are, and grow old.
            state.metrics().panicked();
            state.live().distrust();
            std::thread::sleep(AFTER_A_PANIC);
        }
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(go_on)
        .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Policy;
    use crate::record::Timestamp;
    use crate::service::Settings;
    use crate::store::Store;
    use std::sync::mpsc::Receiver;

    fn panics_once(state: &State, stop: &Receiver<()>) {
        if state.metrics().text().contains("quell_panics_total 0") {
            panic!("on purpose");
        }
        let _ = stop.recv();
    }

    #[test]
    fn a_thread_of_the_service_that_panics_is_not_missed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let now = Timestamp::from_micros(1);
        Store::create(&path, Policy::EXACT, now).unwrap();
        let state = State::open(Settings::new(path, || Timestamp::from_micros(2))).unwrap();
        state.live().answers().unwrap();
        let thread = start("quell-test", &state, panics_once).unwrap();
        while state.live().answers().is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(state.metrics().text().contains("quell_panics_total 1"));
        thread.send(()).unwrap();
        // Not `look`, which does nothing while the thread still holds what it takes away.
        state.live().refresh(now).unwrap();
        state.live().answers().unwrap();
    }
}
