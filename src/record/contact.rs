//! A record of the sender's CRM, and its two flags.

use super::class::UnknownWord;
use super::timestamp::Timestamp;
use std::str::FromStr;

/// One of a contact's two flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Flag {
    /// Mail is allowed.
    #[default]
    Allow,
    /// Mail is not allowed.
    DoNotAllow,
}

impl Flag {
    /// The word used in files and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::DoNotAllow => "Do Not Allow",
        }
    }

    /// Says whether the flag withholds mail.
    #[must_use]
    pub fn is_denied(self) -> bool {
        self == Self::DoNotAllow
    }
}

impl FromStr for Flag {
    type Err = UnknownWord;

    /// Contract §4: `Allow`/`Do Not Allow`, `true`/`false`, `1`/`0`, in any case. Any other word is
    /// an error, never *Allow*.
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.trim().to_ascii_lowercase().as_str() {
            "allow" | "true" | "1" => Ok(Self::Allow),
            "do not allow" | "false" | "0" => Ok(Self::DoNotAllow),
            _ => Err(UnknownWord {
                what: "flag",
                found: word.to_owned(),
                expected: "`Allow` or `Do Not Allow` (`true`/`false`, `1`/`0`)",
            }),
        }
    }
}

/// A contact: an id, an address and two flags. Several contacts may hold the same address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The CRM's id of the contact, trimmed.
    pub contact_id: String,
    /// The address as it was received.
    pub address: String,
    /// *Bulk Email*.
    pub bulk_email: Flag,
    /// *Email*.
    pub email_allowed: Flag,
    /// When the CRM says so, if it does.
    pub at: Option<Timestamp>,
    /// Whether the contact has another address since: the flags are then those it left behind at this
    /// one, and no longer its own.
    pub former: bool,
}
