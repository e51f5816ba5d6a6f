//! What went wrong with an input, in words, with its line and byte.

use super::judge::ChunkFault;
use super::options::Options;
use crate::delimited::{ChunkBuffer, FaultKind};
use crate::error::{Error, Result};
use crate::source::{Encoding, Format};
use std::path::Path;

pub(super) fn count_line_feeds(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// Says where in the input a chunk's fault stands; `lines` are the line feeds before the chunk.
pub(super) fn fault_error(
    options: &Options,
    fault: &ChunkFault,
    chunk: &ChunkBuffer,
    lines: u64,
) -> Error {
    match fault {
        ChunkFault::Text(fault) => {
            text_error(&options.input_name, fault.kind, chunk, fault.at, lines)
        }
        ChunkFault::Address { at, fault } => {
            let place = place(&options.input_name, chunk, *at, lines);
            Error::input(format!("{place}: the row has no usable address: {fault}"))
                .with_hint("mend the row, or withhold such rows with --invalid withhold")
        }
        ChunkFault::Line { at, fault } => {
            let place = place(&options.input_name, chunk, *at, lines);
            Error::input(format!("{place}: {fault}"))
                .with_hint("mend the line: a recipient that can't be read can't be looked up")
        }
        ChunkFault::NotUtf8 { at, what } => {
            let place = place(&options.input_name, chunk, *at, lines);
            Error::input(format!("{place}: the row's {what} is not UTF-8, so it matches no record"))
                .with_hint("convert the file first: `iconv -f WINDOWS-1252 -t UTF-8`")
        }
    }
}

pub(super) fn text_error(
    name: &str,
    kind: FaultKind,
    chunk: &ChunkBuffer,
    at: usize,
    lines: u64,
) -> Error {
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
pub(super) fn reject_other_formats(start: &[u8], name: &str) -> Result<()> {
    let format = Format::of(start);
    let hint = match format {
        Format::Zip => "extract or save it as CSV first",
        Format::Parquet => "say --format parquet",
        _ => {
            let head = start.get(..4096).unwrap_or(start);
            return match Encoding::of(head, false) {
                Encoding::Utf16Le | Encoding::Utf16Be => {
                    Err(Error::input(format!("`{name}` is UTF-16 text, not CSV"))
                        .with_hint("convert it first: `iconv -f UTF-16 -t UTF-8`"))
                }
                _ => Ok(()),
            };
        }
    };
    Err(Error::input(format!("`{name}` is {}, not CSV", format.what())).with_hint(hint))
}

pub(super) fn write_error(what: &str, error: std::io::Error) -> Error {
    Error::writing(Path::new(what), error)
}
