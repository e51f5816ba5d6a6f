//! What the recipients of a batch are read as.

use crate::delimited::{Dialect, Header, Limits, skip_byte_order_mark};
use crate::error::{Error, Result};
use crate::source::{separator_line, sniff};

/// How the rows of a delimited text are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parted {
    /// The delimiter.
    pub dialect: Dialect,
    /// The length of the line `sep=;`, if there is one.
    pub preamble_bytes: usize,
    /// Whether the header told the delimiter: there is no comma in it, and there are others.
    pub is_told: bool,
}

/// How a delimited text is parted that begins with `start`, which is all of it when it `is_whole`: as `asked`, else as
/// a line `sep=;` says, else by what its header, if it has one, tells, else by commas.
#[must_use]
pub fn parted(start: &[u8], is_whole: bool, asked: Option<Dialect>, has_header: bool) -> Parted {
    let mark = skip_byte_order_mark(start);
    let separator = separator_line(start.get(mark..).unwrap_or_default());
    let preamble_bytes = separator.map_or(0, |(_, length)| length);
    if let Some(dialect) = asked.or(separator.map(|(dialect, _)| dialect)) {
        return Parted { dialect, preamble_bytes, is_told: false };
    }
    let told = if has_header { told(start, mark, is_whole) } else { None };
    Parted { dialect: told.unwrap_or(Dialect::CSV), preamble_bytes, is_told: told.is_some() }
}

/// The delimiter that a header tells: there is no comma outside quotes in it, and there are others.
fn told(start: &[u8], mark: usize, whole: bool) -> Option<Dialect> {
    let width = |dialect| {
        let header = Header::read(start, mark, dialect, Limits::default()).ok()??;
        Some(header.names().len())
    };
    if width(Dialect::CSV)? != 1 {
        return None;
    }
    let dialect = sniff(start, whole).dialect;
    (dialect != Dialect::CSV && width(dialect)? > 1).then_some(dialect)
}

/// A delimiter as somebody gave it: one character, or `\t`, or `tab`.
///
/// # Errors
///
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for one that can't be a delimiter.
pub fn delimiter(text: &str) -> Result<Dialect> {
    let byte = match text.as_bytes() {
        [byte] => Some(*byte),
        b"\\t" | b"tab" => Some(b'\t'),
        _ => None,
    };
    byte.and_then(Dialect::new).ok_or_else(|| {
        Error::usage(format!("`{text}` can't be a delimiter"))
            .with_hint("a delimiter is one ASCII character, neither a quote nor a line end")
    })
}
