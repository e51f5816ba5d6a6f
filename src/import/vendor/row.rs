//! One row of a vendor's file, by the format's columns.

use super::{Field, Format, time};
use crate::delimited::Header;
use crate::error::{Error, Result};
use crate::import::reject::RejectCause;
use crate::record::class::UnknownWord;
use crate::record::{NativeRow, RecordClass, SuppressionReason, Timestamp, UnsubscribeState};
use std::cell::OnceCell;
use std::ops::Range;

/// 2000-01-01.
const EXPIRY_MIN: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// A row, as a format's function is given it. All texts are trimmed; a cell that is not there is empty.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub(super) format: &'static Format,
    pub(super) columns: &'a Columns,
    pub(super) cells: &'a CellTexts<'a>,
    /// The file's name without directories, lower-cased.
    pub(super) file: &'a str,
    pub(super) list: Option<&'a str>,
    pub(super) kept: &'a OnceCell<Vec<String>>,
}

/// Where a file has the columns of its format.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// The names of all columns, as the file has them; empty without a header.
    names: Vec<String>,
    /// The column of each field.
    places: Vec<Option<usize>>,
    /// How many cells a row must have.
    pub(super) width: usize,
}

/// The texts of a row's cells.
#[derive(Debug, Default)]
pub(super) struct CellTexts<'a> {
    pub(super) text: &'a [u8],
    /// Texts that stand nowhere in the file as they are.
    pub(super) made: Vec<u8>,
    pub(super) places: Vec<Place>,
}

/// Where a cell's text stands.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Text(Range<usize>),
    Made(Range<usize>),
}

/// A word of a column that has only some, and what it means.
pub type Word<T> = (&'static str, T);

impl<'a> Row<'a> {
    /// A cell's text, or "".
    ///
    /// # Errors
    ///
    /// Bytes that are no text.
    pub fn text(&self, field: usize) -> Result<&'a str, RejectCause> {
        let Some(place) = self.columns.place(field) else { return Ok("") };
        self.cells.text(place).map_err(|()| RejectCause::NotUtf8(self.name_of(field)))
    }

    /// A cell's text, which must not be empty.
    ///
    /// # Errors
    ///
    /// An empty cell, or bytes that are no text.
    pub fn needed(&self, field: usize) -> Result<&'a str, RejectCause> {
        match self.text(field)? {
            "" => Err(RejectCause::Empty(self.name_of(field))),
            text => Ok(text),
        }
    }

    /// What a word means, case ignored; `None` for an empty cell.
    ///
    /// # Errors
    ///
    /// A word that is not among `words`. `expected` names them for a person.
    pub fn word<T: Copy>(
        &self,
        field: usize,
        words: &[Word<T>],
        expected: &'static str,
    ) -> Result<Option<T>, RejectCause> {
        let found = self.text(field)?;
        if found.is_empty() {
            return Ok(None);
        }
        let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(found));
        known.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            UnknownWord { what: self.name_of(field), found: found.to_owned(), expected }.into()
        })
    }

    /// `true` or `false`, in the words systems have for them; `None` for an empty cell.
    ///
    /// # Errors
    ///
    /// Any other word.
    pub fn yes_or_no(&self, field: usize) -> Result<Option<bool>, RejectCause> {
        const WORDS: &[Word<bool>] = &[
            ("true", true),
            ("yes", true),
            ("1", true),
            ("false", false),
            ("no", false),
            ("0", false),
        ];
        self.word(field, WORDS, "`true` or `false` (`yes`/`no`, `1`/`0`)")
    }

    /// When something happened; `None` for a time that can't be read, because it decides nothing.
    ///
    /// # Errors
    ///
    /// Bytes that are no text.
    pub fn time(&self, field: usize) -> Result<Option<Timestamp>, RejectCause> {
        Ok(time::parse(self.text(field)?))
    }

    /// When a block ends; `None` for an empty cell.
    ///
    /// # Errors
    ///
    /// A time that can't be read, because it may be over or may not; and one before 2000, which is how
    /// systems write that there is none.
    pub fn expiry(&self, field: usize) -> Result<Option<Timestamp>, RejectCause> {
        let text = self.text(field)?;
        if text.is_empty() {
            return Ok(None);
        }
        match time::parse(text) {
            Some(at) if at >= EXPIRY_MIN => Ok(Some(at)),
            _ => Err(RejectCause::Cell {
                column: self.name_of(field).to_owned(),
                fault: format!("`{text}` is no time a block could end"),
            }),
        }
    }

    /// Every column of the file with its text, those of the format included; without a header, none.
    pub fn columns(&self) -> impl Iterator<Item = (&'a str, Result<&'a str, RejectCause>)> {
        let (columns, cells) = (self.columns, self.cells);
        columns.names.iter().enumerate().map(move |(place, name)| {
            let text = cells.text(place).map_err(|()| RejectCause::Cell {
                column: name.clone(),
                fault: "not UTF-8".to_owned(),
            });
            (name.as_str(), text)
        })
    }

    /// The list that the user says the rows are for.
    #[must_use]
    pub fn list(&self) -> Option<&'a str> {
        self.list
    }

    /// The file's name without its directories, lower-cased: where a vendor puts a word that is in no row.
    #[must_use]
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// Keeps texts that the function made, so that records may borrow them. Once a row: what is given
    /// later is dropped, and the first texts come back.
    #[must_use]
    pub fn keep(&self, texts: Vec<String>) -> &'a [String] {
        self.kept.get_or_init(|| texts)
    }

    /// A suppression of every kind of mail, for ever.
    #[must_use]
    pub fn suppression(
        &self,
        address: &'a str,
        reason: SuppressionReason,
        at: Option<Timestamp>,
    ) -> NativeRow<'a> {
        NativeRow::Suppression {
            address,
            reason,
            class: RecordClass::All,
            at,
            expires_at: None,
            source: Some(self.format.name),
        }
    }

    /// An unsubscribe from bulk mail: from a list, or from everything.
    #[must_use]
    pub fn unsubscribe(
        &self,
        address: &'a str,
        list: Option<&'a str>,
        at: Option<Timestamp>,
    ) -> NativeRow<'a> {
        NativeRow::Unsubscribe {
            address,
            list,
            state: UnsubscribeState::Active,
            class: RecordClass::Bulk,
            at,
            source: Some(self.format.name),
        }
    }

    fn name_of(&self, field: usize) -> &'static str {
        self.format.fields.get(field).map(Field::name).unwrap_or_default()
    }
}

impl Columns {
    /// Finds a format's columns by a file's header.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) when a required column is missing, or two columns may
    /// be meant.
    pub(super) fn of_header(format: &Format, header: &Header, file: &str) -> Result<Self> {
        let columns = Self::of_names(format, header.names().to_vec())
            .map_err(|fault| Error::input(format!("`{file}`: {fault}")))?;
        let missing = columns.missing(format);
        if missing.is_empty() {
            return Ok(columns);
        }
        let message =
            format!("`{file}`: no column {}; the headers are {header}", missing.join(", "));
        Err(Error::input(message).with_hint(needs(format)))
    }

    /// The columns of a file without a header whose first row has so many cells.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) when files of the format have a header, or the row is
    /// too short.
    pub(super) fn of_positions(format: &Format, width: usize, file: &str) -> Result<Self> {
        let positions = format.fields.iter().map(|field| field.position);
        let places: Vec<_> = positions.map(|at| at.filter(|at| *at < width)).collect();
        let columns = Self { names: Vec::new(), places, width };
        if columns.missing(format).is_empty() {
            return Ok(columns);
        }
        let message = format!("`{file}` begins with an address: it has no header");
        Err(Error::input(message).with_hint(needs(format)))
    }

    /// Finds a format's columns among names.
    ///
    /// # Errors
    ///
    /// The name that two columns have where only one can be meant.
    pub(super) fn of_names(format: &Format, names: Vec<String>) -> Result<Self, String> {
        let folded: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        let mut places = Vec::with_capacity(format.fields.len());
        for field in format.fields {
            let is_named =
                |name: &String| field.names.iter().any(|known| known.eq_ignore_ascii_case(name));
            let mut found =
                folded.iter().enumerate().filter(|(_, name)| is_named(name)).map(|(at, _)| at);
            let place = found.nth(field.occurrence.unwrap_or(0));
            if field.occurrence.is_none() && found.next().is_some() {
                return Err(format!("two columns are named `{}`", field.names.join("` or `")));
            }
            places.push(place);
        }
        let width = names.len();
        Ok(Self { names, places, width })
    }

    /// The column of a field.
    pub(super) fn place(&self, field: usize) -> Option<usize> {
        self.places.get(field).copied().flatten()
    }

    /// The required columns that are not there, quoted.
    fn missing(&self, format: &Format) -> Vec<String> {
        let fields = format.fields.iter().zip(&self.places);
        fields
            .filter(|(field, place)| field.required && place.is_none())
            .map(|(field, _)| format!("`{}`", field.name()))
            .collect()
    }
}

impl CellTexts<'_> {
    /// A cell's text, trimmed.
    fn text(&self, place: usize) -> Result<&str, ()> {
        let bytes = match self.places.get(place) {
            None => &b""[..],
            Some(Place::Text(range)) => self.text.get(range.clone()).unwrap_or_default(),
            Some(Place::Made(range)) => self.made.get(range.clone()).unwrap_or_default(),
        };
        std::str::from_utf8(bytes).map(str::trim).map_err(|_| ())
    }

    /// Adds a text that is not in the file as it is.
    pub(super) fn make(&mut self, text: &[u8]) {
        let start = self.made.len();
        self.made.extend_from_slice(text);
        self.places.push(Place::Made(start..self.made.len()));
    }
}

/// What a file of the format must have, for a hint.
fn needs(format: &Format) -> String {
    let names = |required: bool| {
        let fields = format.fields.iter().filter(|field| field.required == required);
        fields.map(Field::name).collect::<Vec<_>>().join(",")
    };
    match (names(true), names(false)) {
        (required, optional) if optional.is_empty() => {
            format!("a {} file has {required}", format.name)
        }
        (required, optional) => {
            format!("a {} file has {required}; it may have {optional}", format.name)
        }
    }
}
