//! The columns of the native kinds (contract §4), and where a file has them.

use crate::delimited::{AllCells, Header, NoColumn};
use crate::error::{Error, Result};
use crate::record::Kind;

/// The required and optional columns of a kind.
fn columns_of(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Contacts => {
            (&["contact_id", "email"], &["bulk_email", "email_allowed", "at", "quell_former"])
        }
        Kind::Unsubscribes => (&["email"], &["list", "state", "class", "at", "source"]),
        Kind::Preferences => (&["email", "list", "preference"], &["at", "source"]),
        Kind::Suppressions => (&["email", "reason"], &["class", "at", "expires_at", "source"]),
    }
}

/// Where a file has the columns of its kind.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    places: Vec<(&'static str, usize)>,
    width: usize,
}

impl Columns {
    /// Finds the columns of `kind` in a header. Columns of other names are ignored.
    pub fn of(kind: Kind, header: &Header, name: &str) -> Result<Self> {
        let (required, optional) = columns_of(kind);
        let mut places = Vec::new();
        let mut missing = Vec::new();
        for column in required.iter().chain(optional) {
            match header.column(column) {
                Ok(place) => places.push((*column, place)),
                Err(NoColumn::Missing) if optional.contains(column) => {}
                Err(NoColumn::Missing) => missing.push(format!("`{column}`")),
                Err(NoColumn::Several(_)) => {
                    let message = format!("`{name}`: two columns are named `{column}`");
                    return Err(Error::input(message).with_hint("rename or remove one of them"));
                }
            }
        }
        if !missing.is_empty() {
            let message =
                format!("`{name}`: no column {}; the headers are {header}", missing.join(", "));
            return Err(Error::input(message).with_hint(format!(
                "{kind} need {}; optional are {}",
                required.join(","),
                optional.join(",")
            )));
        }
        Ok(Self { places, width: header.names().len() })
    }

    /// How many cells a row must have.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// One row's cells, by column name.
pub(super) struct Cells<'a> {
    pub columns: &'a Columns,
    pub text: &'a [u8],
    pub cells: &'a AllCells,
}

impl Cells<'_> {
    /// The raw bytes of a cell's text, empty when the file has no such column.
    pub fn bytes<'s>(&'s self, column: &str, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let place = self.columns.places.iter().find(|(name, _)| *name == column);
        let cell = place.and_then(|(_, place)| self.cells.as_slice().get(*place));
        cell.map_or(&b""[..], |cell| cell.text(self.text, scratch))
    }

    /// A cell's text without surrounding space, or `None` when it is empty or there is no such column.
    pub fn word(&self, column: &'static str) -> Result<Option<String>, super::RejectCause> {
        let mut scratch = Vec::new();
        let text = std::str::from_utf8(self.bytes(column, &mut scratch))
            .map_err(|_| super::RejectCause::NotUtf8(column))?;
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}
