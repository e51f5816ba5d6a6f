//! The columns of the native kinds (contract §4), and where a file has them.

use super::RejectCause;
use crate::delimited::{AllCells, Header, NoColumn};
use crate::error::{Error, Result};
use crate::record::digest_value::InvalidDigest;
use crate::record::{DigestValue, Kind};

/// A column of a native file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    ContactId,
    Email,
    BulkEmail,
    EmailAllowed,
    At,
    Former,
    List,
    State,
    Class,
    Source,
    Preference,
    Reason,
    ExpiresAt,
    Domain,
    Subdomains,
    Digest,
    Algorithm,
}

/// How many columns there are.
const COLUMNS: usize = 17;

impl Column {
    /// Its header.
    pub fn name(self) -> &'static str {
        match self {
            Self::ContactId => "contact_id",
            Self::Email => "email",
            Self::BulkEmail => "bulk_email",
            Self::EmailAllowed => "email_allowed",
            Self::At => "at",
            Self::Former => "quell_former",
            Self::List => "list",
            Self::State => "state",
            Self::Class => "class",
            Self::Source => "source",
            Self::Preference => "preference",
            Self::Reason => "reason",
            Self::ExpiresAt => "expires_at",
            Self::Domain => "domain",
            Self::Subdomains => "subdomains",
            Self::Digest => "digest",
            Self::Algorithm => "algorithm",
        }
    }
}

/// The required and optional columns of a kind.
fn columns_of(kind: Kind) -> (&'static [Column], &'static [Column]) {
    use Column::{
        Algorithm, At, BulkEmail, Class, ContactId, Digest, Domain, Email, EmailAllowed, ExpiresAt,
        Former, List, Preference, Reason, Source, State, Subdomains,
    };
    match kind {
        Kind::Contacts => (&[ContactId, Email], &[BulkEmail, EmailAllowed, At, Former]),
        Kind::Unsubscribes => (&[Email], &[List, State, Class, At, Source]),
        Kind::Preferences => (&[Email, List, Preference], &[At, Source]),
        Kind::Suppressions => (&[Email, Reason], &[Class, At, ExpiresAt, Source]),
        Kind::Domains => (&[Domain], &[Subdomains, At, Source]),
        Kind::Digests => (&[Digest], &[Algorithm, List, Class, Source]),
    }
}

/// The columns of a kind, the required ones first.
pub(super) fn names_of(kind: Kind) -> Vec<&'static str> {
    let (required, optional) = columns_of(kind);
    required.iter().chain(optional).map(|column| column.name()).collect()
}

/// The kinds that a file may be by its columns.
pub(super) fn kinds_of(seen: &super::detect::Seen) -> Vec<Kind> {
    let is_of = |kind: &Kind| {
        let (required, optional) = columns_of(*kind);
        let names = |columns: &[Column]| columns.iter().map(|c| c.name()).collect::<Vec<_>>();
        let (required, optional) = (names(required), names(optional));
        match kind {
            Kind::Contacts => seen.has_all(&required),
            _ => seen.is_exactly(&required, &optional),
        }
    };
    if seen.is_json() {
        return Vec::new();
    }
    if let (false, Some([first])) = (seen.has_header(), seen.rows().first().map(Vec::as_slice)) {
        return if is_digest(first) { vec![Kind::Digests] } else { Vec::new() };
    }
    Kind::ALL.into_iter().filter(is_of).collect()
}

/// Says whether a line is a digest, or means to be one.
fn is_digest(line: &str) -> bool {
    DigestValue::parse(line, None) != Err(InvalidDigest::NotADigest)
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(",")
}

/// Where a file has the columns of its kind.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS],
    width: usize,
}

impl Columns {
    /// Finds the columns of `kind` in a file whose first record is `header`, and where its rows begin.
    ///
    /// A list of digests may have no header: when its first line is one cell and a digest, it is a row.
    pub fn of_file(kind: Kind, header: &Header, name: &str) -> Result<(Self, usize)> {
        if let (Kind::Digests, [first]) = (kind, header.names())
            && is_digest(first)
        {
            let mut places = [None; COLUMNS];
            places[Column::Digest as usize] = Some(0);
            return Ok((Self { places, width: 1 }, header.record().start));
        }
        Ok((Self::of(kind, header, name)?, header.record().end))
    }

    /// Finds the columns of `kind` in a header. Columns of other names are ignored.
    pub fn of(kind: Kind, header: &Header, name: &str) -> Result<Self> {
        let (required, optional) = columns_of(kind);
        let mut places = [None; COLUMNS];
        let mut missing = Vec::new();
        for column in required.iter().chain(optional) {
            match header.column(column.name()) {
                Ok(place) => places[*column as usize] = Some(place),
                Err(NoColumn::Missing) if optional.contains(column) => {}
                Err(NoColumn::Missing) => missing.push(format!("`{}`", column.name())),
                Err(NoColumn::Several(_)) => {
                    let column = column.name();
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
                names(required),
                names(optional)
            )));
        }
        Ok(Self { places, width: header.names().len() })
    }

    /// How many cells a row must have.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// One row's cells, by column.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub columns: &'a Columns,
    pub text: &'a [u8],
    pub cells: &'a AllCells,
}

impl<'a> Cells<'a> {
    /// The raw bytes of a cell's text, empty when the file has no such column.
    pub fn bytes(&self, column: Column, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let place = self.columns.places[column as usize];
        let cell = place.and_then(|place| self.cells.as_slice().get(place));
        cell.map_or(&b""[..], |cell| cell.text(self.text, scratch))
    }

    /// A cell's text without surrounding space, or `None` when it is empty or there is no such column.
    pub fn word(
        &self,
        column: Column,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Option<&'a str>, RejectCause> {
        let bytes = self.bytes(column, scratch);
        if bytes.is_empty() {
            return Ok(None);
        }
        let text =
            std::str::from_utf8(bytes).map_err(|_| RejectCause::NotUtf8(column.name()))?.trim();
        Ok((!text.is_empty()).then_some(text))
    }
}
