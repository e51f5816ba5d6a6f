//! The one writer lock of a directory.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The held writer lock of a directory: dropping it, or the end of the process, releases it.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    _held: Held,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held for what dropping it does")]
enum Held {
    /// The system releases it when the last handle is closed, also by a kill.
    File(File),
    Turn(Turn),
}

impl Lock {
    /// A lock the system keeps with an open file.
    pub(super) fn of_file(file: File) -> Self {
        Self { _held: Held::File(file) }
    }

    /// Waits for the turn at `turnstile`.
    pub(super) fn of_turnstile(turnstile: &Arc<Turnstile>) -> Self {
        Self { _held: Held::Turn(turnstile.enter()) }
    }
}

/// A lock whose guard borrows nothing, for the in-memory directory.
#[derive(Debug, Default)]
pub(super) struct Turnstile {
    taken: Mutex<bool>,
    freed: Condvar,
}

impl Turnstile {
    fn enter(self: &Arc<Self>) -> Turn {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken =
            self.freed.wait_while(taken, |taken| *taken).unwrap_or_else(PoisonError::into_inner);
        *taken = true;
        Turn(Arc::clone(self))
    }
}

#[derive(Debug)]
struct Turn(Arc<Turnstile>);

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.freed.notify_one();
    }
}
