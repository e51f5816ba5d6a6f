//! A row of one of the native imports (contract §4), before the ledger has seen it.

use super::class::RecordClass;
use super::class::UnknownWord;
use super::contact::Flag;
use super::digest::Digest;
use super::domain_rule::DomainRule;
use super::preference::{Choice, Preference};
use super::suppression::{Suppression, SuppressionReason};
use super::timestamp::Timestamp;
use super::unsubscribe::{Unsubscribe, UnsubscribeState};
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
    /// Domain rules.
    Domains,
    /// Digests of third parties' hashed lists.
    Digests,
}

impl Kind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 6] = [
        Self::Contacts,
        Self::Unsubscribes,
        Self::Preferences,
        Self::Suppressions,
        Self::Domains,
        Self::Digests,
    ];
    /// The kinds whose records are of an address, and stand under its key.
    pub const OF_ADDRESSES: [Self; 4] =
        [Self::Contacts, Self::Unsubscribes, Self::Preferences, Self::Suppressions];

    /// The word used on the command line and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Unsubscribes => "unsubscribes",
            Self::Preferences => "preferences",
            Self::Suppressions => "suppressions",
            Self::Domains => "domains",
            Self::Digests => "digests",
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
            expected: "`contacts`, `unsubscribes`, `preferences`, `suppressions`, `domains` or \
                       `digests`",
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
    /// Of `domains`.
    Domain(DomainRule),
    /// Of `digests`; its `at` is not recorded, the time of the import is.
    Digest(Digest),
}

/// A [`NativeRecord`] that borrows its texts from the file: what a row costs when there are millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeRow<'a> {
    /// Of `contacts`; the fields are those of [`ContactRow`].
    Contact {
        /// The CRM's id of the contact, trimmed, never empty.
        contact_id: &'a str,
        /// The address as it was received.
        address: &'a str,
        /// *Bulk Email*, if the row says something of it.
        bulk_email: Option<Flag>,
        /// *Email*, if the row says something of it.
        email_allowed: Option<Flag>,
        /// When the CRM says so, if it does.
        at: Option<Timestamp>,
        /// Whether the row tells of an address the contact left.
        former: bool,
    },
    /// Of `unsubscribes`; the fields are those of [`Unsubscribe`].
    Unsubscribe {
        /// The address as it was received.
        address: &'a str,
        /// The list, or `None` for everywhere.
        list: Option<&'a str>,
        /// Active or not.
        state: UnsubscribeState,
        /// The kinds of send it blocks.
        class: RecordClass,
        /// When the person unsubscribed, if known.
        at: Option<Timestamp>,
        /// Where the record comes from, if known.
        source: Option<&'a str>,
    },
    /// Of `preferences`; the fields are those of [`Preference`].
    Preference {
        /// The address as it was received.
        address: &'a str,
        /// The list.
        list: &'a str,
        /// In or out.
        choice: Choice,
        /// When the person chose, if known.
        at: Option<Timestamp>,
        /// Where the record comes from, if known.
        source: Option<&'a str>,
    },
    /// Of `suppressions`; the fields are those of [`Suppression`].
    Suppression {
        /// The address as it was received.
        address: &'a str,
        /// Why nothing is sent.
        reason: SuppressionReason,
        /// The kinds of send it blocks.
        class: RecordClass,
        /// Since when, if known.
        at: Option<Timestamp>,
        /// Until when; `None` is for ever.
        expires_at: Option<Timestamp>,
        /// Where the record comes from, if known.
        source: Option<&'a str>,
    },
    /// Of `domains`; the fields are those of [`DomainRule`]. Its key is the domain.
    Domain {
        /// The domain as it stands in a key.
        domain: &'a str,
        /// Whether subdomains are covered as well.
        subdomains: bool,
        /// Since when, if known.
        at: Option<Timestamp>,
        /// Where the rule comes from, if known.
        source: Option<&'a str>,
    },
    /// Of `digests`; the fields are those of [`Digest`]. Its key is the digest's bytes.
    Digest {
        /// The digest's bytes; how many they are says its algorithm.
        digest: &'a [u8],
        /// The list it is for, or `None` for everywhere.
        list: Option<&'a str>,
        /// The kinds of send it blocks.
        class: RecordClass,
        /// Where the entry comes from, if known.
        source: Option<&'a str>,
    },
}

impl<'a> NativeRow<'a> {
    /// Which import the row is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Contact { .. } => Kind::Contacts,
            Self::Unsubscribe { .. } => Kind::Unsubscribes,
            Self::Preference { .. } => Kind::Preferences,
            Self::Suppression { .. } => Kind::Suppressions,
            Self::Domain { .. } => Kind::Domains,
            Self::Digest { .. } => Kind::Digests,
        }
    }

    /// The row as one of `source`, whatever it said itself; a contact's row says nothing of a source.
    #[must_use]
    pub fn of_source(self, source: &'a str) -> Self {
        let source = Some(source);
        match self {
            Self::Contact { .. } => self,
            Self::Unsubscribe { address, list, state, class, at, .. } => {
                Self::Unsubscribe { address, list, state, class, at, source }
            }
            Self::Preference { address, list, choice, at, .. } => {
                Self::Preference { address, list, choice, at, source }
            }
            Self::Suppression { address, reason, class, at, expires_at, .. } => {
                Self::Suppression { address, reason, class, at, expires_at, source }
            }
            Self::Domain { domain, subdomains, at, .. } => {
                Self::Domain { domain, subdomains, at, source }
            }
            Self::Digest { digest, list, class, .. } => {
                Self::Digest { digest, list, class, source }
            }
        }
    }

    /// The key of a row that is of no address: a rule's domain, a digest's bytes.
    #[must_use]
    pub fn own_key(&self) -> Option<&[u8]> {
        match self {
            Self::Domain { domain, .. } => Some(domain.as_bytes()),
            Self::Digest { digest, .. } => Some(digest),
            Self::Contact { .. }
            | Self::Unsubscribe { .. }
            | Self::Preference { .. }
            | Self::Suppression { .. } => None,
        }
    }
}

impl NativeRecord {
    /// The record with its texts borrowed.
    #[must_use]
    pub fn as_row(&self) -> NativeRow<'_> {
        match self {
            Self::Contact(row) => NativeRow::Contact {
                contact_id: &row.contact_id,
                address: &row.address,
                bulk_email: row.bulk_email,
                email_allowed: row.email_allowed,
                at: row.at,
                former: row.former,
            },
            Self::Unsubscribe(record) => NativeRow::Unsubscribe {
                address: &record.address,
                list: record.list.as_deref(),
                state: record.state,
                class: record.class,
                at: record.at,
                source: record.source.as_deref(),
            },
            Self::Preference(record) => NativeRow::Preference {
                address: &record.address,
                list: &record.list,
                choice: record.choice,
                at: record.at,
                source: record.source.as_deref(),
            },
            Self::Suppression(record) => NativeRow::Suppression {
                address: &record.address,
                reason: record.reason,
                class: record.class,
                at: record.at,
                expires_at: record.expires_at,
                source: record.source.as_deref(),
            },
            Self::Domain(rule) => NativeRow::Domain {
                domain: &rule.domain,
                subdomains: rule.subdomains,
                at: rule.at,
                source: rule.source.as_deref(),
            },
            Self::Digest(record) => NativeRow::Digest {
                digest: &record.digest,
                list: record.list.as_deref(),
                class: record.class,
                source: record.source.as_deref(),
            },
        }
    }

    /// Which import the row is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Contact(_) => Kind::Contacts,
            Self::Unsubscribe(_) => Kind::Unsubscribes,
            Self::Preference(_) => Kind::Preferences,
            Self::Suppression(_) => Kind::Suppressions,
            Self::Domain(_) => Kind::Domains,
            Self::Digest(_) => Kind::Digests,
        }
    }

    /// The address the row is about, as it was received; a domain rule and a digest are about none.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Contact(row) => Some(&row.address),
            Self::Unsubscribe(record) => Some(&record.address),
            Self::Preference(record) => Some(&record.address),
            Self::Suppression(record) => Some(&record.address),
            Self::Domain(_) | Self::Digest(_) => None,
        }
    }
}
