//! A file for a browser to keep, written by a thread while it is sent.

use crate::error::{Error, Result};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// So much is sent at once, bytes.
const PART_BYTES: usize = 64 << 10;
/// Parts in memory at most.
const PARTS: usize = 4;
/// A browser that takes nothing for so long holds no view of the ledger any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// A CSV file of this name, an ASCII word, that `write` writes on a thread of its own. When it fails, the connection is
/// broken off: half a file must not look like a whole one.
///
/// Memory: a few parts, however large the file is and however slow the browser.
pub(super) fn csv(
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> Result<()> + Send + 'static,
) -> Response {
    let (sender, parts) = mpsc::channel(PARTS);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut out = Parts { sender, runtime, part: Vec::with_capacity(PART_BYTES) };
        let ended = write(&mut out).and_then(|()| out.end().map_err(failed));
        if let Err(error) = ended {
            tracing::warn!(%error, "a download was broken off");
        }
    });
    let body = Body::new(Sent(parts));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let media_type = HeaderValue::from_static("text/csv; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, disposition)];
    (headers, body).into_response()
}

/// Writes the whole of a file, wherever it was read to.
///
/// # Errors
///
/// Untrusted when it can't be read; what writing gives.
pub(super) fn copy(file: &File, out: &mut dyn Write) -> Result<()> {
    let mut part = vec![0; PART_BYTES];
    let mut offset = 0;
    loop {
        let count = file.read_at(&mut part, offset).map_err(failed)?;
        if count == 0 {
            return Ok(());
        }
        out.write_all(part.get(..count).unwrap_or_default()).map_err(failed)?;
        offset += count as u64;
    }
}

fn failed(error: io::Error) -> Error {
    Error::writing("the answer".as_ref(), error)
}

/// What is written, on its way to the connection.
struct Parts {
    /// An empty part is the end.
    sender: mpsc::Sender<Bytes>,
    runtime: Handle,
    part: Vec<u8>,
}

impl Parts {
    fn end(&mut self) -> io::Result<()> {
        self.flush()?;
        self.send(Bytes::new())
    }

    fn send(&self, part: Bytes) -> io::Result<()> {
        let sent = self.runtime.block_on(tokio::time::timeout(PATIENCE, self.sender.send(part)));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the browser went away")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the browser takes nothing")),
        }
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        self.send(part.into())
    }
}

/// The other end, which hyper asks. Parts that end without saying so are an error, whatever became of the writer.
struct Sent(mpsc::Receiver<Bytes>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|part| match part {
            Some(part) if part.is_empty() => None,
            Some(part) => Some(Ok(Frame::data(part))),
            None => Some(Err(io::Error::other("broken off"))),
        })
    }
}
