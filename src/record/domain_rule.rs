//! A rule that covers every address at a domain.

use super::timestamp::Timestamp;

/// A domain rule: every address at `domain`, and at its subdomains too if the rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRule {
    /// The domain as it stands in a key: lower-case A-labels without a trailing dot.
    pub domain: String,
    /// Whether subdomains, at any depth, are covered as well.
    pub subdomains: bool,
    /// Since when, if known.
    pub at: Option<Timestamp>,
    /// Where the rule comes from, if known.
    pub source: Option<String>,
}

/// What the index keeps of a domain's rules, in the sixteen bits of its entry.
///
/// The bit positions are part of the file format (docs/format.md). 0 is the tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DomainBlocks(u16);

impl DomainBlocks {
    /// No rule.
    pub const NONE: Self = Self(0);
    /// A rule covers addresses at the domain itself.
    pub const DOMAIN: Self = Self(1);
    /// A rule covers addresses at its subdomains.
    pub const SUBDOMAINS: Self = Self(1 << 1);

    /// The bits as stored.
    #[must_use]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The stored bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Says whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl DomainRule {
    /// What the rule's entry holds.
    #[must_use]
    pub fn blocks(&self) -> DomainBlocks {
        if self.subdomains {
            DomainBlocks::DOMAIN.union(DomainBlocks::SUBDOMAINS)
        } else {
            DomainBlocks::DOMAIN
        }
    }
}

/// The domains whose rules may cover an address at `domain`: itself, then each parent, nearest first. Only
/// of the first does [`DomainBlocks::DOMAIN`] count; of the others [`DomainBlocks::SUBDOMAINS`] does.
///
/// An address literal has no parents.
///
/// # Example
/// ```
/// use quell::record::domain_rule::covering;
///
/// let domains: Vec<&[u8]> = covering(b"mail.example.com").collect();
/// assert_eq!(domains, [&b"mail.example.com"[..], b"example.com", b"com"]);
/// ```
pub fn covering(domain: &[u8]) -> impl Iterator<Item = &[u8]> {
    let literal = domain.first() == Some(&b'[');
    std::iter::successors(Some(domain), move |domain| {
        let dot = memchr::memchr(b'.', domain).filter(|_| !literal)?;
        domain.get(dot + 1..)
    })
}
