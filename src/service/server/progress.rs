//! Where a connection is: what it waits for decides how long it may.

use axum::body::Body;
use axum::body::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// Bytes of a request's head came, and its end did not.
const HEAD: u64 = 1;
/// A request's body is under way.
const RECEIVING: u64 = 2;
/// A request is answered.
const ANSWERING: u64 = 4;
/// A request's body was given up before its end: nothing more is read.
const UNREAD: u64 = 8;
/// What the count of requests begins at, above the flags.
const REQUEST: u64 = 16;

/// Where a connection is. Shared by its socket and by the bodies that go through it.
#[derive(Debug, Default)]
pub(in crate::service) struct Progress(AtomicU64);

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The first byte of a request; whether there was one before.
    Request { again: bool },
    /// The rest of a head.
    Head,
    /// More of a body.
    Body,
    /// The program.
    Answer,
}

impl Progress {
    /// A number that is another one whenever the connection waits for something else.
    pub(super) fn stamp(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// What a connection of this stamp waits for.
    pub(super) fn waiting(stamp: u64) -> Waiting {
        match stamp {
            _ if stamp & (RECEIVING | UNREAD) != 0 => Waiting::Body,
            _ if stamp & ANSWERING != 0 => Waiting::Answer,
            _ if stamp & HEAD != 0 => Waiting::Head,
            _ => Waiting::Request { again: stamp >= REQUEST },
        }
    }

    /// Says whether the client may be sending something that nobody reads any more.
    pub(super) fn may_be_sending(&self) -> bool {
        self.stamp() & (HEAD | RECEIVING | UNREAD) != 0
    }

    /// Says whether there is more to come of a request's body, whoever waits for it.
    pub(in crate::service) fn lacks_body(&self) -> bool {
        self.stamp() & (RECEIVING | UNREAD) != 0
    }

    /// Bytes came.
    pub(super) fn came(&self) {
        if self.stamp().is_multiple_of(REQUEST) {
            self.0.fetch_or(HEAD, Ordering::Relaxed);
        }
    }

    /// A head is whole, and a body follows or not.
    pub(super) fn asked(&self, body_follows: bool) {
        let count = self.stamp() / REQUEST * REQUEST;
        let flags = if body_follows { ANSWERING | RECEIVING } else { ANSWERING };
        self.0.store(count + REQUEST + flags, Ordering::Relaxed);
    }

    fn received(&self) {
        self.0.fetch_and(!RECEIVING, Ordering::Relaxed);
    }

    fn given_up(&self) {
        self.0.fetch_or(UNREAD, Ordering::Relaxed);
        self.received();
    }

    fn answered(&self) {
        self.0.fetch_and(!ANSWERING, Ordering::Relaxed);
    }
}

/// A request's body, which tells when it is there.
pub(super) struct Received {
    body: Incoming,
    progress: Arc<Progress>,
    is_whole: bool,
}

impl Received {
    pub(super) fn new(body: Incoming, progress: Arc<Progress>) -> Self {
        let is_whole = http_body::Body::is_end_stream(&body);
        progress.asked(!is_whole);
        Self { body, progress, is_whole }
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !self.is_whole && (frame.is_none() || self.body.is_end_stream()) {
            self.is_whole = true;
            self.progress.received();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if !self.is_whole {
            self.progress.given_up();
        }
    }
}

/// An answer's body, which tells when it is sent.
pub(super) struct Sent {
    body: Body,
    progress: Arc<Progress>,
}

impl Sent {
    pub(super) fn new(body: Body, progress: Arc<Progress>) -> Self {
        Self { body, progress }
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.progress.answered();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_waits_for_one_thing_at_a_time() {
        let progress = Progress::default();
        let waiting = || Progress::waiting(progress.stamp());
        assert_eq!(waiting(), Waiting::Request { again: false });
        progress.came();
        progress.came();
        assert_eq!(waiting(), Waiting::Head);
        progress.asked(true);
        assert_eq!(waiting(), Waiting::Body);
        progress.came();
        assert_eq!(waiting(), Waiting::Body);
        progress.received();
        assert_eq!(waiting(), Waiting::Answer);
        progress.answered();
        assert_eq!(waiting(), Waiting::Request { again: true });
        assert!(!progress.may_be_sending());
    }

    #[test]
    fn a_body_that_nobody_reads_is_waited_for_no_longer_than_one_that_is_read() {
        let progress = Progress::default();
        progress.asked(true);
        progress.given_up();
        progress.answered();
        assert_eq!(Progress::waiting(progress.stamp()), Waiting::Body);
        assert!(progress.may_be_sending() && progress.lacks_body());
    }

    #[test]
    fn each_request_is_a_time_of_its_own() {
        let progress = Progress::default();
        progress.asked(false);
        progress.answered();
        let first = progress.stamp();
        progress.asked(false);
        progress.answered();
        assert_ne!(first, progress.stamp());
        assert_eq!(Progress::waiting(first), Progress::waiting(progress.stamp()));
    }
}
