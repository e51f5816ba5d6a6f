//! Newline-delimited JSON: one object a line, of which only the members asked for are read.
//!
//! ```text
//! chunk of whole lines ─► lines ─► a walk through each ─► decoded cells ─► the judge
//! ```
//!
//! A line is kept or withheld as its own bytes, exactly as a CSV row is. What is read of it is decoded
//! into a text of its own, because an address may be written with escapes. Every member of a name counts
//! where a line has several, and a line that can't be decoded ends the run: nothing undecodable is kept.

mod lines;
mod members;
#[cfg(test)]
mod tests;
mod walk;

pub use members::Members;

use self::lines::Lines;
use self::walk::Found;
use super::judge::{ChunkFault, Judge, Judged, RowCells};
use super::message::write_error;
use super::options::Options;
use super::pipeline::{self, Writer};
use super::run::{Filter, Summary};
use super::select::Shape;
use crate::delimited::{ChunkBuffer, Chunks, FaultKind};
use crate::error::{Error, Result};
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

/// How deep a line may be nested: what reads it on is as likely to give up there.
const DEPTH_MAX: usize = 128;

/// Readable bytes behind the decoded cells, so that the last one takes the shortest way as well.
const ROOM: [u8; 64] = [0; 64];

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineFault {
    /// Over the limit, in bytes.
    TooLong(usize),
    /// No UTF-8.
    NotUtf8,
    /// Nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// Something other than one object.
    NoObject,
    /// Not JSON, in the decoder's words.
    Syntax(String),
    /// The contact or the list is of a type that names none, or there are two contacts.
    Member(&'static str),
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(limit) => FaultKind::RecordTooLong { limit: *limit }.fmt(f),
            Self::NotUtf8 => f.write_str("the line is not UTF-8"),
            Self::TooDeep => write!(f, "the line is nested over {DEPTH_MAX} levels deep"),
            Self::NoObject => f.write_str("the line is no JSON object"),
            Self::Syntax(cause) => write!(f, "the line is no JSON: {cause}"),
            Self::Member(cause) => f.write_str(cause),
        }
    }
}

/// What a chunk's lines are read into; reused from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    text: Vec<u8>,
    found: Found,
}

impl Decoded {
    /// What the cells of the lines stand in.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Finds the reasons of every line of `chunk`.
///
/// Cost: one validation of the bytes, one walk of each line up to its last byte, and what
/// [`Judge::add_row`] costs.
pub(super) fn judge(
    judge: &Judge<'_>,
    members: &Members,
    chunk: &ChunkBuffer,
    judged: &mut Judged,
) -> Result<(), ChunkFault> {
    let mut decoded = std::mem::take(&mut judged.decoded);
    decoded.text.clear();
    let result = gather(judge, members, chunk, &mut decoded, judged);
    if result.is_ok() {
        decoded.text.extend_from_slice(&ROOM);
        judge.look_up(&decoded.text, judged);
    }
    judged.decoded = decoded;
    result
}

fn gather(
    judge: &Judge<'_>,
    members: &Members,
    chunk: &ChunkBuffer,
    decoded: &mut Decoded,
    judged: &mut Judged,
) -> Result<(), ChunkFault> {
    let mut lines = Lines::new(chunk.bytes(), chunk.from, judge.options.limits);
    let mut seen = 0;
    while let Some((record, line)) = lines.next_line()? {
        let Decoded { text, found } = decoded;
        found
            .read(line, members, text)
            .map_err(|(at, fault)| ChunkFault::Line { at: record.start + at, fault })?;
        seen |= found.seen();
        let end = text.len();
        text.extend_from_slice(&ROOM);
        let cells =
            RowCells { emails: found.emails(), contact: found.contact(), list: found.list() };
        judge.add_row(text, record, cells, judged)?;
        text.truncate(end);
    }
    members.note(seen);
    Ok(())
}

impl Filter<'_> {
    /// [`Filter::run`] for newline-delimited JSON: `email_columns`, `contact_column` and `list_column` name
    /// top-level members, or are JSON pointers (RFC 6901) when they begin with `/`; without
    /// `email_columns` the first object tells. `header` and `dialect` mean nothing here.
    ///
    /// A withheld line gets two more members before its closing brace, `quell_reason` and `quell_reasons`.
    ///
    /// # Errors
    ///
    /// As [`Filter::run`]; [`ErrorKind::Usage`](crate::ErrorKind::Usage) also for a member that no line
    /// has, which is known at the end only; [`ErrorKind::Input`](crate::ErrorKind::Input) for a line that
    /// is no JSON object, with line and byte.
    pub fn run_ndjson<R, K, W>(
        &self,
        input: R,
        kept: &mut K,
        withheld: Option<&mut W>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Summary, R)>
    where
        R: Read + Send,
        K: Write + Send,
        W: Write + Send,
    {
        let options = self.options;
        let mut chunks = Chunks::of_lines(input, options.limits);
        let mut first = ChunkBuffer::default();
        chunks
            .next_chunk(&mut first)
            .map_err(|error| Error::reading(Path::new(&options.input_name), error))?;
        super::message::reject_other_formats(first.bytes(), &options.input_name)?;
        let Some(members) = self.members(&first)? else {
            kept.write_all(first.bytes()).map_err(|error| write_error("output", error))?;
            return Ok((Summary { empty_input: true, ..Summary::default() }, chunks.into_inner()));
        };
        let columns = members.columns();
        let judge = Judge::new(self, &columns, withheld.is_some());
        let judge = Judge { members: Some(&members), ..judge };
        let writer = Writer::new(options, Shape::Objects, kept, withheld, progress);
        let tally = pipeline::run(&mut chunks, first, &judge, writer)?;
        members.all_seen()?;
        Ok((Summary { tally, empty_input: false }, chunks.into_inner()))
    }

    /// The members to be read, by the first line of the input; `None` when there is none.
    fn members(&self, first: &ChunkBuffer) -> Result<Option<Members>> {
        let options: &Options = self.options;
        let told = |fault| super::message::fault_error(options, &fault, first, 0);
        let mut lines = Lines::new(first.bytes(), first.from, options.limits);
        let Some((record, line)) = lines.next_line().map_err(told)? else {
            if first.last {
                return Ok(None);
            }
            let message = format!("`{}`: nothing but blank lines at its start", options.input_name);
            return Err(Error::input(message).with_hint("is this file NDJSON?"));
        };
        let names = walk::names(line)
            .map_err(|(at, fault)| told(ChunkFault::Line { at: record.start + at, fault }))?;
        if let Some(links) = &options.links {
            links.refuse_taken(&names)?;
        }
        Members::of(names, options).map(Some)
    }
}
