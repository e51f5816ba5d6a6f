//! Kept rows between the threads that find them and the client that takes them.
//!
//! A client that reads while it sends is never far behind: a few MiB wait in memory, and who writes waits for room. One
//! that sends everything before it reads anything would wait for ever then, and so would who writes: as soon as
//! nothing was taken for a moment, what is kept goes to a nameless file instead.

use super::spares::Spares;
use crate::error::Error;
use crate::service::Problem;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use http_body::{Body, Frame};
use std::collections::VecDeque;
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};

/// How many bytes wait in memory.
const MEMORY_MAX: u64 = 2 << 20;
/// How long who writes waits for room before the client is taken for one that does not read yet.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long it waits for a client that was taken for such a one, and read all the same: it is only slow.
const PATIENCE_WITH_SLOW: Duration = Duration::from_secs(5);
/// How much of the file is read at once.
const BLOCK_BYTES: u64 = 256 << 10;

/// Where kept rows are written to.
pub(super) struct Writer(Arc<Shared>);

/// Says how it ended. Dropped before it did, by a panic, what was written never looks whole.
pub(super) struct Ender(Arc<Shared>);

/// Kept rows, as the body of an answer.
pub(super) struct Kept {
    shared: Arc<Shared>,
    /// A part of the file, on its way from the disk.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    /// Whether trailers are sent behind the rows.
    has_trailers: bool,
    is_over: bool,
}

struct Shared {
    state: Mutex<State>,
    room: Condvar,
    spares: Spares,
    /// How many bytes may wait in the file.
    file_max: u64,
}

#[derive(Default)]
struct State {
    blocks: VecDeque<Bytes>,
    in_blocks: u64,
    /// What does not fit into memory: behind all blocks, for as long as any of it is unread.
    file: Option<Arc<File>>,
    file_end: u64,
    file_taken: u64,
    /// How often something was taken.
    takes: u64,
    /// Nothing was taken while who writes waited, or since.
    is_stalled: bool,
    /// Something was taken after that.
    is_slow: bool,
    /// How it ended; what is told of the run.
    end: Option<Result<HeaderMap, Problem>>,
    /// Nobody will take anything any more.
    is_gone: bool,
    waiting: Option<Waker>,
}

/// A spool that keeps at most `file_max` bytes on disk.
pub(super) fn spool(file_max: u64) -> (Writer, Ender, Kept) {
    let (state, room, spares) = (Mutex::default(), Condvar::new(), Spares::default());
    let shared = Arc::new(Shared { state, room, spares, file_max });
    let kept =
        Kept { shared: Arc::clone(&shared), reading: None, has_trailers: true, is_over: false };
    (Writer(Arc::clone(&shared)), Ender(shared), kept)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: Result<HeaderMap, Problem>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(end);
            state.wake();
        }
        drop(state);
        self.room.notify_all();
    }

    fn push(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        loop {
            if state.is_gone || state.end.is_some() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            // Not behind what waits in the file, if anybody reads: it would grow by all that is kept, for ever.
            let is_room = state.in_file() == 0 && state.in_blocks < MEMORY_MAX;
            if is_room || state.is_stalled {
                break;
            }
            let takes = state.takes;
            let patience = if state.is_slow { PATIENCE_WITH_SLOW } else { PATIENCE };
            let (after, waited) =
                self.room.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
            state = after;
            state.is_stalled |= waited.timed_out() && state.takes == takes;
        }
        if state.in_file() == 0 && state.in_blocks < MEMORY_MAX {
            // Without the lock, as nobody else writes: whoever takes rows would wait for the copy.
            drop(state);
            let block = self.spares.copy(bytes);
            let mut state = self.lock();
            state.in_blocks += block.len() as u64;
            state.blocks.push_back(block);
            state.wake();
            return Ok(());
        }
        self.spill(state, bytes)
    }

    fn spill(&self, mut state: MutexGuard<'_, State>, bytes: &[u8]) -> io::Result<()> {
        let file = match &state.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(state.file.insert(Arc::new(tempfile::tempfile()?))),
        };
        if state.in_file() == 0 {
            // All of it was taken: its room on the disk serves again.
            (state.file_end, state.file_taken) = (0, 0);
        }
        let at = state.file_end;
        if at + bytes.len() as u64 > self.file_max {
            let message = format!(
                "{at} bytes of kept rows wait, and the client takes none: that is the limit"
            );
            return Err(io::Error::other(Error::untrusted(message)));
        }
        drop(state);
        // Without the lock: a full disk cache takes its time, and nobody reads beyond the end.
        file.write_all_at(bytes, at)?;
        let mut state = self.lock();
        state.file_end = at + bytes.len() as u64;
        state.wake();
        Ok(())
    }
}

impl State {
    fn in_file(&self) -> u64 {
        self.file_end - self.file_taken
    }

    fn unread(&self) -> u64 {
        self.in_blocks + self.in_file()
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    fn took(&mut self) {
        self.takes = self.takes.wrapping_add(1);
        self.is_slow |= self.is_stalled;
        self.is_stalled = false;
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.0.push(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Ender {
    /// Everything was written, and this is to be told of it; or why not. The first call counts.
    pub(super) fn end(&self, end: Result<HeaderMap, Problem>) {
        self.0.end(end);
    }
}

impl Drop for Ender {
    fn drop(&mut self) {
        let detail = "the batch could not be filtered to its end";
        self.end(Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)));
    }
}

impl Kept {
    /// Waits for the first rows, or the end.
    pub(super) async fn begun(&self) {
        self.wait_for(|state| state.unread() > 0 || state.end.is_some()).await;
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) {
        self.wait_for(|state| state.end.is_some()).await;
    }

    /// Waits for the end, or until who writes has no more room in memory.
    pub(super) async fn ended_or_full(&self) {
        self.wait_for(|state| state.unread() >= MEMORY_MAX || state.end.is_some()).await;
    }

    /// How it ended, if it did.
    pub(super) fn end(&self) -> Option<Result<HeaderMap, Problem>> {
        self.shared.lock().end.clone()
    }

    /// How many bytes wait to be taken.
    pub(super) fn unread(&self) -> u64 {
        self.shared.lock().unread()
    }

    /// Leaves out the trailers.
    pub(super) fn without_trailers(self) -> Self {
        let mut kept = self;
        kept.has_trailers = false;
        kept
    }

    async fn wait_for(&self, holds: impl Fn(&State) -> bool) {
        poll_fn(|context| {
            let mut state = self.shared.lock();
            if holds(&state) {
                return Poll::Ready(());
            }
            state.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The next block in memory, else a part of the file; none when there is nothing, or it is on its way.
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut state = self.shared.lock();
        if let Some(Err(problem)) = &state.end {
            self.is_over = true;
            // Not why: that may quote the batch.
            let status = problem.status().as_u16();
            tracing::warn!(status, "a batch was broken off behind its first rows");
            return Poll::Ready(Some(Err(io::Error::other("the run did not come to its end"))));
        }
        if let Some(block) = state.blocks.pop_front() {
            state.in_blocks -= block.len() as u64;
            state.took();
            drop(state);
            self.shared.room.notify_all();
            return Poll::Ready(Some(Ok(Frame::data(block))));
        }
        if let Some(file) = state.file.as_ref().filter(|_| state.in_file() > 0) {
            let (file, at) = (Arc::clone(file), state.file_taken);
            let length = state.in_file().min(BLOCK_BYTES);
            drop(state);
            self.reading = Some(spawn_blocking(move || part(&file, at, length)));
            return self.read(context);
        }
        if let Some(Ok(told)) = &state.end {
            self.is_over = true;
            let trailers = self.has_trailers.then(|| Ok(Frame::trailers(told.clone())));
            return Poll::Ready(trailers);
        }
        state.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    fn read(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Poll::Ready(Some(Err(error))),
            Err(_) => {
                return Poll::Ready(Some(Err(io::Error::other("the reading thread is gone"))));
            }
        };
        let mut state = self.shared.lock();
        state.file_taken += bytes.len() as u64;
        state.took();
        drop(state);
        self.shared.room.notify_all();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

fn part(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes.into())
}

impl Body for Kept {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = if self.reading.is_some() {
            ready!(self.read(context))
        } else {
            ready!(self.next(context))
        };
        self.is_over |= !matches!(&frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_gone = true;
        state.blocks.clear();
        drop(state);
        self.shared.room.notify_all();
    }
}

#[cfg(test)]
mod tests;
