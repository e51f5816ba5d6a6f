//! Goes through a file row by row.

use super::columns::{Cells, Columns};
use super::native;
use super::reject::{Reject, RejectCause};
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{
    AllCells, ChunkBuffer, Chunks, Dialect, Fault, FaultKind, Header, Limits, Record, Splitter,
};
use crate::error::{Error, Result};
use crate::record::{Kind, NativeRecord};
use std::io::Read;
use std::path::Path;

/// What became of a row.
#[derive(Debug)]
pub enum Row<'a> {
    /// A record, with the key of its address.
    Record(&'a [u8], NativeRecord),
    /// A row that can't be understood.
    Reject(Reject<'a>),
}

/// Reads a native file of `kind` and gives each row to `take`; returns how many rows there were.
/// `progress` is called with the bytes gone through.
///
/// Memory: one chunk of the file.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for a file that can't be read, is no CSV (with line and
/// byte) or lacks a required column; and whatever `take` gives.
pub fn read(
    input: impl Read,
    name: &str,
    kind: Kind,
    policy: Policy,
    mut take: impl FnMut(Row<'_>) -> Result<()>,
    progress: &dyn Fn(u64),
) -> Result<u64> {
    let dialect = if name.ends_with(".tsv") { Dialect::TSV } else { Dialect::CSV };
    let limits = Limits::default();
    let mut chunks = Chunks::new(input, dialect, limits);
    let mut buffer = ChunkBuffer::default();
    let mut columns = None;
    let mut file = File { name, kind, policy, lines: 0, key: KeyBuffer::default(), rows: 0 };
    while chunks.next_chunk(&mut buffer).map_err(|error| Error::reading(Path::new(name), error))? {
        let mut from = buffer.from;
        let columns = match &columns {
            Some(columns) => columns,
            None => {
                let header = Header::read(buffer.bytes(), from, dialect, limits)
                    .map_err(|fault| file.not_csv(fault, &buffer))?;
                let Some(header) = header else {
                    return Err(Error::input(format!("`{name}` is empty: not even a header"))
                        .with_hint(
                            "is the export complete? A file without records has its header",
                        ));
                };
                from = header.record().end;
                columns.insert(Columns::of(kind, &header, name)?)
            }
        };
        let mut splitter = Splitter::new(buffer.bytes(), from, dialect, limits);
        file.chunk(&mut splitter, &buffer, columns, &mut take)?;
        file.lines += memchr::memchr_iter(b'\n', buffer.bytes()).count();
        progress(buffer.bytes().len() as u64);
    }
    Ok(file.rows)
}

/// The file on its way.
struct File<'a> {
    name: &'a str,
    kind: Kind,
    policy: Policy,
    lines: usize,
    key: KeyBuffer,
    rows: u64,
}

impl File<'_> {
    fn chunk(
        &mut self,
        splitter: &mut Splitter<'_>,
        buffer: &ChunkBuffer,
        columns: &Columns,
        take: &mut impl FnMut(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let text = buffer.bytes();
        let mut cells = AllCells::default();
        // Counted on from the row before: counting from the chunk's start would be quadratic.
        let (mut counted, mut line) = (0, self.lines + 1);
        loop {
            let record =
                splitter.next_record(&mut cells).map_err(|fault| self.not_csv(fault, buffer))?;
            let Some(record) = record else { return Ok(()) };
            line += memchr::memchr_iter(b'\n', &text[counted..record.start]).count();
            counted = record.start;
            self.rows += 1;
            match self.row(text, columns, &cells) {
                Ok((key, native)) => take(Row::Record(key, native))?,
                Err(cause) => {
                    let row = content(text, record);
                    take(Row::Reject(Reject { line: line as u64, cause, row }))?;
                }
            }
        }
    }

    fn row(
        &mut self,
        text: &[u8],
        columns: &Columns,
        cells: &AllCells,
    ) -> Result<(&[u8], NativeRecord), RejectCause> {
        let found = cells.as_slice().len();
        if found != columns.width() {
            return Err(RejectCause::Width { found, expected: columns.width() });
        }
        let cells = Cells { columns, text, cells };
        let mut scratch = Vec::new();
        let raw = cells.bytes("email", &mut scratch);
        let key = self.policy.key(raw, &mut self.key).map_err(RejectCause::Address)?;
        // A key exists, so the bytes are UTF-8.
        let address = String::from_utf8_lossy(raw).trim().to_owned();
        let record = native::record(self.kind, address, &cells)?;
        Ok((key.as_bytes(), record))
    }

    fn not_csv(&self, fault: Fault, buffer: &ChunkBuffer) -> Error {
        let before = buffer.bytes().get(..fault.at).unwrap_or_default();
        let line = self.lines + memchr::memchr_iter(b'\n', before).count() + 1;
        let byte = buffer.offset + fault.at as u64;
        let hint = match fault.kind {
            FaultKind::UnclosedQuote => "close the quote that opens there; nothing was applied",
            FaultKind::RecordTooLong { .. } => "is this file CSV? nothing was applied",
        };
        Error::input(format!("`{}`: line {line}, byte {byte}: {}", self.name, fault.kind))
            .with_hint(hint)
    }
}

fn content(text: &[u8], record: Record) -> &[u8] {
    text.get(record.start..record.content_end).unwrap_or_default()
}
