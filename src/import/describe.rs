//! A record in a few words, for a person who looks before importing.

use crate::record::{Choice, Flag, NativeRow, RecordClass, Timestamp, UnsubscribeState};
use std::fmt::{self, Display};

/// A record in one line, its address as it is: `complaint ann@example.com, since 2026-03-01T00:00:00Z`.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a>(pub &'a NativeRow<'a>);

impl Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            NativeRow::Contact {
                contact_id, address, bulk_email, email_allowed, former, ..
            } => {
                let former = if former { "former " } else { "" };
                write!(f, "{former}contact {contact_id} {address}")?;
                write_flag(f, "bulk email", bulk_email)?;
                write_flag(f, "email", email_allowed)
            }
            NativeRow::Unsubscribe { address, list, state, class, at, .. } => {
                write!(f, "unsubscribe {address} from ")?;
                match list {
                    Some(list) => write!(f, "list {list}")?,
                    None => f.write_str("everything")?,
                }
                if state == UnsubscribeState::Inactive {
                    f.write_str(", inactive")?;
                }
                write_class(f, class, RecordClass::Bulk)?;
                write_time(f, "since", at)
            }
            NativeRow::Preference { address, list, choice, at, .. } => {
                let choice = if choice == Choice::Out { "out of" } else { "in" };
                write!(f, "preference {address} {choice} list {list}")?;
                write_time(f, "since", at)
            }
            NativeRow::Suppression { address, reason, class, at, expires_at, .. } => {
                write!(f, "{} {address}", reason.as_str())?;
                write_class(f, class, RecordClass::All)?;
                write_time(f, "since", at)?;
                write_time(f, "until", expires_at)
            }
        }
    }
}

fn write_flag(f: &mut fmt::Formatter<'_>, what: &str, flag: Option<Flag>) -> fmt::Result {
    flag.map_or(Ok(()), |flag| write!(f, ", {what} {}", flag.as_str()))
}

/// A class is told when it is not the usual one of the record.
fn write_class(f: &mut fmt::Formatter<'_>, class: RecordClass, usual: RecordClass) -> fmt::Result {
    if class == usual { Ok(()) } else { write!(f, ", class {}", class.as_str()) }
}

fn write_time(f: &mut fmt::Formatter<'_>, what: &str, at: Option<Timestamp>) -> fmt::Result {
    at.map_or(Ok(()), |at| write!(f, ", {what} {at}"))
}
