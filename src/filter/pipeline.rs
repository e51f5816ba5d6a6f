//! Chunks through the threads and back into input order.
//!
//! Every thread does the same, chunk after chunk: it takes a free job, reads the next chunk into it,
//! judges it, and hands it in. Who hands in a job while nobody writes becomes the writer, and writes
//! whatever is next in the input's order until that is still being worked on. So a chunk stays in the
//! cache of the processor that read it, no thread waits for another one's step while there is work,
//! and a run with one thread is the same loop without anybody to wait for.

use super::dedupe::Kept;
use super::judge::{ChunkFault, Judge, Judged};
use super::message::{count_line_feeds, fault_error, write_error};
use super::options::Options;
use super::select::{Shape, Tally, select};
use crate::delimited::{ChunkBuffer, Chunks};
use crate::error::{Error, Result};
use crate::storage::{Work, for_this_processor};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets all chunks of `chunks`, and `first` before them, through the threads.
///
/// # Errors
///
/// The first fault in the order of the input: of a row, of writing, or of reading on.
pub(super) fn run<R: Read + Send, K: Write + Send, W: Write + Send>(
    chunks: &mut Chunks<R>,
    first: ChunkBuffer,
    judge: &Judge<'_>,
    writer: Writer<'_, K, W>,
) -> Result<Tally> {
    let threads = judge.options.threads.max(1);
    // One being worked on and one waiting to be written for each thread.
    let jobs = if threads == 1 { 1 } else { 2 * threads + 1 };
    let pipeline = Pipeline {
        judge,
        wants_withheld: writer.withheld.is_some(),
        shape: writer.shape,
        source: Mutex::new(Source { chunks, first: Some(first), next: 0, ended: Ok(false) }),
        sink: Mutex::new(Sink {
            next: 0,
            waiting: BTreeMap::new(),
            writer: Some(writer),
            fault: None,
        }),
        free: Mutex::new(Free { jobs: (0..jobs).map(|_| Job::new()).collect(), stopped: false }),
        freed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for number in 1..threads {
            let started = std::thread::Builder::new()
                .name(format!("quell-filter-{number}"))
                .spawn_scoped(scope, || pipeline.work());
            if let Err(error) = started {
                pipeline.stop();
                return Err(Error::untrusted(format!("cannot start a thread: {error}")));
            }
        }
        pipeline.work();
        Ok(())
    })?;
    pipeline.outcome()
}

/// One chunk on its way, with its working memory. Reused: fresh buffers would fault in their pages
/// again for every chunk.
struct Job {
    sequence: u64,
    chunk: ChunkBuffer,
    judged: Judged,
    withheld: Vec<u8>,
    kept_bytes: usize,
    /// The kept rows with their links, in a run that adds them.
    linked: Vec<u8>,
    line_feeds: u64,
    tally: Tally,
    fault: Option<ChunkFault>,
}

impl Job {
    fn new() -> Self {
        Self {
            sequence: 0,
            chunk: ChunkBuffer::default(),
            judged: Judged::new(),
            withheld: Vec::new(),
            kept_bytes: 0,
            linked: Vec::new(),
            line_feeds: 0,
            tally: Tally::default(),
            fault: None,
        }
    }

    /// Everything that does not depend on other chunks.
    fn judge(&mut self, judge: &Judge<'_>, shape: Shape, wants_withheld: bool) {
        self.line_feeds = count_line_feeds(self.chunk.bytes());
        let Self { chunk, judged, .. } = self;
        self.fault = if judge.present.is_nothing() {
            for_this_processor(Judging::<false> { judge, chunk, judged }).err()
        } else {
            for_this_processor(Judging::<true> { judge, chunk, judged }).err()
        };
        if self.fault.is_none() && !judge.options.dedupe {
            self.select(judge.options, shape, wants_withheld);
        }
    }

    fn select(&mut self, options: &Options, shape: Shape, wants_withheld: bool) {
        if let Some(links) = &options.links {
            // Before the rows are moved about.
            links.write(&self.chunk, &mut self.judged, (shape, options), &mut self.linked);
        }
        self.tally = Tally::default();
        self.withheld.clear();
        let withheld = wants_withheld.then_some(&mut self.withheld);
        self.kept_bytes = select(&mut self.chunk, &self.judged, shape, withheld, &mut self.tally);
    }
}

/// The two parts that look at every byte or every row.
struct Reading<'a, R> {
    chunks: &'a mut Chunks<R>,
    into: &'a mut ChunkBuffer,
}

/// `MORE`: see [`Judge::judge`].
struct Judging<'a, const MORE: bool> {
    judge: &'a Judge<'a>,
    chunk: &'a ChunkBuffer,
    judged: &'a mut Judged,
}

impl<R: Read> Work for Reading<'_, R> {
    type Output = std::io::Result<bool>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.chunks.next_chunk(self.into)
    }
}

impl<const MORE: bool> Work for Judging<'_, MORE> {
    type Output = std::result::Result<(), ChunkFault>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.judge.judge::<MORE>(self.chunk, self.judged)
    }
}

/// What the threads share. No lock is taken while another is held.
struct Pipeline<'a, R, K, W> {
    judge: &'a Judge<'a>,
    wants_withheld: bool,
    shape: Shape,
    source: Mutex<Source<'a, R>>,
    sink: Mutex<Sink<'a, K, W>>,
    free: Mutex<Free>,
    /// Tells that a job is free again, or that all is to stop.
    freed: Condvar,
}

/// Where chunks come from, in order.
struct Source<'a, R> {
    chunks: &'a mut Chunks<R>,
    first: Option<ChunkBuffer>,
    next: u64,
    /// Whether there is no chunk any more, or why not.
    ended: Result<bool>,
}

/// Where judged chunks go.
struct Sink<'a, K, W> {
    next: u64,
    waiting: BTreeMap<u64, Job>,
    /// Gone while a thread writes, and for good after a fault.
    writer: Option<Writer<'a, K, W>>,
    fault: Option<Error>,
}

struct Free {
    jobs: Vec<Job>,
    stopped: bool,
}

impl<R: Read, K: Write, W: Write> Pipeline<'_, R, K, W> {
    /// What every thread does.
    fn work(&self) {
        // A thread that panics delivers no chunk, and the others would wait for it for ever.
        let _guard = StopOnPanic(|| self.stop());
        while let Some(mut job) = self.free_job() {
            if !self.read(&mut job) {
                // Another thread may be waiting for a job, only to find the same.
                return self.give_back(job);
            }
            job.judge(self.judge, self.shape, self.wants_withheld);
            self.hand_in(job);
        }
    }

    /// A job to work with; `None` when all is to stop.
    fn free_job(&self) -> Option<Job> {
        let mut free = lock(&self.free);
        loop {
            if free.stopped {
                return None;
            }
            // The one used last, whose memory is still in a cache.
            if let Some(job) = free.jobs.pop() {
                return Some(job);
            }
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, job: Job) {
        lock(&self.free).jobs.push(job);
        self.freed.notify_one();
    }

    fn stop(&self) {
        lock(&self.free).stopped = true;
        self.freed.notify_all();
    }

    /// Reads the next chunk into the job; `false` when there is none.
    fn read(&self, job: &mut Job) -> bool {
        let mut source = lock(&self.source);
        if !matches!(source.ended, Ok(false)) {
            return false;
        }
        if let Some(first) = source.first.take() {
            job.chunk = first;
        } else {
            match for_this_processor(Reading { chunks: source.chunks, into: &mut job.chunk }) {
                Ok(true) => {}
                Ok(false) => source.ended = Ok(true),
                Err(error) => {
                    let path = Path::new(&self.judge.options.input_name);
                    source.ended = Err(Error::reading(path, error));
                }
            }
        }
        job.sequence = source.next;
        source.next += 1;
        matches!(source.ended, Ok(false))
    }

    /// Puts the job in its place, and writes what is next unless somebody does already.
    fn hand_in(&self, job: Job) {
        let mut sink = lock(&self.sink);
        sink.waiting.insert(job.sequence, job);
        // Whoever has the writer looks for this job before giving it back.
        let Some(mut writer) = sink.writer.take() else { return };
        while let Some(mut job) = sink.take_next() {
            drop(sink);
            let written = writer.take(&mut job, self.wants_withheld);
            self.give_back(job);
            sink = lock(&self.sink);
            if let Err(error) = written {
                sink.fault = Some(error);
                drop(sink);
                return self.stop();
            }
        }
        sink.writer = Some(writer);
    }

    /// How it ended. A fault of the rows or of writing stands before one of reading on.
    fn outcome(self) -> Result<Tally> {
        let sink = self.sink.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = sink.fault {
            return Err(fault);
        }
        self.source.into_inner().unwrap_or_else(PoisonError::into_inner).ended?;
        match sink.writer {
            Some(writer) if sink.waiting.is_empty() => writer.finish(),
            // Not reached: each chunk read is handed in, and the last one handed in writes.
            _ => Err(Error::untrusted("the filter lost a chunk").with_hint("please report this")),
        }
    }
}

impl<K, W> Sink<'_, K, W> {
    fn take_next(&mut self) -> Option<Job> {
        let job = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(job)
    }
}

/// A panic elsewhere is on its way to the caller; what the lock guards is then not used for an answer.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct StopOnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for StopOnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

/// Writes chunks in the order of the input, and does what depends on those before.
pub(super) struct Writer<'a, K, W> {
    options: &'a Options,
    shape: Shape,
    kept: &'a mut K,
    withheld: Option<&'a mut W>,
    progress: &'a (dyn Fn(u64) + Sync),
    line_feeds: u64,
    tally: Tally,
    seen: Kept,
}

impl<'a, K: Write, W: Write> Writer<'a, K, W> {
    pub(super) fn new(
        options: &'a Options,
        shape: Shape,
        kept: &'a mut K,
        withheld: Option<&'a mut W>,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        let (tally, seen) = (Tally::default(), Kept::default());
        Self { options, shape, kept, withheld, progress, line_feeds: 0, tally, seen }
    }

    /// Takes the chunk that comes next.
    fn take(&mut self, job: &mut Job, wants_withheld: bool) -> Result<()> {
        if let Some(fault) = job.fault.take() {
            return Err(fault_error(self.options, &fault, &job.chunk, self.line_feeds));
        }
        if self.options.dedupe {
            self.seen.mark_duplicates(&mut job.judged);
            job.select(self.options, self.shape, wants_withheld);
        }
        let kept = match &self.options.links {
            None => job.chunk.bytes().get(..job.kept_bytes).unwrap_or_default(),
            Some(_) => &job.linked,
        };
        self.kept.write_all(kept).map_err(|error| write_error("output", error))?;
        if let Some(withheld) = self.withheld.as_deref_mut() {
            withheld
                .write_all(&job.withheld)
                .map_err(|error| write_error("suppressed file", error))?;
        }
        (self.progress)(job.chunk.bytes().len() as u64);
        self.tally.add(&job.tally);
        self.line_feeds += job.line_feeds;
        Ok(())
    }

    fn finish(self) -> Result<Tally> {
        self.kept.flush().map_err(|error| write_error("output", error))?;
        Ok(self.tally)
    }
}
