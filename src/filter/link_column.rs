//! One more field for each kept row: the link by which its recipient opts out.
//!
//! The row's own bytes stay as they are, and the field comes after them. A run without it does none of this.

use super::judged::{Judged, Row};
use super::options::Options;
use super::select::Shape;
use crate::address::Policy;
use crate::delimited::ChunkBuffer;
use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// Makes the link of a key and a list, or of everything, and appends it.
type MakeLink = dyn Fn(&[u8], Option<&str>, &mut String) + Send + Sync;

/// The field and how it is filled.
#[derive(Clone)]
pub struct LinkColumn {
    name: String,
    policy: Policy,
    make: Arc<MakeLink>,
}

impl LinkColumn {
    /// A field of this name. `make` appends the link of a key, made by `policy`, and a list, or everything; threads
    /// share it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a name that no header can hold.
    pub fn new(
        name: &str,
        policy: Policy,
        make: impl Fn(&[u8], Option<&str>, &mut String) + Send + Sync + 'static,
    ) -> Result<Self> {
        let name = name.trim();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::usage(
                "the name of the link column is empty, or holds a control character",
            ));
        }
        Ok(Self { name: name.to_owned(), policy, make: Arc::new(make) })
    }

    /// Says that the input has no such column yet, of which these are all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when it has.
    pub(super) fn refuse_taken(&self, names: &[String]) -> Result<()> {
        let same = |name: &&String| name.trim().to_lowercase() == self.name.to_lowercase();
        match names.iter().find(same) {
            None => Ok(()),
            Some(name) => Err(Error::usage(format!(
                "the input has a column `{}` already",
                name.escape_debug()
            ))
            .with_hint("give the links another one with --unsubscribe-url-column")),
        }
    }

    /// Writes what is kept of a chunk that is judged and not yet selected, each row with its link.
    ///
    /// Cost: the kept bytes, and for each kept row its key once more and what making a link costs.
    pub(super) fn write(
        &self,
        chunk: &ChunkBuffer,
        judged: &mut Judged,
        (shape, options): (Shape, &Options),
        out: &mut Vec<u8>,
    ) {
        out.clear();
        let bytes = chunk.bytes();
        let mut at = 0;
        if let Shape::Delimited(dialect) = shape
            && chunk.offset == 0
            && options.header
        {
            let head = bytes.get(..chunk.from).unwrap_or_default();
            let (names, line_end) = head.split_at(head.len() - line_end_bytes(head));
            out.extend_from_slice(names);
            out.push(dialect.delimiter());
            dialect.write_cell(self.name.as_bytes(), out);
            out.extend_from_slice(line_end);
            at = chunk.from;
        }
        let decoded = std::mem::take(&mut judged.decoded);
        let text = if matches!(shape, Shape::Objects) { decoded.text() } else { bytes };
        let rows = std::mem::take(&mut judged.rows);
        let mut link = String::new();
        let mut next_address = 0;
        for (number, row) in rows.iter().enumerate() {
            let (content, end) = (row.content(), row.line_end().end);
            if is_withheld(row) {
                out.extend_from_slice(bytes.get(at..content.start).unwrap_or_default());
                at = end;
                continue;
            }
            out.extend_from_slice(bytes.get(at..content.start).unwrap_or_default());
            // Addresses stand in the order of the rows: those before belong to rows before.
            let rest = judged.addresses.get(next_address..).unwrap_or_default();
            next_address += rest.iter().take_while(|probe| probe.row() < number).count();
            link.clear();
            self.append_link(text, judged, (number, next_address), options, &mut link);
            let content_bytes = bytes.get(content.clone()).unwrap_or_default();
            shape.write_with_link(content_bytes, &self.name, &link, out);
            at = content.end;
        }
        out.extend_from_slice(bytes.get(at..).unwrap_or_default());
        judged.rows = rows;
        judged.decoded = decoded;
    }

    /// The link of row number `row`, whose first address, if it has one, is the one at `address`.
    fn append_link(
        &self,
        text: &[u8],
        judged: &mut Judged,
        (row, address): (usize, usize),
        options: &Options,
        link: &mut String,
    ) {
        let Some(probe) = judged.addresses.get(address).copied().filter(|probe| probe.row() == row)
        else {
            return;
        };
        let of_row = judged.row_lists(text, row);
        let list = only_list(options, of_row.as_deref());
        let address = probe.text(text, &judged.parts, &mut judged.text);
        if let Ok(key) = self.policy.key(address, &mut judged.key) {
            (self.make)(key.as_bytes(), list, link);
        }
    }
}

impl fmt::Debug for LinkColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkColumn({})", self.name)
    }
}

fn is_withheld(row: &Row) -> bool {
    !row.reasons.is_empty()
}

/// The one list that a row is sent for. Of several, a link could only leave one, and the recipient means the mail: so
/// it is for everything then.
fn only_list<'a>(options: &'a Options, of_row: Option<&'a str>) -> Option<&'a str> {
    let of_row = of_row.into_iter().flat_map(|lists| lists.split(';')).map(str::trim);
    let mut lists =
        options.lists.iter().map(String::as_str).chain(of_row).filter(|list| !list.is_empty());
    let first = lists.next()?;
    lists.all(|list| list == first).then_some(first)
}

/// How long the line end is that `bytes` end with.
fn line_end_bytes(bytes: &[u8]) -> usize {
    match bytes {
        [.., b'\r', b'\n'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
