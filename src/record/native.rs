//! A row of one of the native imports (contract §4), before the ledger has seen it.

use super::class::UnknownWord;
use super::contact::Flag;
use super::preference::Preference;
use super::suppression::Suppression;
use super::timestamp::Timestamp;
use super::unsubscribe::Unsubscribe;
use std::fmt;
use std::str::FromStr;

/// The kinds of record that have an import, a table and an export of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The CRM's contacts.
    Contacts,
    /// Unsubscribe records.
    Unsubscribes,
    /// Preferences.
    Preferences,
    /// Suppressions.
    Suppressions,
}

impl Kind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 4] =
        [Self::Contacts, Self::Unsubscribes, Self::Preferences, Self::Suppressions];

    /// The word used on the command line and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Unsubscribes => "unsubscribes",
            Self::Preferences => "preferences",
            Self::Suppressions => "suppressions",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| UnknownWord {
            what: "kind",
            found: word.to_owned(),
            expected: "`contacts`, `unsubscribes`, `preferences` or `suppressions`",
        })
    }
}

/// A contact as a file tells of it: a flag it says nothing about stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// The CRM's id of the contact, trimmed, never empty.
    pub contact_id: String,
    /// The address as it was received.
    pub address: String,
    /// *Bulk Email*; `None` leaves it as it is, which for a new contact is *Allow*.
    pub bulk_email: Option<Flag>,
    /// *Email*; `None` leaves it as it is, which for a new contact is *Allow*.
    pub email_allowed: Option<Flag>,
    /// When the CRM says so, if it does.
    pub at: Option<Timestamp>,
    /// Whether the row tells of an address the contact left: then it says nothing of the contact itself.
    /// So an export says it, for the next ledger.
    pub former: bool,
}

/// A row of a native import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NativeRecord {
    /// Of `contacts`.
    Contact(ContactRow),
    /// Of `unsubscribes`.
    Unsubscribe(Unsubscribe),
    /// Of `preferences`.
    Preference(Preference),
    /// Of `suppressions`.
    Suppression(Suppression),
}

impl NativeRecord {
    /// Which import the row is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Contact(_) => Kind::Contacts,
            Self::Unsubscribe(_) => Kind::Unsubscribes,
            Self::Preference(_) => Kind::Preferences,
            Self::Suppression(_) => Kind::Suppressions,
        }
    }

    /// The address the row is about, as it was received.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Contact(row) => &row.address,
            Self::Unsubscribe(record) => &record.address,
            Self::Preference(record) => &record.address,
            Self::Suppression(record) => &record.address,
        }
    }
}
