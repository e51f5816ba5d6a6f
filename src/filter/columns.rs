//! Which cells of a row hold its addresses, its contact id and its lists.

use super::options::{ColumnChoice, Options};
use crate::delimited::{Header, NoColumn};
use crate::error::{Error, Result};

/// The header names that mean an address (contract §4); case and surrounding space are ignored.
const ADDRESS_NAMES: [&str; 8] = [
    "email",
    "e-mail",
    "email_address",
    "emailaddress",
    "emailaddress1",
    "mail",
    "recipient",
    "address",
];

/// The columns of a run, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The address columns, at least one.
    pub emails: Vec<usize>,
    /// The contact id's column.
    pub contact: Option<usize>,
    /// The lists' column.
    pub list: Option<usize>,
}

impl Columns {
    /// The columns of a file with this header.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), naming the headers, when a column asked for is
    /// not there or not alone, or when not exactly one header means an address.
    pub fn of_header(header: &Header, options: &Options) -> Result<Self> {
        let named = |choice: &ColumnChoice| resolve(header, choice);
        let emails = if options.email_columns.is_empty() {
            vec![address_column(header)?]
        } else {
            options.email_columns.iter().map(named).collect::<Result<_>>()?
        };
        Ok(Self {
            emails,
            contact: options.contact_column.as_ref().map(named).transpose()?,
            list: options.list_column.as_ref().map(named).transpose()?,
        })
    }

    /// The columns of a file without a header, whose first record has `width` cells and whose widest
    /// one at its start has `widest`: a ragged first row says nothing of the others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when a column is given by name or beyond the
    /// widest record, or none is given and the file has several.
    pub fn without_header(width: usize, widest: usize, options: &Options) -> Result<Self> {
        let numbered = |choice: &ColumnChoice| match choice.number() {
            Some(column) if column < widest => Ok(column),
            Some(_) => {
                let message =
                    format!("no column {}; no row has more than {widest}", choice.0.trim());
                Err(Error::usage(message).with_hint("is the delimiter what it should be?"))
            }
            None => {
                let message =
                    format!("column `{}`: a file without a header has only numbers", choice.0);
                Err(Error::usage(message)
                    .with_hint("count the columns from 1, or leave out --no-header"))
            }
        };
        let emails = match options.email_columns.as_slice() {
            [] if width <= 1 => vec![0],
            [] => {
                let message = format!("which of the {width} columns holds the address?");
                return Err(Error::usage(message).with_hint("say --email-column N, counted from 1"));
            }
            chosen => chosen.iter().map(numbered).collect::<Result<_>>()?,
        };
        Ok(Self {
            emails,
            contact: options.contact_column.as_ref().map(numbered).transpose()?,
            list: options.list_column.as_ref().map(numbered).transpose()?,
        })
    }

    /// The column of `header` that means an address, if exactly one does.
    #[must_use]
    pub fn address_of(header: &Header) -> Option<usize> {
        address_column(header).ok()
    }

    /// All columns.
    pub fn all(&self) -> impl Iterator<Item = usize> + '_ {
        self.emails.iter().copied().chain(self.contact).chain(self.list)
    }
}

impl ColumnChoice {
    /// The column, from 0, if the choice is a number from 1.
    fn number(&self) -> Option<usize> {
        self.0.trim().parse::<usize>().ok()?.checked_sub(1)
    }
}

/// Says whether a column's name means an address; case and surrounding space are ignored.
pub(super) fn means_address(name: &str) -> bool {
    ADDRESS_NAMES.contains(&name.trim().to_lowercase().as_str())
}

fn address_column(header: &Header) -> Result<usize> {
    let mut found: Vec<usize> =
        ADDRESS_NAMES.iter().flat_map(|name| header.columns_named(name)).collect();
    found.sort_unstable();
    match found.as_slice() {
        [column] => Ok(*column),
        [] => Err(Error::usage(format!("no column means an address; the headers are {header}"))
            .with_hint("say --email-column NAME, or --no-header if the first row is a recipient")),
        several => {
            let names: Vec<String> =
                several.iter().map(|at| format!("`{}`", header.names()[*at])).collect();
            let message =
                format!("{} columns mean an address: {}", several.len(), names.join(", "));
            let numbers: Vec<String> = several.iter().map(|at| (at + 1).to_string()).collect();
            Err(Error::usage(message).with_hint(format!(
                "say --email-column NAME, once for each to be used; their numbers are {}",
                numbers.join(", ")
            )))
        }
    }
}

fn resolve(header: &Header, choice: &ColumnChoice) -> Result<usize> {
    let missing = || Error::usage(format!("no column `{}`; the headers are {header}", choice.0));
    match header.column(&choice.0) {
        Ok(column) => Ok(column),
        Err(NoColumn::Several(numbers)) => {
            let message = format!("{} columns are named `{}`", numbers.len(), choice.0);
            Err(Error::usage(message).with_hint(format!("give one by its number: {numbers:?}")))
        }
        Err(NoColumn::Missing) => match choice.number() {
            Some(column) if column < header.names().len() => Ok(column),
            _ => Err(missing()),
        },
    }
}
