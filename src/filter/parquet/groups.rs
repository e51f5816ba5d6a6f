//! Row groups through the threads and back into the file's order.
//!
//! Every thread does the same, row group after row group: it takes the next one, judges its rows, copies its
//! columns into memory, and waits for its turn to write. So as many row groups are on their way as there
//! are threads, and a run with one thread is the same loop without anybody to wait for.

use super::super::columns::Columns;
use super::super::dedupe::Kept;
use super::super::judge::Judge;
use super::super::run::Filter;
use super::super::select::Tally;
use super::columns::Leaves;
use super::copy::{Encoded, copy_column, texts};
use super::guarded;
use super::source::Source;
use super::target::{REASON_COLUMNS, Shape, Target, properties};
use super::verdicts::{Verdicts, judge_group};
use crate::error::{Error, Result};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A file's row groups, from its source to its results.
pub(super) struct Groups<'a, K: Write + Send, W: Write + Send> {
    filter: &'a Filter<'a>,
    source: &'a Source,
    leaves: &'a Leaves,
    columns: Columns,
    progress: &'a (dyn Fn(u64) + Sync),
    wants_withheld: bool,
    next: AtomicUsize,
    /// Whose turn it is to be judged, which matters only where what was kept decides.
    judging: Turns,
    writing: Turns,
    seen: Mutex<Kept>,
    results: Mutex<Results<'a, K, W>>,
}

struct Results<'a, K: Write + Send, W: Write + Send> {
    kept: Target<'a, K>,
    withheld: Option<Target<'a, W>>,
    tally: Tally,
    fault: Option<Error>,
}

/// A row group as it will be written.
struct Made {
    kept: Vec<Encoded>,
    withheld: Vec<Encoded>,
    tally: Tally,
}

impl<'a, K: Write + Send, W: Write + Send> Groups<'a, K, W> {
    pub fn new(
        filter: &'a Filter<'a>,
        source: &'a Source,
        leaves: &'a Leaves,
        kept: Target<'a, K>,
        withheld: Option<Target<'a, W>>,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        Self {
            filter,
            source,
            leaves,
            columns: leaves.columns(),
            progress,
            wants_withheld: withheld.is_some(),
            next: AtomicUsize::new(0),
            judging: Turns::default(),
            writing: Turns::default(),
            seen: Mutex::default(),
            results: Mutex::new(Results { kept, withheld, tally: Tally::default(), fault: None }),
        }
    }

    /// Filters all row groups and finishes the results.
    ///
    /// # Errors
    ///
    /// The first fault in the order of the file.
    pub fn run(self) -> Result<Tally> {
        let groups = self.source.metadata().num_row_groups();
        let threads = self.filter.options.threads.clamp(1, groups.max(1));
        std::thread::scope(|scope| {
            for number in 1..threads {
                let started = std::thread::Builder::new()
                    .name(format!("quell-filter-{number}"))
                    .spawn_scoped(scope, || self.work(groups));
                if let Err(error) = started {
                    self.stop();
                    return Err(Error::untrusted(format!("cannot start a thread: {error}")));
                }
            }
            self.work(groups);
            Ok(())
        })?;
        let results = self.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = results.fault {
            return Err(fault);
        }
        results.withheld.map(Target::finish).transpose()?;
        results.kept.finish()?;
        Ok(results.tally)
    }

    /// What every thread does.
    fn work(&self, groups: usize) {
        let mut before = 0;
        let mut counted = 0;
        loop {
            let group = self.next.fetch_add(1, Ordering::Relaxed);
            if group >= groups {
                return;
            }
            for earlier in counted..group {
                before += self.source.rows(earlier) as u64;
            }
            counted = group;
            let made = guarded(self.source.name(), || self.make(group, before));
            if !self.writing.wait_for(group) {
                return;
            }
            let written = guarded(self.source.name(), || self.write(group, made?));
            if let Err(error) = written {
                lock(&self.results).fault = Some(error);
                return self.stop();
            }
            self.writing.pass_on();
        }
    }

    fn stop(&self) {
        self.judging.stop();
        self.writing.stop();
    }

    /// Judges a row group, and copies its columns.
    fn make(&self, group: usize, before: u64) -> Result<Made> {
        let verdicts = self.judge(group, before)?;
        let kept_rows = verdicts.kept_rows();
        let withheld_rows = verdicts.kept.len() - kept_rows;
        let tally = Tally::of(kept_rows as u64, &verdicts.by_reason);
        let kept_shape = Shape::kept(self.source);
        let withheld_shape = match self.wants_withheld && withheld_rows > 0 {
            true => Some(Shape::withheld(self.source)?),
            false => None,
        };
        let properties = properties(self.source, group);
        let (mut kept, mut withheld) = (Vec::new(), Vec::new());
        for leaf in 0..kept_shape.columns() {
            let to_kept = (kept_rows > 0).then(|| kept_shape.column(leaf, &properties));
            let to_withheld = withheld_shape.as_ref().map(|shape| shape.column(leaf, &properties));
            let of_leaf = (group, leaf);
            let made = copy_column(self.source, of_leaf, &verdicts.kept, to_kept, to_withheld)?;
            kept.extend(made.0);
            withheld.extend(made.1);
        }
        if let Some(shape) = withheld_shape {
            let first = shape.columns() - REASON_COLUMNS.len();
            let (reason, reasons): (Vec<_>, Vec<_>) = verdicts.reasons.into_iter().unzip();
            withheld.push(texts(&shape.column(first, &properties), &reason)?);
            withheld.push(texts(&shape.column(first + 1, &properties), &reasons)?);
        }
        Ok(Made { kept, withheld, tally })
    }

    fn judge(&self, group: usize, before: u64) -> Result<Verdicts> {
        let judge = Judge::new(self.filter, &self.columns, self.wants_withheld);
        let (source, leaves) = (self.source, self.leaves);
        if !self.filter.options.dedupe {
            return judge_group(source, group, before, &judge, leaves, |_| {});
        }
        if !self.judging.wait_for(group) {
            return Err(Error::untrusted("stopped"));
        }
        let mut seen = lock(&self.seen);
        let verdicts = judge_group(source, group, before, &judge, leaves, |judged| {
            seen.mark_duplicates(judged);
        });
        drop(seen);
        // After a fault nobody's answer is used any more, so the next one may as well begin.
        self.judging.pass_on();
        verdicts
    }

    /// Writes a row group whose turn it is.
    fn write(&self, group: usize, made: Made) -> Result<()> {
        let mut results = lock(&self.results);
        if !made.kept.is_empty() {
            results.kept.add(made.kept)?;
        }
        if let Some(target) = results.withheld.as_mut().filter(|_| !made.withheld.is_empty()) {
            target.add(made.withheld)?;
        }
        results.tally.add(&made.tally);
        drop(results);
        let bytes = self.source.metadata().row_group(group).compressed_size();
        (self.progress)(u64::try_from(bytes).unwrap_or(0));
        Ok(())
    }
}

/// Lets threads through one after the other, by their numbers.
#[derive(Debug, Default)]
struct Turns {
    state: Mutex<Turn>,
    passed_on: Condvar,
}

#[derive(Debug, Default)]
struct Turn {
    next: usize,
    stopped: bool,
}

impl Turns {
    /// Waits until it is the turn of `number`; `false` when no turn comes any more.
    fn wait_for(&self, number: usize) -> bool {
        let mut state = lock(&self.state);
        while state.next != number && !state.stopped {
            state = self.passed_on.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.stopped
    }

    fn pass_on(&self) {
        lock(&self.state).next += 1;
        self.passed_on.notify_all();
    }

    fn stop(&self) {
        lock(&self.state).stopped = true;
        self.passed_on.notify_all();
    }
}

/// What a panic left behind is not used for an answer: the run ends with its error.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
