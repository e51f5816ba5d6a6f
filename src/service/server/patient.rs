//! A socket that is patient for so long.

use super::progress::{Progress, Waiting};
use crate::service::Limits;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long what a client still sends is read and thrown away after the last answer. A socket that is closed with
/// bytes unread tells the other end to forget what was sent, the answer included.
const LINGER: Duration = Duration::from_secs(2);

/// A socket whose reads and writes fail when they wait for too long.
pub(super) struct Patient<S> {
    stream: S,
    progress: Arc<Progress>,
    limits: Limits,
    reading: Watch,
    writing: Watch,
    lingering: Watch,
    /// Writing is over.
    is_shut: bool,
}

impl<S> Patient<S> {
    pub fn new(stream: S, progress: Arc<Progress>, limits: Limits) -> Self {
        let (reading, writing, lingering) = Default::default();
        Self { stream, progress, limits, reading, writing, lingering, is_shut: false }
    }

    /// Says whether reading has waited for too long.
    fn has_read_enough(&mut self, cx: &mut Context<'_>) -> bool {
        // Who does not take the answer is bounded by that.
        if self.writing.is_on() {
            return false;
        }
        let stamp = self.progress.stamp();
        let limit = match Progress::waiting(stamp) {
            Waiting::Request { again: true } => self.limits.idle,
            Waiting::Request { again: false } | Waiting::Head => self.limits.head,
            Waiting::Body => self.limits.stall,
            Waiting::Answer => return false,
        };
        self.reading.is_over(cx, stamp, limit)
    }

    /// What a write came to, unless it waits for too long.
    fn watched<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing.off();
        } else if self.writing.is_over(cx, 0, self.limits.stall) {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() {
            if self.has_read_enough(cx) {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
        } else if buffer.filled().len() > before {
            self.progress.came();
            // Who sends a batch may read the answer later.
            self.writing.off();
            // A head is given its time as a whole.
            if Progress::waiting(self.progress.stamp()) != Waiting::Head {
                self.reading.off();
            }
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watched(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.watched(cx, shut))?;
            self.is_shut = true;
        }
        if !self.progress.may_be_sending() {
            return Poll::Ready(Ok(()));
        }
        let mut thrown_away = [0; 8 << 10];
        loop {
            if self.lingering.is_over(cx, 0, LINGER) {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// A timer that is set when something begins to wait.
#[derive(Default)]
struct Watch {
    sleep: Option<Pin<Box<Sleep>>>,
    /// What waits.
    on: Option<u64>,
}

impl Watch {
    /// Says whether what is called `what` waits for longer than `limit`; if not, the task is woken when it does.
    fn is_over(&mut self, cx: &mut Context<'_>, what: u64, limit: Duration) -> bool {
        if self.on != Some(what) {
            self.on = Some(what);
            let end = Instant::now() + limit;
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(end),
                None => self.sleep = Some(Box::pin(sleep_until(end))),
            }
        }
        self.sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }

    fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Nothing waits any more.
    fn off(&mut self) {
        self.on = None;
    }
}
