//! The sixteen bits an index entry carries: which reasons hold, for which kinds of send.
//!
//! The bit positions are part of the file format (docs/format.md). A reason whose records may carry
//! their own class has two bits, one a kind of send; the others have one.

use super::bits::entry_bits;
use super::class::{Class, RecordClass};
use super::reason::{Reason, ReasonSet};
use super::timestamp::Timestamp;

/// What withholds mail to one key, as the index stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Blocks(u16);

/// Bits that count only until an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Expiry {
    /// The instant from which the bits no longer count.
    pub at: Timestamp,
    /// The bits.
    pub blocks: Blocks,
}

/// Where the table's reasons live in the sixteen bits.
struct Bits {
    reason: Reason,
    bulk: u16,
    transactional: u16,
}

const fn bits(reason: Reason, bulk: u16, transactional: u16) -> Bits {
    Bits { reason, bulk, transactional }
}

/// One mask for every stored reason and kind of send. A flag of a contact has no class of its own, so
/// its one bit answers for both kinds, as far as the truth table lets it.
const BITS: [Bits; 8] = [
    bits(Reason::EmailDenied, 1, 1),
    bits(Reason::BulkEmailDenied, 1 << 1, 0),
    bits(Reason::Complaint, 1 << 2, 1 << 3),
    bits(Reason::Bounce, 1 << 4, 1 << 5),
    bits(Reason::Invalid, 1 << 6, 1 << 7),
    bits(Reason::Manual, 1 << 8, 1 << 9),
    bits(Reason::Unsubscribed, 1 << 10, 1 << 11),
    bits(Reason::OptedOut, 1 << 12, 1 << 13),
];

entry_bits!(Blocks);

impl Blocks {
    /// Nothing withholds mail: in the index, the tombstone.
    pub const NONE: Self = Self(0);
    /// On an address: some list has an opt-out of it, so a batch that names lists looks further.
    pub const HAS_LISTS: Self = Self(1 << 14);
    /// Some bits count only until an instant; the segment's expiry section holds them.
    pub const EXPIRING: Self = Self(1 << 15);

    /// Says whether no bit is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The bits of a record of `reason` whose own class is `class`; `None` takes the truth table's
    /// columns for that reason.
    ///
    /// Reasons that no entry of an address, a contact or a list stores have no bits here: `invalid_address`
    /// and `duplicate` are of a row, `domain` and `digest` have entries of their own.
    #[must_use]
    pub fn of(reason: Reason, class: Option<RecordClass>) -> Self {
        let holds = |send: Class| match class {
            Some(class) => class.covers(send),
            None => reason.withholds(send),
        };
        BITS.iter().filter(|bits| bits.reason == reason).fold(Self::NONE, |blocks, bits| {
            let bulk = if holds(Class::Bulk) { bits.bulk } else { 0 };
            let transactional = if holds(Class::Transactional) { bits.transactional } else { 0 };
            blocks.union(Self(bulk | transactional))
        })
    }

    /// The reasons that withhold a send of `class`.
    #[must_use]
    pub fn reasons(self, class: Class) -> ReasonSet {
        // Most rows carry no bit at all; the loop is for the few that do.
        if self.is_empty() {
            return ReasonSet::NONE;
        }
        BITS.iter()
            .filter(|bits| {
                let mask = match class {
                    Class::Bulk => bits.bulk,
                    Class::Transactional => bits.transactional,
                };
                self.0 & mask != 0
            })
            .map(|bits| bits.reason)
            .collect()
    }

    /// Adds what still counts at `now` of bits that expire.
    #[must_use]
    pub fn with_unexpired(self, expiries: &[Expiry], now: Timestamp) -> Self {
        expiries
            .iter()
            .filter(|expiry| now < expiry.at)
            .fold(self, |blocks, expiry| blocks.union(expiry.blocks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_class_of_its_own_a_record_follows_the_table() {
        for bits in &BITS {
            let blocks = Blocks::of(bits.reason, None);
            for class in [Class::Bulk, Class::Transactional] {
                assert_eq!(
                    blocks.reasons(class).contains(bits.reason),
                    bits.reason.withholds(class),
                    "{} {class}",
                    bits.reason
                );
            }
        }
    }

    #[test]
    fn a_record_s_own_class_decides_instead_of_the_columns() {
        let blocks = Blocks::of(Reason::Unsubscribed, Some(RecordClass::Transactional));
        assert!(blocks.reasons(Class::Bulk).is_empty());
        assert_eq!(blocks.reasons(Class::Transactional).first(), Some(Reason::Unsubscribed));
        let blocks = Blocks::of(Reason::Bounce, Some(RecordClass::Bulk));
        assert!(blocks.reasons(Class::Transactional).is_empty());
    }

    #[test]
    fn no_two_reasons_share_a_bit() {
        let mut seen = Blocks::HAS_LISTS.union(Blocks::EXPIRING).to_bits();
        for bits in &BITS {
            let mask = bits.bulk | bits.transactional;
            assert_eq!(seen & mask, 0, "{}", bits.reason);
            seen |= mask;
        }
    }

    #[test]
    fn a_record_stops_counting_at_its_instant() {
        let blocks = Blocks::of(Reason::Bounce, None);
        let expiry = Expiry { at: Timestamp::from_micros(10), blocks };
        let at = |micros| Blocks::NONE.with_unexpired(&[expiry], Timestamp::from_micros(micros));
        assert_eq!(at(9), blocks);
        assert_eq!(at(10), Blocks::NONE);
    }
}
