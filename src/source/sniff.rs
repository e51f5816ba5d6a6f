//! What the first rows of a delimited text say: its delimiter, whether it has a header, what its columns hold.

use crate::delimited::{
    AllCells, Dialect, Fault, FaultKind, Limits, Splitter, skip_byte_order_mark,
};

/// The delimiters that are tried, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// So many rows are looked at.
const ROWS_MAX: usize = 1000;

/// Names of columns that hold an address, as [`plain_name`] gives them.
const ADDRESS_NAMES: [&str; 10] = [
    "email",
    "emailaddress",
    "emailaddress1",
    "mail",
    "mailaddress",
    "recipient",
    "address",
    "cdiemail",
    "channelsemailaddress",
    "emails",
];

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// There is not even one.
    #[default]
    None,
    /// `\n`
    LineFeed,
    /// `\r\n`
    Both,
    /// A lone `\r`, as on Macs before 2001.
    Return,
    /// Several kinds.
    Mixed,
}

impl LineEnds {
    /// The word in messages and JSON: `lf`, `crlf`, `cr`, `mixed`, `none`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LineFeed => "lf",
            Self::Both => "crlf",
            Self::Return => "cr",
            Self::Mixed => "mixed",
        }
    }

    fn and(self, line_end: &[u8]) -> Self {
        let this = match line_end {
            b"\n" => Self::LineFeed,
            b"\r\n" => Self::Both,
            b"\r" => Self::Return,
            _ => return self,
        };
        if matches!(self, Self::None) || self == this { this } else { Self::Mixed }
    }
}

/// A column, as far as the rows looked at tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// Its name in the header; empty without one.
    pub name: String,
    /// Rows in which it is not empty.
    pub filled: usize,
    /// Rows in which it holds something with an `@` inside.
    pub addresses: usize,
    /// Rows in which it holds a digest of [`Column::digest_bytes`].
    pub digests: usize,
    /// The length of the digest in the first row that has one: 16, 20, 32 or 64.
    pub digest_bytes: Option<usize>,
}

impl Column {
    /// A column of which no row was looked at yet.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.trim().to_owned(), ..Self::default() }
    }

    /// Takes the cell of one more row into account.
    pub fn see(&mut self, cell: &[u8]) {
        let digest = digest_bytes(cell);
        self.digest_bytes = self.digest_bytes.or(digest);
        self.filled += usize::from(!cell.trim_ascii().is_empty());
        self.addresses += usize::from(is_address(cell));
        self.digests += usize::from(digest.is_some() && digest == self.digest_bytes);
    }

    /// The one of `columns` that most likely holds the address: by its name unless its rows say otherwise,
    /// else the first that holds addresses.
    #[must_use]
    pub fn address_among(columns: &[Self]) -> Option<usize> {
        let named = columns.iter().position(|column| {
            column.is_named_address() && (column.filled == 0 || column.addresses > 0)
        });
        named.or_else(|| columns.iter().position(Self::holds_addresses))
    }

    /// Says whether its name is one for addresses.
    #[must_use]
    pub fn is_named_address(&self) -> bool {
        ADDRESS_NAMES.contains(&plain_name(&self.name).as_str())
    }

    /// Says whether it holds digests: nine of ten cells that are filled.
    #[must_use]
    pub fn holds_digests(&self) -> bool {
        self.digests > 0 && self.digests * 10 >= self.filled * 9
    }

    /// Says whether it holds addresses: half of the cells that are filled.
    #[must_use]
    pub fn holds_addresses(&self) -> bool {
        self.addresses > 0 && self.addresses * 2 >= self.filled
    }
}

/// What the start of a delimited text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// Where the first record begins: behind a byte-order mark and a line `sep=;`.
    pub from: usize,
    /// The delimiter.
    pub dialect: Dialect,
    /// Whether the line `sep=…` names it.
    pub separator_line: bool,
    /// How lines end.
    pub line_ends: LineEnds,
    /// Whether any cell is quoted.
    pub quoted: bool,
    /// Whether the first record is a header: no cell of it is an address or a digest.
    pub has_header: bool,
    /// The columns, at least one unless there is no record.
    pub columns: Vec<Column>,
    /// How many rows were looked at, the header left out.
    pub rows: usize,
    /// What stopped the look: a text that is no delimited text.
    pub fault: Option<Fault>,
}

impl Sniffed {
    /// The column that most likely holds the address ([`Column::address_among`]).
    #[must_use]
    pub fn address_column(&self) -> Option<usize> {
        Column::address_among(&self.columns)
    }

    /// The first `count` rows of the text that was looked at, header left out, cells unquoted.
    #[must_use]
    pub fn sample(&self, start: &[u8], count: usize) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut skip = usize::from(self.has_header);
        records(start, self.from, self.dialect, &mut |cells, _| {
            if skip > 0 {
                skip -= 1;
            } else if rows.len() < count {
                rows.push(
                    cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
                );
            }
            rows.len() < count
        });
        rows
    }
}

/// Sniffs a text that begins with `start`, in an encoding of which UTF-8 is one: only ASCII is looked at.
/// `whole` says that `start` is all of it; else its last record, which may be cut, is left out.
///
/// The delimiter is that under which most of the first rows are as wide as the first one, which has two cells
/// at least; comma if there is none.
///
/// ```
/// # use quell::source::sniff;
/// let sniffed = sniff(b"Name;E-Mail\n\"Smith, Ann\";ann@example.com\n", true);
/// assert_eq!(sniffed.dialect.delimiter(), b';');
/// assert!(sniffed.has_header);
/// assert_eq!(sniffed.address_column(), Some(1));
/// ```
#[must_use]
pub fn sniff(start: &[u8], whole: bool) -> Sniffed {
    let mark = skip_byte_order_mark(start);
    let separator = separator_line(&start[mark..]);
    let from = mark + separator.map_or(0, |(_, length)| length);
    let text = if whole { start } else { whole_lines(start) };
    let from = from.min(text.len());
    let dialect = match separator {
        Some((dialect, _)) => dialect,
        None => delimiter(text, from),
    };
    let mut sniffed = Sniffed {
        from,
        dialect,
        separator_line: separator.is_some(),
        line_ends: LineEnds::None,
        quoted: false,
        has_header: false,
        columns: Vec::new(),
        rows: 0,
        fault: None,
    };
    let mut first = true;
    let fault = records(text, from, dialect, &mut |cells, shape| {
        sniffed.line_ends = sniffed.line_ends.and(shape.line_end);
        sniffed.quoted |= shape.quoted;
        if std::mem::take(&mut first) {
            sniffed.begin(cells);
        } else {
            sniffed.add(cells);
        }
        sniffed.rows < ROWS_MAX
    });
    // A quote that only the cut leaves open is no fault.
    sniffed.fault = fault.filter(|fault| whole || fault.kind != FaultKind::UnclosedQuote);
    sniffed
}

impl Sniffed {
    fn begin(&mut self, cells: &[&[u8]]) {
        let data = |cell: &&[u8]| is_address(cell) || digest_bytes(cell).is_some();
        self.has_header = !cells.iter().any(data);
        if !self.has_header {
            return self.add(cells);
        }
        let named = |cell: &&[u8]| Column::named(&String::from_utf8_lossy(cell));
        self.columns = cells.iter().map(named).collect();
    }

    fn add(&mut self, cells: &[&[u8]]) {
        self.rows += 1;
        if !self.has_header && self.columns.len() < cells.len() {
            self.columns.resize(cells.len(), Column::default());
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.see(cell);
        }
    }
}

/// The line `sep=;` that Excel writes and obeys: its delimiter, and its length with the line end. `text`
/// begins behind the byte-order mark.
#[must_use]
pub fn separator_line(text: &[u8]) -> Option<(Dialect, usize)> {
    let [s, e, p, b'=', delimiter, rest @ ..] = text else { return None };
    if !b"sep".eq_ignore_ascii_case(&[*s, *e, *p]) || delimiter.is_ascii_alphanumeric() {
        return None;
    }
    let line_end = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    Some((Dialect::new(*delimiter)?, 5 + line_end))
}

/// The text up to its last line end.
fn whole_lines(text: &[u8]) -> &[u8] {
    let end = memchr::memrchr2(b'\n', b'\r', text).map_or(text.len(), |at| at + 1);
    &text[..end]
}

/// The delimiter under which most rows are as wide as the first.
fn delimiter(text: &[u8], from: usize) -> Dialect {
    let mut best = (0, Dialect::CSV);
    for dialect in DELIMITERS.into_iter().filter_map(Dialect::new) {
        let (mut width, mut same, mut seen) = (0, 0, 0);
        let fault = records(text, from, dialect, &mut |cells, _| {
            seen += 1;
            if seen == 1 {
                width = cells.len();
            }
            same += usize::from(width > 1 && cells.len() == width);
            width > 1 && seen < 100
        });
        if same > best.0 && fault.is_none_or(|fault| fault.kind == FaultKind::UnclosedQuote) {
            best = (same, dialect);
        }
    }
    best.1
}

/// How a record is written.
struct Shape<'a> {
    line_end: &'a [u8],
    quoted: bool,
}

/// Gives the records of a text to `take`, until it says no; what ended it, if anything is wrong.
fn records(
    text: &[u8],
    from: usize,
    dialect: Dialect,
    take: &mut dyn FnMut(&[&[u8]], &Shape<'_>) -> bool,
) -> Option<Fault> {
    let mut splitter = Splitter::new(text, from, dialect, Limits::default());
    let mut cells = AllCells::default();
    loop {
        let record = match splitter.next_record(&mut cells) {
            Ok(Some(record)) => record,
            Ok(None) => return None,
            Err(fault) => return Some(fault),
        };
        let mut scratch: Vec<Vec<u8>> = vec![Vec::new(); cells.as_slice().len()];
        let unquoted: Vec<&[u8]> = cells
            .as_slice()
            .iter()
            .zip(&mut scratch)
            .map(|(cell, scratch)| cell.text(text, scratch))
            .collect();
        let shape = Shape {
            line_end: &text[record.content_end..record.end],
            quoted: cells.as_slice().iter().any(|cell| cell.quoted),
        };
        if !take(&unquoted, &shape) {
            return None;
        }
    }
}

/// Something with an `@` inside a word: near enough to tell a row from a header.
fn is_address(cell: &[u8]) -> bool {
    let letter = |at: Option<usize>| {
        at.and_then(|at| cell.get(at)).is_some_and(|byte| !byte.is_ascii_whitespace())
    };
    memchr::memchr_iter(b'@', cell).any(|at| letter(at.checked_sub(1)) && letter(Some(at + 1)))
}

/// The length of a digest in hexadecimal digits, in bytes.
fn digest_bytes(cell: &[u8]) -> Option<usize> {
    let cell = cell.trim_ascii();
    (matches!(cell.len(), 32 | 40 | 64 | 128) && cell.iter().all(u8::is_ascii_hexdigit))
        .then_some(cell.len() / 2)
}

/// A name's letters and digits, in lower case.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
