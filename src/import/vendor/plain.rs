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
        let first = if seen.has_header() {
            Some(seen.names())
        } else {
            seen.rows().first().map(Vec::as_slice)
        };
        first.is_some_and(|first| first.len() > 1).then(|| "it has more than one column".to_owned())
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

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    #[test]
    fn a_line_is_an_address_and_nothing_else() {
        let text = "one@example.com\n\n Two@Example.org \nAnn <three@example.com>";
        assert_eq!(detected("list.txt", text), ["plain"]);
        assert_eq!(
            rows(&PLAIN, "list.txt", text),
            ["manual one@example.com", "manual Two@Example.org", "manual Ann <three@example.com>"]
        );
        assert_eq!(
            rejects(&PLAIN, "list.txt", "a@example.com\n@example.com\nb@example.com,c\n"),
            ["2: email: nothing before the `@`", "3: 2 cells where the header has 1"]
        );
    }

    #[test]
    fn a_list_makes_opt_outs_of_them() {
        let outcome = outcome(&PLAIN, "x.txt", "a@example.com\n", Some("news")).unwrap();
        assert_eq!(outcome.rows, ["unsubscribe a@example.com from list news"]);
    }

    #[test]
    fn a_header_is_none_of_the_addresses_and_other_columns_are_refused() {
        assert_eq!(rows(&PLAIN, "x.csv", "E-Mail\na@example.com\n"), ["manual a@example.com"]);
        assert!(
            outcome(&PLAIN, "x.csv", "email,status\na@example.com,subscribed\n", None).is_err()
        );
        assert_eq!(detected("x.csv", "a@example.com,subscribed\n"), [""; 0]);
    }
}
