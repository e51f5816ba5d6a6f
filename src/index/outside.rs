//! What covers an address from outside of it: which kinds of it an index holds, so that a run over one without
//! them pays nothing for them, and whether a domain's rules cover one.

use super::{KeyHasher, Presence, Snapshot};
use crate::record::domain_rule::covering;
use crate::record::{Algorithm, Blocks, DomainBlocks, Timestamp};

/// What an index holds besides addresses, contacts and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Present {
    /// Some domain rule.
    pub domain_rules: bool,
    /// Digests of each algorithm, in the order of [`Algorithm::ALL`].
    digests: [bool; Algorithm::ALL.len()],
}

impl Present {
    /// What `snapshot` holds, whose hashes `hasher` makes. Cost: five look-ups.
    #[must_use]
    pub fn of(snapshot: &Snapshot, hasher: &KeyHasher) -> Self {
        // What is asked for never expires, so any instant does.
        let now = Timestamp::from_micros(0);
        let holds = |of| snapshot.get(hasher.presence(of), now) != Blocks::NONE;
        Self {
            domain_rules: holds(Presence::DomainRules),
            digests: Algorithm::ALL.map(|algorithm| holds(Presence::Digests(algorithm))),
        }
    }

    /// Says whether there are digests of `algorithm`.
    #[must_use]
    #[inline(always)]
    pub const fn holds(self, algorithm: Algorithm) -> bool {
        self.digests[algorithm as usize]
    }

    /// Says whether there are digests at all.
    #[must_use]
    pub fn holds_digests(self) -> bool {
        self.digests != [false; Algorithm::ALL.len()]
    }

    /// Says whether there are digests of an algorithm besides MD5.
    #[must_use]
    #[inline(always)]
    pub const fn holds_others(self) -> bool {
        self.holds(Algorithm::Sha1)
            || self.holds(Algorithm::Sha256)
            || self.holds(Algorithm::Sha512)
    }

    /// Says whether addresses, contacts and lists are all there is to look up.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// The algorithms there are digests of.
    pub fn algorithms(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |algorithm| self.holds(*algorithm))
    }
}

impl Snapshot {
    /// Says whether a rule of `domain`, which is as in a key, or of a parent covers an address there.
    ///
    /// Cost: a hash and a look-up a label.
    #[must_use]
    pub fn covers_domain(&self, hasher: &KeyHasher, domain: &[u8]) -> bool {
        // A rule never expires, so any instant does.
        let now = Timestamp::from_micros(0);
        covering(domain).enumerate().any(|(parents, name)| {
            let blocks = self.get(hasher.domain_rule(name), now);
            let wanted = if parents == 0 { DomainBlocks::DOMAIN } else { DomainBlocks::SUBDOMAINS };
            DomainBlocks::from_bits(blocks.to_bits()).contains(wanted)
        })
    }
}
