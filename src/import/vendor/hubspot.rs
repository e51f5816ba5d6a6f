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
    ("portal bounces", Column::Bounce),
    ("global bounce", Column::Bounce),
    ("global bounces", Column::Bounce),
    ("portal unsubscribe", Column::Unsubscribe),
    ("portal unsubscribes", Column::Unsubscribe),
    ("global unsubscribe", Column::Unsubscribe),
    ("global unsubscribes", Column::Unsubscribe),
    ("portal spam report", Column::Spam),
    ("portal spam reports", Column::Spam),
    ("global spam report", Column::Spam),
    ("global spam reports", Column::Spam),
    ("first name", Column::Other),
    ("last name", Column::Other),
    ("contact id", Column::Other),
    ("record id", Column::Other),
];

/// Parts of headers that stand for every subscription type, in whatever words they are put.
const FROM_ALL: &[&str] = &["unsubscribed from all", "opted out of all"];

const ADDRESSES: &[&str] = &["Email", "Email Address", "E-mail", "E-mail Address"];

/// Unsubscribes and bounces of a portal.
pub(super) const HUBSPOT: Format = Format {
    name: "hubspot",
    kind: Kind::Unsubscribes,
    what: "HubSpot's unsubscribes and bounces, or a list for its opt-out import",
    // Subscription types have columns of their own names, so rows are read by all of their columns.
    fields: &[
        Field::optional(ADDRESSES).occurrence(0),
        Field::optional(&["Portal Bounce", "Portal Bounces"]).occurrence(0),
        Field::optional(&["Portal Unsubscribe", "Portal Unsubscribes"]).occurrence(0),
        Field::optional(&["Portal Spam Report", "Portal Spam Reports"]).occurrence(0),
        Field::optional(&["Global Bounce", "Global Bounces"]).occurrence(0),
    ],
    recognise,
    refuse,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let has = (1..=3).any(|field| seen.has_one_of(HUBSPOT.fields[field].names));
    has.then_some("its columns Portal Bounce and Portal Unsubscribe")
}

fn refuse(seen: &Seen) -> Option<String> {
    let names = || seen.names().iter().map(String::as_str);
    if let Some(name) = names().find(|name| is_unknown_total(name)) {
        let name = name.trim();
        return Some(format!("what the column `{name}` withholds is not known"));
    }
    address_place(names()).is_none().then(|| "no column is named after e-mail".to_owned())
}

/// Says whether a header is one for everything, and none that is known: a type is not named so.
fn is_unknown_total(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    let rest = ["portal", "global"].iter().find_map(|word| lower.strip_prefix(word));
    let is_total = rest.is_some_and(|rest| rest.starts_with([' ', '_', '-']));
    is_total && matches!(column(name), Column::Type)
}

/// The column that has the address: the one of that name, else the first whose header has it in it.
fn address_place<'n>(mut names: impl Iterator<Item = &'n str> + Clone) -> Option<usize> {
    let is_exact = |name: &str| ADDRESSES.iter().any(|a| a.eq_ignore_ascii_case(name.trim()));
    let like = names.clone().position(|name| {
        let lower = name.to_ascii_lowercase();
        let is_like = lower.contains("email") || lower.contains("e-mail");
        is_like && matches!(column(name), Column::Type)
    });
    names.position(is_exact).or(like)
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let names: Vec<&str> = row.columns().map(|(name, _)| name).collect();
    let place = address_place(names.iter().copied()).ok_or(RejectCause::Empty("Email"))?;
    let address = row.columns().nth(place).map_or(Ok(""), |(_, text)| text)?;
    if address.is_empty() {
        return Err(RejectCause::Empty("Email"));
    }
    let is_export = names.iter().any(|name| !matches!(column(name), Column::Type | Column::Other));
    if !is_export {
        // A list for the opt-out import: who is on it gets no marketing mail.
        records.push(row.unsubscribe(address, None, None));
        return Ok(());
    }
    let (mut unsubscribed, mut bounced, mut spam) = (false, false, false);
    for (number, (name, text)) in row.columns().enumerate() {
        if number == place {
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

fn column(name: &str) -> &'static Column {
    let known = COLUMNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    let of_rest = || {
        let lower = name.to_ascii_lowercase();
        let is_from_all = FROM_ALL.iter().any(|part| lower.contains(part));
        if is_from_all { &Column::Unsubscribe } else { &Column::Type }
    };
    known.map_or_else(of_rest, |(_, column)| column)
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
    fn a_column_for_everything_is_known_by_other_names_or_refused() {
        let text = "Unsubscribed from all email,Opted out of all email: x,Email,Portal Bounces,\
                    Portal Unsubscribes,Portal Spam Reports\n\
                    TRUE,,ann@example.com,,,\n,true,bob@example.com,,,\n\
                    ,,cleo@example.com,TRUE,true,TRUE\nFALSE,,dan@example.com,,,\n";
        assert_eq!(detected("x.csv", text), ["hubspot"]);
        assert_eq!(
            rows(&HUBSPOT, "x.csv", text),
            [
                "unsubscribe ann@example.com from everything",
                "unsubscribe bob@example.com from everything",
                "unsubscribe cleo@example.com from everything; bounce cleo@example.com; \
                 complaint cleo@example.com",
                "",
            ]
        );
        for header in ["Portal Opt-out", "Global Quarantine", "portal_unsubscribe"] {
            let text = format!("Email,Portal Bounce,{header}\nann@example.com,,TRUE\n");
            let error = outcome(&HUBSPOT, "x.csv", text, None).unwrap_err();
            assert!(error.to_string().contains(header), "{error}");
        }
    }

    #[test]
    fn the_column_named_email_has_the_address_wherever_it_stands() {
        for header in ["Email", " E-MAIL ", "Email Address"] {
            let text = format!("Email Digest,{header},Portal Bounce\nTRUE,ann@example.com,\n");
            let want = "unsubscribe ann@example.com from list Email Digest";
            assert_eq!(rows(&HUBSPOT, "x.csv", text), [want], "{header}");
        }
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
