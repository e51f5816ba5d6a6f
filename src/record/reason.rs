//! Contract §2 as a table: what withholds a row, in which order, for which kind of send.

use super::class::Class;
use std::fmt;

/// Why a row is withheld, in the contract's order: the first that holds is *the* reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The cell holds no address that could be looked up.
    InvalidAddress,
    /// *Email* is Do Not Allow on the row's contact or on any contact with this key.
    EmailDenied,
    /// A complaint.
    Complaint,
    /// A hard bounce.
    Bounce,
    /// The mailbox is known not to exist.
    Invalid,
    /// Suppressed by hand.
    Manual,
    /// A domain rule covers it.
    Domain,
    /// *Bulk Email* is Do Not Allow on the row's contact or on any contact with this key.
    BulkEmailDenied,
    /// A global unsubscribe record, active or not.
    Unsubscribed,
    /// For a list this row is sent for: an unsubscribe record, or a preference *Out*.
    OptedOut,
    /// A third party's hashed list holds it.
    Digest,
    /// Its key was already kept in this run (`--dedupe`); after all the others.
    Duplicate,
}

/// One row of contract §2.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The reason.
    pub reason: Reason,
    /// Its word in files and JSON.
    pub word: &'static str,
    /// Whether it holds for bulk mail, unless the record's own class says otherwise.
    pub bulk: bool,
    /// Whether it holds for transactional mail, unless the record's own class says otherwise.
    pub transactional: bool,
}

const fn rule(reason: Reason, word: &'static str, bulk: bool, transactional: bool) -> Rule {
    Rule { reason, word, bulk, transactional }
}

/// The truth table of contract §2, in its order. Everything that decides reads this.
pub const TABLE: [Rule; 12] = [
    rule(Reason::InvalidAddress, "invalid_address", true, true),
    rule(Reason::EmailDenied, "email_denied", true, true),
    rule(Reason::Complaint, "complaint", true, true),
    rule(Reason::Bounce, "bounce", true, true),
    rule(Reason::Invalid, "invalid", true, true),
    rule(Reason::Manual, "manual", true, true),
    rule(Reason::Domain, "domain", true, true),
    rule(Reason::BulkEmailDenied, "bulk_email_denied", true, false),
    rule(Reason::Unsubscribed, "unsubscribed", true, false),
    rule(Reason::OptedOut, "opted_out", true, false),
    rule(Reason::Digest, "digest", true, false),
    rule(Reason::Duplicate, "duplicate", true, true),
];

impl Reason {
    /// Every reason, in the contract's order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|rule| rule.reason)
    }

    /// This reason's row of the table.
    #[must_use]
    pub const fn rule(self) -> &'static Rule {
        &TABLE[self as usize]
    }

    /// The word used in files and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.rule().word
    }

    /// Says whether the table's two columns withhold a send of `class` for this reason.
    #[must_use]
    pub const fn withholds(self, class: Class) -> bool {
        match class {
            Class::Bulk => self.rule().bulk,
            Class::Transactional => self.rule().transactional,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of reasons; iterates in the contract's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ReasonSet(u16);

impl ReasonSet {
    /// No reason: the row may be mailed.
    pub const NONE: Self = Self(0);

    /// Adds a reason.
    pub fn insert(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u8;
    }

    /// This set with one more reason.
    #[must_use]
    pub const fn with(self, reason: Reason) -> Self {
        Self(self.0 | 1 << reason as u8)
    }

    /// The reasons of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether the set holds `reason`.
    #[must_use]
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u8) != 0
    }

    /// Says whether nothing withholds the row.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// *The* reason: the first in the contract's order.
    #[must_use]
    pub fn first(self) -> Option<Reason> {
        // The bits stand in the table's order, and most sets are empty: no walk through the table.
        TABLE.get(self.0.trailing_zeros() as usize).map(|rule| rule.reason)
    }

    /// The reasons in the contract's order.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::all().filter(move |reason| self.contains(*reason))
    }
}

impl FromIterator<Reason> for ReasonSet {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (position, rule) in TABLE.iter().enumerate() {
            assert_eq!(rule.reason as usize, position, "{}", rule.word);
        }
    }

    #[test]
    fn the_first_reason_is_the_earliest_of_the_contract() {
        let reasons: ReasonSet =
            [Reason::OptedOut, Reason::Bounce, Reason::Complaint].into_iter().collect();
        assert_eq!(reasons.first(), Some(Reason::Complaint));
        assert_eq!(
            reasons.iter().map(Reason::as_str).collect::<Vec<_>>(),
            ["complaint", "bounce", "opted_out"]
        );
    }
}
