//! HubSpot: "export unsubscribes and bounces", and the list of addresses for its opt-out import.
//!
//! The export has a column for what holds everywhere, and then one for each subscription type, whose
//! header is the type's name.

use super::{Field, Format, Row};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

/// What a column means, by its header.
enum Column {
    /// A hard bounce: `TRUE` or what the other server said.
    Bounce,
    Unsubscribe,
    Spam,
    /// Nothing that withholds mail.
    Other,
    /// A subscription type.
    Type,
}

/// Headers of the export that stand for everything, and what else a file may say of a contact.
const COLUMNS: &[(&str, Column)] = &[
    ("portal bounce", Column::Bounce),
    ("global bounce", Column::Bounce),
    ("portal unsubscribe", Column::Unsubscribe),
    ("global unsubscribe", Column::Unsubscribe),
    ("portal spam report", Column::Spam),
    ("global spam report", Column::Spam),
    ("first name", Column::Other),
    ("last name", Column::Other),
    ("contact id", Column::Other),
    ("record id", Column::Other),
];

/// Unsubscribes and bounces of a portal.
pub(super) const HUBSPOT: Format = Format {
    name: "hubspot",
    kind: Kind::Unsubscribes,
    what: "HubSpot's unsubscribes and bounces, or a list for its opt-out import",
    // Subscription types have columns of their own names, so rows are read by all of their columns.
    fields: &[
        Field::optional(&["Email", "Email Address", "E-mail"]).occurrence(0),
        Field::optional(&["Portal Bounce"]).occurrence(0),
        Field::optional(&["Portal Unsubscribe"]).occurrence(0),
        Field::optional(&["Portal Spam Report"]).occurrence(0),
        Field::optional(&["Global Bounce"]).occurrence(0),
    ],
    recognise,
    refuse,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let has = seen.has_one_of(&["Portal Unsubscribe", "Portal Bounce", "Portal Spam Report"]);
    has.then_some("its columns Portal Bounce and Portal Unsubscribe")
}

fn refuse(seen: &Seen) -> Option<String> {
    let has = seen.names().iter().any(|name| is_address_column(name));
    (!has).then(|| "no column is named after e-mail".to_owned())
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let mut address = None;
    let mut is_export = false;
    for (name, text) in row.columns() {
        if address.is_none() && is_address_column(name) {
            address = Some(text?);
        }
        is_export |= !matches!(column(name), Column::Type | Column::Other);
    }
    let address = address.filter(|text| !text.is_empty()).ok_or(RejectCause::Empty("Email"))?;
    if !is_export {
        // A list for the opt-out import: who is on it gets no marketing mail.
        records.push(row.unsubscribe(address, None, None));
        return Ok(());
    }
    let mut is_address = true;
    let (mut unsubscribed, mut bounced, mut spam) = (false, false, false);
    for (name, text) in row.columns() {
        if is_address && is_address_column(name) {
            is_address = false;
            continue;
        }
        let text = text?;
        match column(name) {
            Column::Other => {}
            // The cell may hold the other server's words: all but FALSE is a bounce.
            Column::Bounce => bounced |= !text.is_empty() && !text.eq_ignore_ascii_case("false"),
            Column::Unsubscribe => unsubscribed |= is_true(name, text)?,
            Column::Spam => spam |= is_true(name, text)?,
            Column::Type if is_true(name, text)? => {
                records.push(row.unsubscribe(address, Some(name.trim()), None));
            }
            Column::Type => {}
        }
    }
    if unsubscribed {
        records.push(row.unsubscribe(address, None, None));
    }
    if bounced {
        records.push(row.suppression(address, SuppressionReason::Bounce, None));
    }
    if spam {
        records.push(row.suppression(address, SuppressionReason::Complaint, None));
    }
    Ok(())
}

fn is_address_column(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("email") || name.contains("e-mail")
}

fn column(name: &str) -> &'static Column {
    let known = COLUMNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    known.map_or(&Column::Type, |(_, column)| column)
}

fn is_true(name: &str, text: &str) -> Result<bool, RejectCause> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "" | "false" => Ok(false),
        _ => Err(RejectCause::Cell {
            column: name.trim().to_owned(),
            fault: format!("unknown value `{text}`, expected `TRUE` or `FALSE`"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    const HEADER: &str =
        "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce,Email Digest\n";

    #[test]
    fn every_column_that_says_something_is_a_record_of_the_row() {
        let text = format!(
            "{HEADER}ann@example.com,TRUE,TRUE,TRUE,TRUE,TRUE\n\
             bob@example.com,\"550 5.1.1, gone\",,,,\n\
             cleo@example.com,FALSE,false,False,FALSE,true\n\
             dan@example.com,,,,,\n\
             eva@example.com,,,,550 no,\n"
        );
        assert_eq!(detected("export.csv", &text), ["hubspot"]);
        assert_eq!(
            rows(&HUBSPOT, "export.csv", text),
            [
                "unsubscribe ann@example.com from list Email Digest; \
                 unsubscribe ann@example.com from everything; \
                 bounce ann@example.com; complaint ann@example.com",
                "bounce bob@example.com",
                "unsubscribe cleo@example.com from list Email Digest",
                "",
                "bounce eva@example.com",
            ]
        );
    }

    #[test]
    fn any_other_value_is_a_reject_and_names_its_column() {
        for (row, column) in [
            (",maybe,,,", "Portal Unsubscribe"),
            (",,1,,", "Portal Spam Report"),
            (",TRUE,,,2026-01-01", "Email Digest"),
        ] {
            let found = rejects(&HUBSPOT, "x.csv", format!("{HEADER}ann@example.com,{row}\n"));
            assert_eq!(found.len(), 1, "{row}");
            assert!(found[0].starts_with(&format!("2: {column}:")), "{found:?}");
        }
    }

    #[test]
    fn what_holds_everywhere_is_no_list() {
        let text = "Email,Portal Unsubscribe,Global Unsubscribe\nann@example.com,,TRUE\n";
        assert_eq!(rows(&HUBSPOT, "x.csv", text), ["unsubscribe ann@example.com from everything"]);
    }

    #[test]
    fn the_address_is_in_the_first_column_named_after_it() {
        let text = "Name,Your E-Mail,Portal Bounce\nAnn,ann@example.com,TRUE\n";
        // `Name` is no column of the export, and so a subscription type.
        assert_eq!(
            rejects(&HUBSPOT, "x.csv", text),
            ["2: Name: unknown value `Ann`, expected `TRUE` or `FALSE`"]
        );
        assert!(outcome(&HUBSPOT, "x.csv", "Name,Portal Bounce\nAnn,TRUE\n", None).is_err());
    }
}
