//! Chunks through the workers and back into input order.

use super::columns::Columns;
use super::dedupe::Kept;
use super::judge::{ChunkFault, Judge, Judged};
use super::options::Options;
use super::select::{Tally, select};
use crate::address::Policy;
use crate::delimited::{AllCells, ChunkBuffer, Chunks, FaultKind, Header, Splitter};
use crate::error::{Error, Result};
use crate::index::{KeyHasher, Snapshot};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// Chunks in flight for each worker: one being worked on, one waiting to be written.
const CHUNKS_PER_WORKER: usize = 2;

/// What a filter needs besides its input.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// The index state that answers.
    pub snapshot: &'a Snapshot,
    /// Turns keys into the snapshot's hashes.
    pub hasher: &'a KeyHasher,
    /// Turns addresses into keys; the one the snapshot was built with.
    pub policy: Policy,
    /// What is asked for.
    pub options: &'a Options,
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// The counts.
    pub tally: Tally,
    /// Whether the input was empty: no header, no rows.
    pub empty_input: bool,
}

/// One chunk on its way, with its working memory. Reused: fresh buffers would fault in their pages
/// again for every chunk.
struct Job {
    sequence: u64,
    chunk: ChunkBuffer,
    judged: Judged,
    withheld: Vec<u8>,
    kept_bytes: usize,
    line_feeds: u64,
    tally: Tally,
    fault: Option<ChunkFault>,
}

impl Filter<'_> {
    /// Filters `input`: kept rows to `kept`, withheld rows with their reasons to `withheld`. `progress`
    /// is called with the bytes of each chunk written, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for columns that are not there,
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) for an input that can't be read or is no delimited
    /// text (with line and byte), [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) or
    /// [`ErrorKind::BrokenPipe`](crate::ErrorKind::BrokenPipe) when results can't be written. What was
    /// written before an error is not an answer.
    pub fn run<R, K, W>(
        &self,
        input: R,
        kept: &mut K,
        mut withheld: Option<&mut W>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Summary, R)>
    where
        R: Read + Send,
        K: Write + Send,
        W: Write + Send,
    {
        let options = self.options;
        let mut chunks = Chunks::new(input, options.dialect, options.limits);
        let mut first = ChunkBuffer::default();
        self.fill(&mut chunks, &mut first)?;
        reject_other_formats(first.bytes(), &options.input_name)?;
        let Some(columns) = self.columns(&mut first, withheld.as_deref_mut())? else {
            // No record at all: nothing to decide, and what is there is no row.
            kept.write_all(first.bytes()).map_err(|error| write_error("output", error))?;
            return Ok((Summary { empty_input: true, ..Summary::default() }, chunks.into_inner()));
        };
        let judge = Judge {
            snapshot: self.snapshot,
            hasher: self.hasher,
            policy: self.policy,
            options,
            columns: &columns,
            names_lists: withheld.is_some(),
        };
        let writer = Writer { options, kept, withheld, progress };
        let tally = self.pump(&mut chunks, first, &judge, writer)?;
        Ok((Summary { tally, empty_input: false }, chunks.into_inner()))
    }

    /// Lets all chunks through the workers. The reader is this thread and the writer one of its own:
    /// both block on files, and a blocked thread of the pool would judge nothing.
    fn pump<R: Read + Send, K: Write + Send, W: Write + Send>(
        &self,
        chunks: &mut Chunks<R>,
        first: ChunkBuffer,
        judge: &Judge<'_>,
        writer: Writer<'_, K, W>,
    ) -> Result<Tally> {
        let threads = self.options.threads.max(1);
        let jobs = threads * CHUNKS_PER_WORKER + 1;
        let (free_in, free) = bounded(jobs);
        let (done_in, done) = bounded(jobs);
        for _ in 0..jobs {
            // The channel has room for all of them.
            let _ = free_in.send(Job::new(judge.columns));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|at| format!("quell-filter-{at}"))
            .build()
            .map_err(|error| Error::untrusted(format!("cannot start worker threads: {error}")))?;
        let wants_withheld = writer.withheld.is_some();
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || writer.run(&done, &free_in));
            let read: Result<()> = pool.in_place_scope_fifo(|workers| {
                let mut first = Some(first);
                for sequence in 0.. {
                    // No free job is left when the writer has given up: its error is the one to tell.
                    let Ok(mut job) = free.recv() else { break };
                    match first.take() {
                        Some(first) => job.chunk = first,
                        None if self.fill(chunks, &mut job.chunk)? => {}
                        None => break,
                    }
                    job.sequence = sequence;
                    let done_in = done_in.clone();
                    workers.spawn_fifo(move |_| {
                        job.work(judge, wants_withheld);
                        // Fails only when the writer has given up.
                        let _ = done_in.send(job);
                    });
                }
                Ok(())
            });
            drop(done_in);
            let tally = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // A fault of the rows stands before one of reading on.
            tally.and_then(|tally| read.map(|()| tally))
        })
    }

    fn fill<R: Read>(&self, chunks: &mut Chunks<R>, buffer: &mut ChunkBuffer) -> Result<bool> {
        let path = Path::new(&self.options.input_name);
        chunks.next_chunk(buffer).map_err(|error| Error::reading(path, error))
    }

    /// Finds the columns in the first chunk and moves its start behind the header; `None` when there is
    /// no record.
    fn columns(
        &self,
        first: &mut ChunkBuffer,
        withheld: Option<&mut impl Write>,
    ) -> Result<Option<Columns>> {
        let options = self.options;
        let header = Header::read(first.bytes(), first.from, options.dialect, options.limits)
            .map_err(|fault| text_error(&options.input_name, fault.kind, first, fault.at, 0))?;
        let Some(header) = header else {
            if first.last {
                return Ok(None);
            }
            let message = format!("`{}`: nothing but blank lines at its start", options.input_name);
            return Err(Error::input(message).with_hint("is this file CSV?"));
        };
        if !options.header {
            let widest = widest_row(first, options);
            return Columns::without_header(header.names().len(), widest, options).map(Some);
        }
        let columns = Columns::of_header(&header, options)?;
        let record = header.record();
        if let Some(out) = withheld {
            let delimiter = char::from(options.dialect.delimiter());
            let mut line = first.bytes()[..record.content_end].to_vec();
            line.extend_from_slice(
                format!("{delimiter}quell_reason{delimiter}quell_reasons").as_bytes(),
            );
            line.extend_from_slice(&first.bytes()[record.content_end..record.end]);
            out.write_all(&line).map_err(|error| write_error("suppressed file", error))?;
        }
        first.from = record.end;
        Ok(Some(columns))
    }
}

impl Job {
    fn new(columns: &Columns) -> Self {
        Self {
            sequence: 0,
            chunk: ChunkBuffer::default(),
            judged: Judged::new(columns),
            withheld: Vec::new(),
            kept_bytes: 0,
            line_feeds: 0,
            tally: Tally::default(),
            fault: None,
        }
    }

    /// What a worker does with a chunk: everything that does not depend on other chunks.
    fn work(&mut self, judge: &Judge<'_>, wants_withheld: bool) {
        self.line_feeds = count_line_feeds(self.chunk.bytes());
        self.fault = judge.judge(&self.chunk, &mut self.judged).err();
        if self.fault.is_none() && !judge.options.dedupe {
            self.select(judge.options, wants_withheld);
        }
    }

    fn select(&mut self, options: &Options, wants_withheld: bool) {
        self.tally = Tally::default();
        self.withheld.clear();
        let withheld = wants_withheld.then_some(&mut self.withheld);
        self.kept_bytes =
            select(&mut self.chunk, &self.judged, options.dialect, withheld, &mut self.tally);
    }
}

/// Puts chunks back into input order and writes them.
struct Writer<'a, K, W> {
    options: &'a Options,
    kept: &'a mut K,
    withheld: Option<&'a mut W>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<K: Write, W: Write> Writer<'_, K, W> {
    fn run(mut self, done: &Receiver<Job>, free: &Sender<Job>) -> Result<Tally> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        let mut line_feeds = 0;
        let mut tally = Tally::default();
        let mut duplicates = Kept::default();
        for job in done {
            waiting.insert(job.sequence, job);
            while let Some(mut job) = waiting.remove(&next) {
                if let Some(fault) = job.fault.take() {
                    return Err(fault_error(self.options, &fault, &job.chunk, line_feeds));
                }
                if self.options.dedupe {
                    duplicates.mark_duplicates(&mut job.judged);
                    job.select(self.options, self.withheld.is_some());
                }
                self.write(&job)?;
                tally.add(&job.tally);
                line_feeds += job.line_feeds;
                next += 1;
                // Nobody takes it when the reader is done.
                let _ = free.send(job);
            }
        }
        self.kept.flush().map_err(|error| write_error("output", error))?;
        Ok(tally)
    }

    fn write(&mut self, job: &Job) -> Result<()> {
        let kept = job.chunk.bytes().get(..job.kept_bytes).unwrap_or_default();
        self.kept.write_all(kept).map_err(|error| write_error("output", error))?;
        if let Some(withheld) = self.withheld.as_deref_mut() {
            withheld
                .write_all(&job.withheld)
                .map_err(|error| write_error("suppressed file", error))?;
        }
        (self.progress)(job.chunk.bytes().len() as u64);
        Ok(())
    }
}

/// How many cells the widest row of the chunk has; a fault in it is told when the chunk is judged.
fn widest_row(chunk: &ChunkBuffer, options: &Options) -> usize {
    let mut cells = AllCells::default();
    let mut splitter = Splitter::new(chunk.bytes(), chunk.from, options.dialect, options.limits);
    let mut widest = 0;
    while let Ok(Some(_)) = splitter.next_record(&mut cells) {
        widest = widest.max(cells.as_slice().len());
    }
    widest
}

fn count_line_feeds(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// Says where in the input a chunk's fault stands; `lines` are the line feeds before the chunk.
fn fault_error(options: &Options, fault: &ChunkFault, chunk: &ChunkBuffer, lines: u64) -> Error {
    match fault {
        ChunkFault::Text(fault) => {
            text_error(&options.input_name, fault.kind, chunk, fault.at, lines)
        }
        ChunkFault::Address { at, fault } => {
            let place = place(&options.input_name, chunk, *at, lines);
            Error::input(format!("{place}: the row has no usable address: {fault}"))
                .with_hint("mend the row, or withhold such rows with --invalid withhold")
        }
        ChunkFault::NotUtf8 { at, what } => {
            let place = place(&options.input_name, chunk, *at, lines);
            Error::input(format!("{place}: the row's {what} is not UTF-8, so it matches no record"))
                .with_hint("convert the file first: `iconv -f WINDOWS-1252 -t UTF-8`")
        }
    }
}

fn text_error(name: &str, kind: FaultKind, chunk: &ChunkBuffer, at: usize, lines: u64) -> Error {
    let error = Error::input(format!("{}: {kind}", place(name, chunk, at, lines)));
    match kind {
        FaultKind::UnclosedQuote => error.with_hint(
            "close the quote that opens there (a cell ends within 1 MiB), or write it as \"\" in a \
             quoted cell",
        ),
        FaultKind::RecordTooLong { .. } => error.with_hint(
            "is this file CSV, and are the delimiter and line ends what they should be?",
        ),
    }
}

fn place(name: &str, chunk: &ChunkBuffer, at: usize, lines: u64) -> String {
    let before = chunk.bytes().get(..at).unwrap_or_default();
    let line = lines + count_line_feeds(before) + 1;
    format!("`{name}`: line {line}, byte {}", chunk.offset + at as u64)
}

/// Recognises what is certainly no delimited text, so that the message is not about its columns.
fn reject_other_formats(start: &[u8], name: &str) -> Result<()> {
    let kinds: [(&[u8], &str, &str); 6] = [
        (b"\x1f\x8b", "gzip-compressed", "decompress it first: `gzip -dc FILE | quell filter`"),
        (
            b"\x28\xb5\x2f\xfd",
            "zstd-compressed",
            "decompress it first: `zstd -dc FILE | quell filter`",
        ),
        (b"PK\x03\x04", "a ZIP archive or a spreadsheet", "extract or save it as CSV first"),
        (b"PAR1", "a Parquet file", "export it as CSV first"),
        (b"\xff\xfe", "UTF-16 text", "convert it first: `iconv -f UTF-16 -t UTF-8`"),
        (b"\xfe\xff", "UTF-16 text", "convert it first: `iconv -f UTF-16 -t UTF-8`"),
    ];
    match kinds.iter().find(|(magic, ..)| start.starts_with(magic)) {
        Some((_, what, hint)) => {
            Err(Error::input(format!("`{name}` is {what}, not CSV")).with_hint(*hint))
        }
        None => Ok(()),
    }
}

fn write_error(what: &str, error: std::io::Error) -> Error {
    Error::writing(Path::new(what), error)
}
