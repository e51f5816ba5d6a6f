//! Opt-outs into the ledger: those that come at once go in one transaction, because each costs a write to the disk.
//!
//! A request lays its opt-out into a queue and waits for its turn to write. Whoever has the turn writes all that wait,
//! its own among them, brings up the answers, and tells everybody. So no opt-out is acknowledged before it is durable
//! and in the answers, and none waits for more than the write before its own.

use super::away;
use crate::action::link::{OptOut, opt_out};
use crate::error::{Error, Result};
use crate::service::{Problem, State, change};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The most opt-outs of one transaction: it is over in milliseconds.
const TOGETHER_MAX: usize = 1000;

/// A transaction of several that fails as soon as this may fail for one of them, whose records are damaged: each is
/// written alone then. One that took longer waited for somebody else, and each would wait again.
const AGAIN_WITHIN: Duration = Duration::from_secs(1);

/// The queue of opt-outs.
#[derive(Debug, Default)]
pub(in crate::service) struct Recorder {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    opt_out: OptOut,
    told: oneshot::Sender<Result<u64>>,
}

impl Recorder {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are next, oldest first.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(TOGETHER_MAX);
        waiting.drain(..count).collect()
    }
}

/// Records an opt-out; durable and in every later answer when this returns. Gives the generation that holds it.
///
/// # Errors
///
/// 503 when the ledger can't take it.
pub(super) async fn record(state: &State, opt_out: OptOut) -> Result<u64, Problem> {
    // On a task of its own: a client that goes away takes nobody's turn with it, and not its own opt-out either.
    let state = state.clone();
    let recorded = tokio::spawn(async move {
        let list = opt_out.link.list.clone();
        let generation = in_turn(&state, opt_out).await?;
        state.metrics().opted_out(list.as_deref());
        Ok(generation)
    });
    let recorded = recorded.await;
    recorded.unwrap_or_else(|_| Err(lost())).map_err(|error| away(&error))
}

async fn in_turn(state: &State, opt_out: OptOut) -> Result<u64> {
    let (told, mut hears) = oneshot::channel();
    let recorder = state.recorder();
    recorder.waiting().push(Waiting { opt_out, told });
    let _turn = recorder.turn.lock().await;
    loop {
        match hears.try_recv() {
            Ok(recorded) => return recorded,
            Err(oneshot::error::TryRecvError::Closed) => return Err(lost()),
            // Nobody wrote it yet: so it waits still, perhaps behind more than fit into one transaction.
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let state = state.clone();
        tokio::task::spawn_blocking(move || write(&state)).await.map_err(|_| lost())?;
    }
}

/// Writes those that are next, and tells them.
fn write(state: &State) {
    let (all, told): (Vec<_>, Vec<_>) =
        state.recorder().next().into_iter().map(|one| (one.opt_out, one.told)).unzip();
    let began = Instant::now();
    let together = recorded(state, &all);
    let is_ones_fault = together.is_err() && all.len() > 1 && began.elapsed() < AGAIN_WITHIN;
    for (opt_out, told) in all.iter().zip(told) {
        let recorded = match &together {
            Ok(generation) => Ok(*generation),
            Err(_) if is_ones_fault => recorded(state, std::slice::from_ref(opt_out)),
            Err(error) => Err(error.again()),
        };
        // Whoever went away does not need to know.
        let _ = told.send(recorded);
    }
}

fn recorded(state: &State, all: &[OptOut]) -> Result<u64> {
    let store = change::store(state)?;
    let generation = opt_out(&store, all, state.now())?;
    change::follow(state, &store, generation)?;
    Ok(generation)
}

fn lost() -> Error {
    Error::untrusted("the opt-out could not be recorded")
}
