//! Vendors' files → the same records that native files hold.
//!
//! A [`Format`] is a value: what a vendor's file is called, how it is recognised, which of its columns
//! are wanted, and a function from one row to records. Everything else (delimiters, quotes, JSON, line
//! numbers, keys, rejects) is the same for all of them. [`FORMATS`] has every format; a new one is a file
//! here and a line there.
//!
//! What a row function keeps to:
//!
//! - A word it does not know is a reject, never a guess. A row that says of itself that nothing is
//!   blocked gives no record.
//! - A row that may block or may not, blocks. Of two classes or scopes a row may mean, the wider one.
//! - The name of a list is the vendor's, trimmed. A vendor's free text (a bounce's reason) is left out: it
//!   may hold addresses.
//! - A time that can't be read is left out, and the record stands; one that ends a block is a reject.

mod json;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod time;

mod clickdimensions;
mod dynamics;
mod hubspot;
mod klaviyo;
mod listmonk;
mod mailchimp;
mod mailgun;
mod mandrill;
mod mautic;
mod optizmo;
mod plain;
mod postmark;
mod sendgrid;
mod ses;
mod sparkpost;

use super::detect::Seen;
use super::reader::{Gather, Taken};
use super::reject::RejectCause;
use crate::address::Policy;
use crate::error::{Error, Result};
use crate::record::{Kind, NativeRow};
pub(super) use json::first_row;
pub use row::{Row, Word};
use std::io::Read;

/// Every format, in the order of their names.
pub const FORMATS: &[&Format] = &[
    &clickdimensions::PREFERENCES,
    &clickdimensions::UNSUBSCRIBES,
    &dynamics::CONTACTS,
    &hubspot::HUBSPOT,
    &klaviyo::KLAVIYO,
    &listmonk::LISTMONK,
    &mailchimp::MAILCHIMP,
    &mailchimp::CLEANED,
    &mailchimp::UNSUBSCRIBED,
    &mailgun::BOUNCES,
    &mailgun::COMPLAINTS,
    &mailgun::UNSUBSCRIBES,
    &mandrill::MANDRILL,
    &mautic::MAUTIC,
    &optizmo::OPTIZMO,
    &plain::PLAIN,
    &postmark::POSTMARK,
    &sendgrid::BLOCKS,
    &sendgrid::BOUNCES,
    &sendgrid::INVALID,
    &sendgrid::SPAM,
    &sendgrid::UNSUBSCRIBES,
    &ses::CONTACTS,
    &ses::SUPPRESSION,
    &sparkpost::SPARKPOST,
];

/// A vendor's file format.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line: vendor and kind of file.
    pub name: &'static str,
    /// What its records are, in the main.
    pub kind: Kind,
    /// What the file is, in a few words.
    pub what: &'static str,
    /// The columns that rows are read by; a row function asks for them by their place here.
    pub fields: &'static [Field],
    /// Where a JSON document has the rows: `None` when there is no JSON of this format, else the names
    /// the array may have in an object. A bare array and one object a line are always read.
    pub json: Option<&'static [&'static str]>,
    /// The field whose cells may be a JSON object without quotes around it, although it holds commas.
    pub object: Option<usize>,
    /// Whether `--list` may name the list that the rows are for.
    pub takes_list: bool,
    /// Whether its files may hold digests.
    pub holds_digests: bool,
    /// What the user must know of these files, after each import.
    pub note: Option<&'static str>,
    /// Says whether a file looks like this format, and by what.
    pub recognise: fn(&Seen) -> Option<&'static str>,
    /// Says why a file can't be read as this format although the user says it is one; mostly because its
    /// name lacks the word that decides.
    pub refuse: fn(&Seen) -> Option<String>,
    /// Says whether a file has no header although its first line holds neither an address nor a digest.
    pub is_bare: fn(&Seen) -> bool,
    /// Reads a row.
    pub read: for<'a> fn(&Row<'a>, &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause>,
}

impl Format {
    /// What a format says that says nothing: to be completed with `..Format::BASE`.
    pub const BASE: Self = Self {
        name: "",
        kind: Kind::Suppressions,
        what: "",
        fields: &[],
        json: None,
        object: None,
        takes_list: false,
        holds_digests: false,
        note: None,
        recognise: |_| None,
        refuse: |_| None,
        is_bare: |_| false,
        read: |_, _| Ok(()),
    };

    /// The columns that a file is read by, each with its name in the file.
    pub(super) fn columns_of(&self, seen: &Seen) -> Vec<(&'static str, Option<String>)> {
        let names = seen.names();
        let places = row::Columns::of_names(self, names.to_vec());
        let named = |(number, field): (usize, &Field)| {
            let place = places.as_ref().ok().and_then(|columns| columns.place(number));
            let column = if seen.has_header() {
                place.and_then(|place| names.get(place).cloned())
            } else {
                field.position.map(|position| (position + 1).to_string())
            };
            (field.name(), column)
        };
        self.fields.iter().enumerate().map(named).collect()
    }

    /// The format of a name; case is ignored.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name.eq_ignore_ascii_case(name.trim())).copied()
    }
}

/// What the files of one archive are together, when one of them by itself does not say it; and by what it
/// was recognised.
#[must_use]
pub fn of_archive(files: &[&Seen]) -> Option<(&'static Format, &'static str)> {
    optizmo::is_download(files).then_some((&optizmo::OPTIZMO, "a list, and a list of domains"))
}

/// A column of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The names it may have, the usual one first; case and surrounding space are ignored.
    pub names: &'static [&'static str],
    /// Whether a file without it can't be read.
    pub required: bool,
    /// Which of several columns of the name; `None` when there may be only one.
    pub occurrence: Option<usize>,
    /// Which column it is, from 0, in a file without a header.
    pub position: Option<usize>,
}

impl Field {
    /// A column that a file must have.
    #[must_use]
    pub const fn required(names: &'static [&'static str]) -> Self {
        Self { names, required: true, occurrence: None, position: None }
    }

    /// A column that a file may have.
    #[must_use]
    pub const fn optional(names: &'static [&'static str]) -> Self {
        Self { names, required: false, occurrence: None, position: None }
    }

    /// This column as one of several with its name, counted from 0.
    #[must_use]
    pub const fn occurrence(self, occurrence: usize) -> Self {
        Self { occurrence: Some(occurrence), ..self }
    }

    /// This column, which stands at `position`, from 0, when a file has no header.
    #[must_use]
    pub const fn at(self, position: usize) -> Self {
        Self { position: Some(position), ..self }
    }

    /// Its usual name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A vendor's file to be read.
#[derive(Debug)]
pub struct VendorFile<'a, R> {
    /// Its text, from the start.
    pub input: R,
    /// Its name, for messages.
    pub name: &'a str,
    /// What its start looks like.
    pub seen: &'a Seen,
    /// What it is.
    pub format: &'static Format,
    /// The list that its rows are for, if the user says so.
    pub list: Option<&'a str>,
    /// How its addresses become keys.
    pub policy: Policy,
}

/// Reads a vendor's file as [`import::read`](super::read) does a native one.
///
/// Memory: that of `import::read` for delimited text; for JSON one row and what 10,000 rows are gathered
/// into.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for a file that can't be read, is not of the format, or
/// lacks one of its columns; and whatever `take` gives.
pub fn read<G: Gather>(
    file: VendorFile<'_, impl Read + Send>,
    gather: impl Fn() -> G + Sync,
    take: impl FnMut(Taken<'_, G>) -> Result<()> + Send,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let VendorFile { name, seen, format, list, .. } = file;
    if list.is_some() && !format.takes_list {
        return Err(Error::usage(format!("a {} file names its lists itself", format.name))
            .with_hint("leave --list out"));
    }
    if let Some(why) = (format.refuse)(seen) {
        return Err(Error::input(format!("`{name}`: {why}")));
    }
    if seen.is_json() {
        json::read(file, gather, take, progress)
    } else {
        table::read(file, gather, take, progress)
    }
}
