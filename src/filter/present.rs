//! Which of the rarer records an index holds, so that a run over one without them pays nothing for them.

use crate::index::{KeyHasher, Presence, Snapshot};
use crate::record::{Algorithm, Blocks, Timestamp};

/// What an index holds besides addresses, contacts and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Present {
    /// Some domain rule.
    pub domain_rules: bool,
    /// Digests of each algorithm, in the order of [`Algorithm::ALL`].
    digests: [bool; Algorithm::ALL.len()],
}

impl Present {
    /// What `snapshot` holds. Cost: five look-ups.
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
    #[inline(always)]
    pub const fn holds(self, algorithm: Algorithm) -> bool {
        self.digests[algorithm as usize]
    }

    /// Says whether there are digests at all.
    pub fn holds_digests(self) -> bool {
        self.digests != [false; Algorithm::ALL.len()]
    }

    /// Says whether there are digests of an algorithm besides MD5.
    #[inline(always)]
    pub const fn holds_others(self) -> bool {
        self.holds(Algorithm::Sha1)
            || self.holds(Algorithm::Sha256)
            || self.holds(Algorithm::Sha512)
    }

    /// Says whether addresses, contacts and lists are all there is to look up.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// The algorithms there are digests of.
    pub fn algorithms(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |algorithm| self.holds(*algorithm))
    }
}
