//! One address a line: a list of people not to mail, of which nothing else is known (docs/formats.md).

use super::{Field, Format};
use crate::record::SuppressionReason;

const ADDRESS: usize = 0;

/// Nobody says why the addresses are on the list, so nothing is sent to them at all: `manual` withholds
/// both kinds of send. With `--list` they are opted out of that list.
pub(super) const PLAIN: Format = Format {
    name: "plain",
    what: "one address a line",
    fields: &[Field::required(&[
        "email",
        "e-mail",
        "email_address",
        "emailaddress",
        "emailaddress1",
        "mail",
        "recipient",
        "address",
    ])
    .at(0)],
    takes_list: true,
    recognise: |seen| seen.is_bare(1).then_some("an address in its first line, and nothing else"),
    refuse: |seen| {
        let widest = seen.rows().iter().map(Vec::len).chain([seen.names().len()]).max();
        (widest > Some(1)).then(|| "it has more than one column".to_owned())
    },
    read: |row, to| {
        let address = row.needed(ADDRESS)?;
        to.push(match row.list() {
            Some(list) => row.unsubscribe(address, Some(list), None),
            None => row.suppression(address, SuppressionReason::Manual, None),
        });
        Ok(())
    },
    ..Format::BASE
};
