//! The blocks of an erased address, without any text of the person: no address, no source, no contact's id. They
//! come back when the erasure is lifted.

use crate::error::Result;
use crate::ledger::erase::{Pseudonym, from_hex, hex};
use crate::ledger::sqlite::codes::{Coded, list_column, micros};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::Flags;
use crate::ledger::{Record, StoredRecord};
use crate::record::{Choice, Contact, Timestamp, Unsubscribe};
use serde::{Deserialize, Serialize};

/// A block as it is parked: the values as the tables' columns hold them, with their codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(in crate::ledger::sqlite) enum Parked {
    /// A row of a contact, which is named by its pseudonym.
    Contact { contact: String, former: bool, flags: i64, at: Option<i64>, recorded_at: i64 },
    /// An unsubscribe record; list '' is everywhere.
    Unsubscribe { list: String, state: i64, class: i64, at: Option<i64>, recorded_at: i64 },
    /// A preference.
    Preference { list: String, choice: i64, at: Option<i64>, recorded_at: i64 },
    /// A suppression.
    Suppression {
        reason: i64,
        class: i64,
        at: Option<i64>,
        expires_at: Option<i64>,
        recorded_at: i64,
    },
}

impl Parked {
    /// What is parked of a record of an address; of a contact's row with the contact's pseudonym.
    pub(super) fn of(stored: &StoredRecord, contact: impl Fn(&str) -> Pseudonym) -> Option<Self> {
        let recorded_at = stored.recorded_at.as_micros();
        Some(match &stored.record {
            Record::Contact(row) => Self::contact(&contact(&row.contact_id), row, recorded_at),
            Record::Unsubscribe(record) => Self::unsubscribe(record, stored.recorded_at),
            Record::Preference(record) => Self::Preference {
                list: record.list.clone(),
                choice: record.choice.code(),
                at: micros(record.at),
                recorded_at,
            },
            Record::Suppression(record) => Self::Suppression {
                reason: record.reason.code(),
                class: record.class.code(),
                at: micros(record.at),
                expires_at: micros(record.expires_at),
                recorded_at,
            },
            // Of no address.
            Record::Domain(_) | Record::Digest(_) => return None,
        })
    }

    fn contact(pseudonym: &Pseudonym, row: &Contact, recorded_at: i64) -> Self {
        Self::Contact {
            contact: hex(pseudonym),
            former: row.former,
            flags: Flags::of(row).bits(),
            at: micros(row.at),
            recorded_at,
        }
    }

    /// What is parked of an unsubscribe.
    pub(super) fn unsubscribe(record: &Unsubscribe, recorded_at: Timestamp) -> Self {
        Self::Unsubscribe {
            list: list_column(record.list.as_deref()).to_owned(),
            state: record.state.code(),
            class: record.class.code(),
            at: micros(record.at),
            recorded_at: recorded_at.as_micros(),
        }
    }

    /// Says whether both are of one record, as the tables' keys say it.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Contact { contact, former, .. },
                Self::Contact { contact: its, former: was, .. },
            ) => contact == its && former == was,
            (
                Self::Unsubscribe { list, state, class, .. },
                Self::Unsubscribe { list: its, state: in_state, class: of_class, .. },
            ) => list == its && state == in_state && class == of_class,
            (Self::Preference { list, .. }, Self::Preference { list: its, .. }) => list == its,
            (
                Self::Suppression { reason, class, .. },
                Self::Suppression { reason: its, class: of_class, .. },
            ) => reason == its && class == of_class,
            _ => false,
        }
    }

    /// Takes in what is said of the same record again: as an import does, it only tightens.
    fn tighten(&mut self, said: Self) -> Result<bool> {
        let before = self.clone();
        match (self, said) {
            (Self::Contact { flags, at, .. }, Self::Contact { flags: said, at: then, .. }) => {
                let both = Flags::of_bits(*flags)?.union(Flags::of_bits(said)?).bits();
                if both != *flags {
                    (*flags, *at) = (both, then);
                    return Ok(true);
                }
                Ok(false)
            }
            (this @ Self::Preference { .. }, said @ Self::Preference { .. }) => {
                let out = |parked: &Self| matches!(parked, Self::Preference { choice, .. } if *choice == Choice::Out.code());
                if out(&said) && !out(this) {
                    *this = said;
                }
                Ok(*this != before)
            }
            (Self::Suppression { expires_at, .. }, Self::Suppression { expires_at: until, .. }) => {
                if let (Some(was), Some(now)) = (*expires_at, until) {
                    *expires_at = Some(was.max(now));
                } else {
                    *expires_at = None;
                }
                Ok(*expires_at != before.expiry())
            }
            _ => Ok(false),
        }
    }

    fn expiry(&self) -> Option<i64> {
        if let Self::Suppression { expires_at, .. } = self { *expires_at } else { None }
    }
}

/// Adds a block to those parked; says whether that changed them.
pub(in crate::ledger::sqlite) fn add(parked: &mut Vec<Parked>, said: Parked) -> Result<bool> {
    if let Some(known) = parked.iter_mut().find(|known| known.is_same(&said)) {
        return known.tighten(said);
    }
    parked.push(said);
    Ok(true)
}

/// Makes the row that a contact has there one that it left, as it is; says whether there was one.
pub(super) fn leave(parked: &mut Vec<Parked>, pseudonym: &Pseudonym) -> Result<bool> {
    let name = hex(pseudonym);
    let is_current = |known: &Parked| matches!(known, Parked::Contact { contact, former: false, .. } if *contact == name);
    let Some(place) = parked.iter().position(is_current) else { return Ok(false) };
    let mut left = parked.remove(place);
    if let Parked::Contact { former, .. } = &mut left {
        *former = true;
    }
    add(parked, left)?;
    Ok(true)
}

/// The pseudonym of a parked contact.
pub(super) fn pseudonym(word: &str) -> Result<Pseudonym> {
    from_hex(word).ok_or_else(|| damaged("the name of an erased contact"))
}
