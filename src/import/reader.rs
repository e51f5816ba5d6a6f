//! Goes through a file: chunks are understood on all cores and handed over in the file's order.

use super::chunk::{Failure, Parsed, Parser, line_ends};
use super::columns::Columns;
use super::detect::delimited;
use super::native::DomainRules;
use super::reject::Reject;
use crate::address::Policy;
use crate::delimited::{ChunkBuffer, Chunks, Dialect, Fault, FaultKind, Header, Limits};
use crate::error::{Error, Result};
use crate::record::{Kind, NativeRow};
use crate::source::{START_BYTES, Start};
use rayon::prelude::*;
use std::io::Read;
use std::path::Path;

/// Chunks a core has in hand at once: enough that one that takes longer keeps no other waiting.
const CHUNKS_A_CORE: usize = 2;

/// Gathers the records of a part of a file, on whichever thread.
pub trait Gather: Send {
    /// Takes a record in, with the key of its address; a domain rule and a digest have none but their own.
    ///
    /// # Errors
    ///
    /// Whatever ends the import.
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()>;

    /// Takes in what a row of a vendor's file holds when that is not one record: none, or several, each
    /// with the key of its address. It is still one row of the file.
    ///
    /// # Errors
    ///
    /// Whatever ends the import.
    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()>;
}

/// A record with the key of its address.
pub type Keyed<'a> = (Box<[u8]>, NativeRow<'a>);

/// A part of a file, or a row of it that can't be understood; in the file's order, each among its like.
#[derive(Debug)]
pub enum Taken<'a, G> {
    /// The records of a part.
    Records(G),
    /// A row that can't be understood.
    Reject(Reject<'a>),
}

/// A native file to be read.
#[derive(Debug)]
pub struct NativeFile<'a, R> {
    /// Its bytes.
    pub input: R,
    /// Its name, for messages and for its dialect.
    pub name: &'a str,
    /// The kind of its records.
    pub kind: Kind,
    /// How its addresses become keys.
    pub policy: Policy,
    /// Whether a domain rule may be for a [public suffix](crate::record::domain_rule::is_public_suffix).
    pub allow_public_suffix: bool,
}

/// Reads a native file. Each part's records go into one that `gather` makes, and to `take`; returns how
/// many rows there were. `progress` is called with the bytes gone through.
///
/// The parts are understood on all cores, while the next are read and those before are taken.
///
/// Memory: six chunks of the file a core, and what they are gathered into.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for a file that can't be read, is no CSV (with line and
/// byte) or lacks a required column; and whatever `take` gives.
pub fn read<G: Gather>(
    file: NativeFile<'_, impl Read + Send>,
    gather: impl Fn() -> G + Sync,
    take: impl FnMut(Taken<'_, G>) -> Result<()> + Send,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let NativeFile { input, name, kind, policy, allow_public_suffix } = file;
    let limits = Limits::default();
    let begin = |first: &mut ChunkBuffer, dialect| {
        let header = header(first, name, dialect, limits)?;
        let (columns, from) = Columns::of_file(kind, &header, name)?;
        first.from = from;
        let domain_rules = DomainRules { policy, allow_public_suffix };
        Ok(Parser { columns, kind, policy, domain_rules, dialect, limits })
    };
    read_rows(input, name, begin, gather, take, progress)
}

/// Turns chunks of whole records into what their rows hold.
pub(super) trait Understand: Sync {
    /// Goes through a chunk.
    fn parse<G: Gather>(&self, chunk: ChunkBuffer, gather: G) -> Parsed<G>;
}

/// The header at the start of a file.
pub(super) fn header(
    first: &ChunkBuffer,
    name: &str,
    dialect: Dialect,
    limits: Limits,
) -> Result<Header> {
    Header::read(first.bytes(), first.from, dialect, limits)
        .map_err(|fault| not_csv(name, fault, 0, first.bytes(), first.offset))?
        .ok_or_else(|| {
            Error::input(format!("`{name}` is empty: not even a header"))
                .with_hint("is the export complete? A file without records has its header")
        })
}

/// Reads a delimited file. `begin` is given its first chunk and its dialect, takes the header off, and
/// makes what understands the rows.
pub(super) fn read_rows<G: Gather, U: Understand>(
    input: impl Read + Send,
    name: &str,
    begin: impl FnOnce(&mut ChunkBuffer, Dialect) -> Result<U>,
    gather: impl Fn() -> G + Sync,
    take: impl FnMut(Taken<'_, G>) -> Result<()> + Send,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let start = Start::read(input, START_BYTES);
    let input = start.map_err(|error| Error::reading(Path::new(name), error))?;
    let sniffed = delimited(input.first_bytes(), input.is_whole(), name);
    let (dialect, from) = (sniffed.dialect, sniffed.from);
    let mut input = Input { chunks: Chunks::new(input, dialect, Limits::default()), name };
    let mut first = ChunkBuffer::default();
    let _ = input.next(&mut first)?;
    first.from = first.from.max(from);
    let parser = begin(&mut first, dialect)?;
    let mut taker = Taker { name, take, progress, lines: 0, rows: 0 };
    if first.last {
        let _ = taker.take(parser.parse(first, gather()))?;
        return Ok(taker.rows);
    }
    let mut ready = vec![first];
    let mut spare = Vec::new();
    let mut parsed: Vec<Parsed<G>> = Vec::new();
    while !ready.is_empty() {
        let before = std::mem::take(&mut parsed);
        let (now, next) = rayon::join(
            || ready.into_par_iter().map(|chunk| parser.parse(chunk, gather())).collect(),
            || -> Result<_> {
                taker.take_all(before, &mut spare)?;
                Ok(input.fill(&mut spare))
            },
        );
        parsed = now;
        ready = match next? {
            Ok(next) => next,
            Err(error) => {
                // What was read before may have a fault, which then is the first.
                taker.take_all(parsed, &mut spare)?;
                return Err(error);
            }
        };
    }
    taker.take_all(parsed, &mut spare)?;
    Ok(taker.rows)
}

/// The file, chunk by chunk.
struct Input<'a, R> {
    chunks: Chunks<R>,
    name: &'a str,
}

impl<R: Read> Input<'_, R> {
    fn next(&mut self, buffer: &mut ChunkBuffer) -> Result<bool> {
        self.chunks.next_chunk(buffer).map_err(|error| Error::reading(Path::new(self.name), error))
    }

    /// Reads the next chunks, into buffers of `spare` if there are some; none at the end.
    fn fill(&mut self, spare: &mut Vec<ChunkBuffer>) -> Result<Vec<ChunkBuffer>> {
        let mut filled = Vec::new();
        while filled.len() < CHUNKS_A_CORE * rayon::current_num_threads() {
            let mut buffer = spare.pop().unwrap_or_default();
            if !self.next(&mut buffer)? {
                break;
            }
            filled.push(buffer);
        }
        Ok(filled)
    }
}

/// Hands over what the chunks came to, in their order.
struct Taker<'a, T> {
    name: &'a str,
    take: T,
    progress: &'a (dyn Fn(u64) + Sync),
    lines: usize,
    rows: u64,
}

impl<T> Taker<'_, T> {
    /// Takes chunks one after the other; their buffers go to `spare`.
    fn take_all<G>(&mut self, chunks: Vec<Parsed<G>>, spare: &mut Vec<ChunkBuffer>) -> Result<()>
    where
        T: FnMut(Taken<'_, G>) -> Result<()>,
    {
        for chunk in chunks {
            spare.push(self.take(chunk)?);
        }
        Ok(())
    }

    fn take<G>(&mut self, parsed: Parsed<G>) -> Result<ChunkBuffer>
    where
        T: FnMut(Taken<'_, G>) -> Result<()>,
    {
        let Parsed { chunk, gathered, rejects, rows, lines, failure } = parsed;
        let text = chunk.bytes();
        for reject in rejects {
            let line = (self.lines + reject.lines_before + 1) as u64;
            let row = text.get(reject.row).unwrap_or_default();
            (self.take)(Taken::Reject(Reject { line, cause: reject.cause, row }))?;
        }
        match failure {
            Some(Failure::NotCsv(fault)) => {
                return Err(not_csv(self.name, fault, self.lines, text, chunk.offset));
            }
            Some(Failure::Error(error)) => return Err(error),
            None => {}
        }
        (self.take)(Taken::Records(gathered))?;
        self.rows += rows;
        self.lines += lines;
        (self.progress)(text.len() as u64);
        Ok(chunk)
    }
}

/// A fault of a chunk that `text` is, before which so many lines and bytes of the file stand.
pub(super) fn not_csv(name: &str, fault: Fault, lines: usize, text: &[u8], offset: u64) -> Error {
    let before = text.get(..fault.at).unwrap_or_default();
    let line = lines + line_ends(before) + 1;
    let byte = offset + fault.at as u64;
    let hint = match fault.kind {
        FaultKind::UnclosedQuote => "close the quote that opens there; nothing was applied",
        FaultKind::RecordTooLong { .. } => "is this file CSV? nothing was applied",
    };
    Error::input(format!("`{name}`: line {line}, byte {byte}: {}", fault.kind)).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses of a part, in order.
    #[derive(Default)]
    struct Addresses(Vec<String>);

    impl Gather for Addresses {
        fn add(&mut self, key: &[u8], _: &NativeRow<'_>) -> Result<()> {
            self.0.push(String::from_utf8_lossy(key).into_owned());
            Ok(())
        }

        fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
            rows.iter().try_for_each(|(key, row)| self.add(key, row))
        }
    }

    /// What reading gives: the keys, the lines of the rejects, and the count of rows or the error.
    fn read_all(text: &str) -> (Vec<String>, Vec<u64>, Result<u64>) {
        let (mut keys, mut lines) = (Vec::new(), Vec::new());
        let (name, policy) = ("list.csv", Policy::EXACT);
        let (kind, allow_public_suffix) = (Kind::Unsubscribes, false);
        let input = text.as_bytes();
        let file = NativeFile { input, name, kind, policy, allow_public_suffix };
        let take = |taken: Taken<'_, Addresses>| {
            match taken {
                Taken::Records(mut part) => keys.append(&mut part.0),
                Taken::Reject(reject) => lines.push(reject.line),
            }
            Ok(())
        };
        let read = read(file, Addresses::default, take, &|_| ());
        (keys, lines, read)
    }

    /// A file of many chunks; every tenth row is two lines long, every hundredth can't be understood.
    fn many() -> (String, Vec<String>, Vec<u64>) {
        let mut text = String::from("email,source\n");
        let (mut keys, mut rejects, mut line) = (Vec::new(), Vec::new(), 2);
        for row in 0..200_000 {
            if row % 100 == 7 {
                text.push_str("nobody,crm\n");
                rejects.push(line);
            } else {
                let key = format!("p{row}@example.com");
                text.push_str(&format!("{key},{}\n", if row % 10 == 0 { "\"a\nb\"" } else { "a" }));
                line += u64::from(row % 10 == 0);
                keys.push(key);
            }
            line += 1;
        }
        (text, keys, rejects)
    }

    #[test]
    fn chunks_are_taken_in_the_order_of_the_file_with_its_lines() {
        let (text, keys, rejects) = many();
        assert!(text.len() > 8 * Limits::default().chunk_bytes, "several rounds");
        let (got, lines, read) = read_all(&text);
        assert_eq!(read.unwrap(), 200_000);
        assert_eq!(lines, rejects);
        assert!(got == keys, "the keys, in their order");
    }

    #[test]
    fn a_fault_names_its_line_and_byte_in_whichever_chunk() {
        let (mut text, ..) = many();
        let lines = text.lines().count();
        let byte = text.len();
        text.push_str("\"open,crm\n");
        let error = read_all(&text).2.unwrap_err();
        let want = format!("line {}, byte {byte}", lines + 1);
        assert!(error.to_string().contains(&want), "{error}: {want}");
    }
}
