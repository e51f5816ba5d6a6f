//! A run over one input: its columns, its header, then its chunks.

use super::columns::Columns;
use super::judge::Judge;
use super::message::{reject_other_formats, text_error, write_error};
use super::options::Options;
use super::pipeline::{self, Writer};
use super::select::{Shape, Tally};
use crate::address::Policy;
use crate::delimited::{AllCells, ChunkBuffer, Chunks, Header};
use crate::error::{Error, Result};
use crate::index::{KeyHasher, Snapshot};
use std::io::{Read, Write};
use std::path::Path;

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
        chunks
            .next_chunk(&mut first)
            .map_err(|error| Error::reading(Path::new(&options.input_name), error))?;
        reject_other_formats(first.bytes(), &options.input_name)?;
        let Some(columns) = self.columns(&mut first, withheld.as_deref_mut())? else {
            // No record at all: nothing to decide, and what is there is no row.
            kept.write_all(first.bytes()).map_err(|error| write_error("output", error))?;
            return Ok((Summary { empty_input: true, ..Summary::default() }, chunks.into_inner()));
        };
        let judge = Judge::new(self, &columns, withheld.is_some());
        let shape = Shape::Delimited(options.dialect);
        let writer = Writer::new(options, shape, kept, withheld, progress);
        let tally = pipeline::run(&mut chunks, first, &judge, writer)?;
        Ok((Summary { tally, empty_input: false }, chunks.into_inner()))
    }

    /// Finds the columns in the first chunk and moves its start behind the header; `None` when there is
    /// no record.
    fn columns(
        &self,
        first: &mut ChunkBuffer,
        withheld: Option<&mut impl Write>,
    ) -> Result<Option<Columns>> {
        let options = self.options;
        first.from = (first.from + options.preamble_bytes).min(first.bytes().len());
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
        if let Some(links) = &options.links {
            links.refuse_taken(header.names())?;
        }
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

/// How many cells the widest row of the chunk has; a fault in it is told when the chunk is judged.
fn widest_row(chunk: &ChunkBuffer, options: &Options) -> usize {
    let mut cells = AllCells::default();
    let mut records = chunk.records(options.dialect, options.limits);
    let mut widest = 0;
    while let Ok(Some(_)) = records.next_record(&mut cells) {
        widest = widest.max(cells.as_slice().len());
    }
    widest
}
