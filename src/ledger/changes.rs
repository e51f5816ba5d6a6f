//! The change feed: which keys of the index a change touched, and what it made of their entries.

use super::erase::Pseudonym;
use crate::record::state::EntryState;
use crate::record::{Blocks, DigestValue, Timestamp};

/// One key of the index whose state may have changed. What the state is now, the view says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change<'a> {
    /// The entry of an address key.
    Address(&'a [u8]),
    /// The entry of a contact id.
    Contact(&'a str),
    /// The entry of an address key on one list.
    ListAddress {
        /// The list.
        list: &'a str,
        /// The address key.
        key: &'a [u8],
    },
    /// The entry of a domain's rules.
    Domain(&'a [u8]),
    /// The entry of a digest, or of a digest on one list.
    Digest {
        /// The digest.
        digest: DigestValue,
        /// The list, or `None` for the digest itself.
        list: Option<&'a str>,
    },
    /// The entry that an erasure left, of an address or a contact. When nothing is erased under it any more, the
    /// feed names the entry by its key as well.
    Hashed(Pseudonym),
}

impl Change<'_> {
    /// What the entry is of, for messages.
    #[must_use]
    pub fn redacted(&self) -> String {
        match self {
            Self::Address(key) | Self::ListAddress { key, .. } => {
                crate::address::redact(&String::from_utf8_lossy(key))
            }
            Self::Contact(_) => "a contact".to_owned(),
            Self::Domain(domain) => format!("the domain {}", String::from_utf8_lossy(domain)),
            Self::Digest { .. } => "a digest".to_owned(),
            Self::Hashed(_) => "an erased address".to_owned(),
        }
    }
}

/// How a reader of the feed gets up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// So many keys were handed out, each once: look each one up.
    Keys(u64),
    /// The feed names no keys: read the whole ledger. So after a huge import, or when the cursor lies
    /// beyond the end of the feed because the ledger was restored from a backup.
    Everything,
}

/// What an entry withholds: with everything that expires, and without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withheld {
    before_expiry: u16,
    for_ever: u16,
}

impl Withheld {
    /// Of an entry that says `before_expiry` before anything expired, and `for_ever` after everything did.
    #[must_use]
    pub fn new(before_expiry: Blocks, for_ever: Blocks) -> Self {
        // Whether something expires is no block, and goes when an expiry is put off for ever.
        let bits = |blocks: Blocks| blocks.to_bits() & !Blocks::EXPIRING.to_bits();
        Self { before_expiry: bits(before_expiry), for_ever: bits(for_ever) }
    }

    /// Of the state of an entry.
    #[must_use]
    pub fn of(state: &EntryState) -> Self {
        let at = |micros| state.at(Timestamp::from_micros(micros));
        Self::new(at(i64::MIN), at(i64::MAX))
    }

    /// Says whether all that `other` withholds is withheld.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        let all = |own: u16, others: u16| own & others == others;
        all(self.before_expiry, other.before_expiry) && all(self.for_ever, other.for_ever)
    }

    fn to_bits(self) -> u64 {
        u64::from(self.before_expiry) | u64::from(self.for_ever) << 16
    }

    fn from_bits(bits: u64) -> Self {
        let half = |shift: u32| u16::try_from(bits >> shift & 0xffff).unwrap_or_default();
        Self { before_expiry: half(0), for_ever: half(16) }
    }
}

/// What one row of the feed says of its key's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing but that blocks may have been added: an import's.
    Tightened,
    /// What it was and what it became: a single change's.
    Became {
        /// Before the change.
        before: Withheld,
        /// After it.
        after: Withheld,
    },
    /// Nothing: blocks may have been lifted, and it is not said which.
    Unknown,
}

impl Step {
    /// As the feed's column `entry` has it.
    #[must_use]
    pub fn to_column(self) -> Option<i64> {
        match self {
            Self::Tightened => None,
            Self::Became { before, after } => {
                Some((before.to_bits() << 32 | after.to_bits()).cast_signed())
            }
            // No entry has all bits: that of what expires is never among them.
            Self::Unknown => Some(-1),
        }
    }

    /// What the column says.
    #[must_use]
    pub fn from_column(column: Option<i64>) -> Self {
        match column {
            None => Self::Tightened,
            Some(-1) => Self::Unknown,
            Some(bits) => {
                let bits = bits.cast_unsigned();
                let of = |bits| Withheld::from_bits(bits & 0xffff_ffff);
                Self::Became { before: of(bits >> 32), after: of(bits) }
            }
        }
    }
}

/// What the feed says of one key's entry, from a reader's cursor to its end: what the entry must have been there,
/// and what it must be now.
///
/// A ledger that lost a record to damage of its file would clear a key at the next look at it. But a change knows
/// what it made of an entry, and an import never takes a block away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trail {
    /// What was withheld at the cursor, when the feed says; exactly, or at most.
    was: Option<(Withheld, bool)>,
    /// What is withheld since; nothing for what was withheld at the cursor.
    last: Option<Withheld>,
    /// Blocks may have been added since `last`.
    grew: bool,
    /// What is withheld now is not said.
    is_open: bool,
}

impl Trail {
    /// Nothing happened.
    #[must_use]
    pub const fn new() -> Self {
        Self { was: None, last: None, grew: false, is_open: false }
    }

    /// Goes on by one row of the feed; `false` when it does not follow from those before.
    #[must_use]
    pub fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Tightened => {
                self.grew = true;
                true
            }
            Step::Unknown => {
                *self = Self { is_open: true, grew: false, last: None, was: self.was };
                true
            }
            Step::Became { before, after } => {
                let follows = match self.last {
                    _ if self.is_open => true,
                    Some(last) if self.grew => before.contains(last),
                    Some(last) => before == last,
                    None => {
                        self.was = Some((before, !self.grew));
                        true
                    }
                };
                *self = Self { last: Some(after), grew: false, is_open: false, was: self.was };
                follows
            }
        }
    }

    /// Says whether an entry that was `held` at the cursor can be `now`.
    #[must_use]
    pub fn leads(&self, held: Withheld, now: Withheld) -> bool {
        let was = self.was.is_none_or(
            |(was, exactly)| {
                if exactly { was == held } else { was.contains(held) }
            },
        );
        let from = self.last.unwrap_or(held);
        was && (self.is_open || if self.grew { now.contains(from) } else { now == from })
    }

    /// Says whether an entry can be `now`, whatever it was at the cursor.
    #[must_use]
    pub fn ends_at(&self, now: Withheld) -> bool {
        let Some(last) = self.last else { return true };
        self.is_open || if self.grew { now.contains(last) } else { now == last }
    }
}

impl Default for Trail {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Expiry, Reason};

    fn of(reasons: &[Reason]) -> Withheld {
        let blocks = reasons
            .iter()
            .fold(Blocks::NONE, |blocks, reason| blocks.union(Blocks::of(*reason, None)));
        Withheld::of(&EntryState { blocks, expiries: Vec::new() })
    }

    fn trail(steps: &[Step]) -> Option<Trail> {
        let mut trail = Trail::new();
        steps.iter().all(|step| trail.take(*step)).then_some(trail)
    }

    #[test]
    fn a_step_survives_its_column() {
        let (before, after) = (of(&[Reason::Complaint, Reason::OptedOut]), of(&[Reason::Manual]));
        for step in [Step::Tightened, Step::Unknown, Step::Became { before, after }] {
            assert_eq!(Step::from_column(step.to_column()), step);
        }
    }

    #[test]
    fn what_expires_is_told_from_what_does_not() {
        let blocks = Blocks::of(Reason::Bounce, None);
        let at = Timestamp::from_micros(7);
        let mut expires = EntryState::default();
        expires.add(blocks, Some(at));
        assert_eq!(expires.expiries, [Expiry { at, blocks }]);
        assert!(of(&[Reason::Bounce]).contains(Withheld::of(&expires)));
        assert!(!Withheld::of(&expires).contains(of(&[Reason::Bounce])));
    }

    #[test]
    fn an_import_adds_and_a_change_leads_from_what_was_to_what_is() {
        let (none, one, two) =
            (of(&[]), of(&[Reason::Bounce]), of(&[Reason::Bounce, Reason::Manual]));
        let became = |before, after| Step::Became { before, after };
        let grown = trail(&[Step::Tightened]).unwrap();
        assert!(grown.leads(one, two) && grown.leads(one, one) && !grown.leads(two, one));

        let lifted = trail(&[became(two, one)]).unwrap();
        assert!(lifted.leads(two, one));
        assert!(!lifted.leads(two, two) && !lifted.leads(two, none) && !lifted.leads(one, one));

        let both = trail(&[Step::Tightened, became(two, one), Step::Tightened]).unwrap();
        assert!(both.leads(one, one) && both.leads(one, two) && both.leads(none, one));
        assert!(!both.leads(of(&[Reason::Complaint]), two) && !both.leads(one, none));

        assert_eq!(trail(&[became(none, two), became(one, none)]), None);
        assert!(trail(&[became(none, one), Step::Tightened, became(two, none)]).is_some());
        let open = trail(&[became(none, one), Step::Unknown]).unwrap();
        assert!(open.leads(none, none) && !open.leads(one, none));
        assert!(trail(&[Step::Unknown, became(two, one)]).unwrap().leads(one, one));
        assert!(!lifted.ends_at(none) && lifted.ends_at(one) && grown.ends_at(none));
    }
}
