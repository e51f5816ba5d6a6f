//! What a file of records is, by its header, its first rows and its name.
//!
//! [`Seen::of_start`] looks at the first bytes of a file's text; [`detect`] gives every native kind and
//! every vendor's format that the file may be. More than one is not decided here: the user says which.

use super::columns::kinds_of;
use super::vendor::{FORMATS, Format, first_row};
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{AllCells, Dialect, Limits, Splitter, skip_byte_order_mark};
use crate::record::Kind;

/// Rows that are looked at.
const ROWS: usize = 5;

/// What a file is read as.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// One of the native kinds.
    Native(Kind),
    /// A vendor's format.
    Vendor(&'static Format),
}

impl Form {
    /// `native`, or the vendor's format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native(_) => "native",
            Self::Vendor(format) => format.name,
        }
    }

    /// What its records are, in the main.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Native(kind) => kind,
            Self::Vendor(format) => format.kind,
        }
    }
}

/// Something a file may be.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// What.
    pub form: Form,
    /// By what it was recognised, for a person to read.
    pub why: &'static str,
}

/// What the start of a file looks like.
#[derive(Debug, Clone)]
pub struct Seen {
    file: String,
    layout: Layout,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Layout {
    /// Delimited, with a header or without.
    Table { has_header: bool },
    /// One JSON object a line.
    JsonLines,
    /// JSON with an array of rows: the document itself, or an object's array of this name.
    JsonDocument { at: Option<String> },
}

impl Seen {
    /// Looks at the first bytes of a text, some 64 KiB, of the file `name`.
    #[must_use]
    pub fn of_start(start: &[u8], name: &str) -> Self {
        let text = &start[skip_byte_order_mark(start)..];
        let file = file_of(name);
        if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return Self::of_json(text, file);
        }
        let rows = rows(text, delimiter(start, name));
        Self::of_rows(rows, file)
    }

    fn of_json(text: &[u8], file: String) -> Self {
        let start = first_row(text);
        let layout = match start.at {
            None if start.is_line => Layout::JsonLines,
            at => Layout::JsonDocument { at },
        };
        let (names, row) = start.row.into_iter().unzip();
        Self { file, layout, names, rows: vec![row] }
    }

    /// A delimited file by its first records; the first is the header, unless it holds an address.
    fn of_rows(mut rows: Vec<Vec<String>>, file: String) -> Self {
        let has_header = !rows.first().is_some_and(|row| row.iter().any(|cell| is_address(cell)));
        let names = if has_header && !rows.is_empty() { rows.remove(0) } else { Vec::new() };
        Self { file, layout: Layout::Table { has_header }, names, rows }
    }

    /// The file's name without its directories, lower-cased.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names of the columns, or of what the first object has; none without a header.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The first rows, without the header.
    #[must_use]
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Says whether the file is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        !matches!(self.layout, Layout::Table { .. })
    }

    /// Says whether the file has one JSON object a line.
    #[must_use]
    pub fn is_json_lines(&self) -> bool {
        self.layout == Layout::JsonLines
    }

    /// The name of the array that has a JSON document's rows.
    #[must_use]
    pub fn json_at(&self) -> Option<&str> {
        match &self.layout {
            Layout::JsonDocument { at } => at.as_deref(),
            _ => None,
        }
    }

    /// Says whether the columns have names: a header, or JSON.
    #[must_use]
    pub fn has_header(&self) -> bool {
        !matches!(self.layout, Layout::Table { has_header: false })
    }

    /// Says whether there is a column of this name, case ignored.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|column| column.trim().eq_ignore_ascii_case(name))
    }

    /// Says whether there is a column of one of these names, case ignored.
    #[must_use]
    pub fn has_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// Says whether all of these columns are there; others may be too.
    #[must_use]
    pub fn has_all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.has(name))
    }

    /// Says whether the columns are these, in any order, and none but these and `others`.
    #[must_use]
    pub fn is_exactly(&self, names: &[&str], others: &[&str]) -> bool {
        let known = |column: &String| {
            let is = |name: &&str| column.trim().eq_ignore_ascii_case(name);
            names.iter().any(is) || others.iter().any(is)
        };
        self.has_all(names) && self.names.iter().all(known)
    }

    /// Says whether the file has no header and rows of so many cells, the first of them an address.
    #[must_use]
    pub fn is_bare(&self, cells: usize) -> bool {
        !self.has_header()
            && !self.rows.is_empty()
            && self.rows.iter().all(|row| row.len() == cells)
            && self.rows.first().and_then(|row| row.first()).is_some_and(|cell| is_address(cell))
    }

    /// Says whether the file's name holds this word; give it in lower case.
    #[must_use]
    pub fn file_has(&self, word: &str) -> bool {
        self.file.contains(word)
    }
}

/// Everything a file may be: native kinds first, then vendors' formats in the order of their names.
///
/// A native kind is one when all its required columns are there and no column of another name. Contacts
/// may have others, because `contact_id` is a name of quell's own.
#[must_use]
pub fn detect(seen: &Seen) -> Vec<Candidate> {
    let native = kinds_of(seen)
        .into_iter()
        .map(|kind| Candidate { form: Form::Native(kind), why: "the columns of a native import" });
    let vendors = FORMATS.iter().filter_map(|format| {
        let why = (format.recognise)(seen)?;
        Some(Candidate { form: Form::Vendor(format), why })
    });
    native.chain(vendors).collect()
}

/// A file's own name, lower-cased, without what compression adds to it.
fn file_of(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let plain = [".gz", ".zst", ".zip"].iter().find_map(|ending| file.strip_suffix(ending));
    plain.unwrap_or(&file).to_owned()
}

/// The first records of a text. The last one is left out when it may be cut.
fn rows(text: &[u8], dialect: Dialect) -> Vec<Vec<String>> {
    let mut splitter = Splitter::new(text, 0, dialect, Limits::default());
    let mut cells = AllCells::default();
    let mut rows = Vec::new();
    let mut scratch = Vec::new();
    while rows.len() <= ROWS {
        let Ok(Some(record)) = splitter.next_record(&mut cells) else { break };
        let is_cut = record.end == text.len() && record.content_end == record.end;
        if is_cut && !rows.is_empty() && text.len() as u64 >= super::reader::START_BYTES {
            break;
        }
        let mut text_of = |cell: &crate::delimited::Cell| {
            String::from_utf8_lossy(cell.text(text, &mut scratch)).trim().to_owned()
        };
        rows.push(cells.as_slice().iter().map(&mut text_of).collect());
    }
    rows
}

fn is_address(cell: &str) -> bool {
    cell.contains('@') && Policy::EXACT.key(cell.as_bytes(), &mut KeyBuffer::default()).is_ok()
}

/// What separates the cells: the one of comma, semicolon, tab and bar that the first line has most of,
/// outside of quotes.
pub(super) fn delimiter(start: &[u8], name: &str) -> Dialect {
    if file_of(name).ends_with(".tsv") {
        return Dialect::TSV;
    }
    let mut inside = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in &start[skip_byte_order_mark(start)..] {
        match byte {
            b'"' => inside = !inside,
            b'\n' | b'\r' if !inside => break,
            byte if !inside => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(delimiter == byte);
                }
            }
            _ => {}
        }
    }
    // Of equals the first: a line without any is one cell, whatever separates.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.and_then(|(delimiter, _)| Dialect::new(*delimiter)).unwrap_or(Dialect::CSV)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, file: &str) -> Vec<String> {
        let candidates = detect(&Seen::of_start(text.as_bytes(), file));
        let name = |candidate: &Candidate| match candidate.form {
            Form::Native(kind) => kind.as_str().to_owned(),
            Form::Vendor(format) => format.name.to_owned(),
        };
        candidates.iter().map(name).collect()
    }

    #[test]
    fn what_separates_is_what_the_first_line_has_most_of() {
        for (line, want) in [
            ("a,b,c\n1;2;3;4;5", b','),
            ("a;b;c\n", b';'),
            ("a\tb", b'\t'),
            ("\"a,b,c\";d", b';'),
            ("email", b','),
            ("\u{feff}a|b", b'|'),
        ] {
            assert_eq!(delimiter(line.as_bytes(), "x.csv").delimiter(), want, "{line}");
        }
        assert_eq!(delimiter(b"a,b,c", "X.TSV").delimiter(), b'\t');
    }

    #[test]
    fn native_kinds_are_found_by_their_columns() {
        assert_eq!(names("contact_id,email,anything\n", "x.csv"), ["contacts"]);
        assert_eq!(names("Email , LIST,preference\n", "x.csv"), ["preferences"]);
        assert_eq!(names("email,reason\n", "x.csv"), ["suppressions"]);
        assert_eq!(names("email,list\n", "x.csv"), ["unsubscribes"]);
        assert_eq!(names("email,list,colour\n", "x.csv"), [""; 0]);
        assert_eq!(names("", "x.csv"), [""; 0]);
    }

    #[test]
    fn a_file_without_a_header_begins_with_an_address() {
        let seen = Seen::of_start(b"ann@example.com,BOUNCE\n", "a/b/Some.CSV.gz");
        assert!(!seen.has_header() && seen.is_bare(2) && !seen.is_bare(1));
        assert_eq!(seen.file(), "some.csv");
        assert!(Seen::of_start(b"mail@,x\n", "x").has_header());
    }
}
