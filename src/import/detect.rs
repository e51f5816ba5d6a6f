//! What a file of records is, by its header, its first rows and its name.
//!
//! [`Seen::of_start`] looks at the first bytes of a file's text; [`detect`] gives every native kind and
//! every vendor's format that the file may be. More than one is not decided here: the user says which.

use super::columns::{kinds_of, names_of};
use super::vendor::{FORMATS, Format, first_row};
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{Dialect, skip_byte_order_mark};
use crate::record::Kind;
use crate::source::{Sniffed, sniff};

/// Rows that are kept to look at.
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

    /// Whether its files may hold digests.
    #[must_use]
    pub fn holds_digests(self) -> bool {
        match self {
            Self::Native(kind) => kind == Kind::Digests,
            Self::Vendor(format) => format.holds_digests,
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
    /// Looks at the first bytes of a text, some 64 KiB, of the file `name`; `whole` says that they are all
    /// of it.
    ///
    /// ```
    /// use quell::import::detect::{Seen, detect};
    ///
    /// let start = b"status,reason,email,created\n5.1.1,gone,ann@example.com,1790083507\n";
    /// let seen = Seen::of_start(start, true, "suppression_bounces.csv");
    /// let candidates = detect(&seen);
    /// assert_eq!(candidates.len(), 1);
    /// assert_eq!(candidates[0].form.name(), "sendgrid-bounces");
    /// ```
    #[must_use]
    pub fn of_start(start: &[u8], whole: bool, name: &str) -> Self {
        let text = &start[skip_byte_order_mark(start)..];
        if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return Self::of_json(text, file_of(name));
        }
        let sniffed = delimited(start, whole, name);
        let rows = sniffed.sample(start, ROWS);
        let names = if sniffed.has_header {
            sniffed.columns.into_iter().map(|column| column.name).collect()
        } else {
            Vec::new()
        };
        Self::of_table(names, rows, name)
    }

    /// A delimited file of which the header and the first rows are known; without a header it has no names.
    #[must_use]
    pub fn of_table(names: Vec<String>, rows: Vec<Vec<String>>, name: &str) -> Self {
        let has_header = !names.is_empty();
        Self { file: file_of(name), layout: Layout::Table { has_header }, names, rows }
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

    /// The words of the file's name, lower-cased: what stands between characters that are no letters.
    pub fn file_words(&self) -> impl Iterator<Item = &str> {
        words_of(&self.file)
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

/// The columns that a file is read by: each with its name in the file, or none when it is not there.
/// Without a header its name is its number, from 1.
#[must_use]
pub fn understood(form: Form, seen: &Seen) -> Vec<(&'static str, Option<String>)> {
    match form {
        Form::Native(kind) => names_of(kind)
            .into_iter()
            .map(|name| (name, seen.names.iter().find(|at| at.eq_ignore_ascii_case(name)).cloned()))
            .collect(),
        Form::Vendor(format) => format.columns_of(seen),
    }
}

/// A file's own name, lower-cased, without what compression adds to it.
fn file_of(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let plain = [".gz", ".zst", ".zip"].iter().find_map(|ending| file.strip_suffix(ending));
    plain.unwrap_or(&file).to_owned()
}

/// The words of a file's name.
pub(super) fn words_of(file: &str) -> impl Iterator<Item = &str> {
    file.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

fn is_address(cell: &str) -> bool {
    cell.contains('@') && Policy::EXACT.key(cell.as_bytes(), &mut KeyBuffer::default()).is_ok()
}

/// Sniffs a delimited text. Where it has one column only, `.tsv` in its name says what would separate.
pub(super) fn delimited(start: &[u8], whole: bool, name: &str) -> Sniffed {
    let mut sniffed = sniff(start, whole);
    if sniffed.columns.len() < 2 && !sniffed.separator_line && file_of(name).ends_with(".tsv") {
        sniffed.dialect = Dialect::TSV;
    }
    sniffed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, file: &str) -> Vec<String> {
        let candidates = detect(&Seen::of_start(text.as_bytes(), true, file));
        let name = |candidate: &Candidate| match candidate.form {
            Form::Native(kind) => kind.as_str().to_owned(),
            Form::Vendor(format) => format.name.to_owned(),
        };
        candidates.iter().map(name).collect()
    }

    #[test]
    fn native_kinds_are_found_by_their_columns() {
        assert_eq!(names("contact_id,email,anything\n", "x.csv"), ["contacts"]);
        assert_eq!(names("Email , LIST,preference\n", "x.csv"), ["preferences"]);
        assert_eq!(names("email,reason\n", "x.csv"), ["suppressions"]);
        assert_eq!(names("email,list\n", "x.csv"), ["unsubscribes"]);
        assert_eq!(names("domain,subdomains\n", "x.csv"), ["domains"]);
        assert_eq!(names("digest,list,class\n", "x.csv"), ["digests"]);
        for digests in
            ["55502f40dc8b7c769880b10874abc9d0\n", "VVAvQNyLfHaYgLEIdKvJ0A==\n4816aea52be2\n"]
        {
            assert_eq!(names(digests, "x.txt"), ["digests"], "{digests}");
        }
        assert_eq!(names("email,list,colour\n", "x.csv"), [""; 0]);
        assert_eq!(names("", "x.csv"), [""; 0]);
    }

    #[test]
    fn a_file_without_a_header_begins_with_an_address() {
        let seen = Seen::of_start(b"ann@example.com,BOUNCE\n", true, "a/b/Some.CSV.gz");
        assert!(!seen.has_header() && seen.is_bare(2) && !seen.is_bare(1));
        assert_eq!(seen.file(), "some.csv");
        assert!(Seen::of_start(b"mail@,x\n", true, "x").has_header());
    }
}
