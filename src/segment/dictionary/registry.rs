//! The states written last, so that an equal one is led to and not written again.
//!
//! It forgets: 10,000 places of two states each, the one used less recently leaves. Which states are found
//! decides the bytes, so sizes, hash and order are those of `fst`, whose bytes a dictionary's are.
//!
//! It keeps no states, only where they are, in eight bytes each: all of it stays in a processor's cache. What is
//! written there is compared when a few bits of the hash agree, and the states of a common ending lie side by side.

use super::node::Node;

const PLACES: u64 = 10_000;
/// The bits of a [`Known`] that say where; a state further on is not remembered.
const ADDRESS_BITS: u32 = 40;

/// Remembers written states.
pub(super) struct Registry {
    /// Of each place the state used last, then the other.
    places: Vec<[Known; 2]>,
}

/// A remembered state: its address, and above it the top bits of its hash. 0 for none.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Known(u64);

/// Where a state that was not found is to be remembered, for [`Registry::remember`].
pub(super) struct Vacant {
    at: usize,
    tag: u64,
}

impl Registry {
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| [Known(0); 2]).collect() }
    }

    /// The address of a state equal to `node`, if one is remembered. `written` are the bytes of all.
    #[inline]
    pub(super) fn find(&mut self, node: &Node, written: &[u8]) -> Result<u64, Vacant> {
        let hash = hash(node);
        // Below 10,000.
        let at = usize::try_from(hash % PLACES).unwrap_or(0);
        let tag = hash >> ADDRESS_BITS;
        let [first, second] = self.places[at];
        if first.is(tag, node, written) {
            return Ok(first.address());
        }
        if second.is(tag, node, written) {
            self.places[at] = [second, first];
            return Ok(second.address());
        }
        Err(Vacant { at, tag })
    }

    /// Says where the state was written that was not found.
    #[inline]
    pub(super) fn remember(&mut self, vacant: Vacant, address: u64) {
        let Vacant { at, tag } = vacant;
        let [first, _] = self.places[at];
        let fits = address >> ADDRESS_BITS == 0;
        let known = Known(if fits { tag << ADDRESS_BITS | address } else { 0 });
        self.places[at] = [known, first];
    }
}

impl Known {
    #[inline]
    fn address(self) -> u64 {
        self.0 & ((1 << ADDRESS_BITS) - 1)
    }

    #[inline]
    fn is(self, tag: u64, node: &Node, written: &[u8]) -> bool {
        // No state is at address 0, which is also that of no state.
        self.0 >> ADDRESS_BITS == tag && self.0 != 0 && node.is_at(written, self.address())
    }
}

/// FNV-1a over words instead of bytes.
#[inline]
fn hash(node: &Node) -> u64 {
    const PRIME: u64 = 1_099_511_628_211;
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME);
    let mut hash = step(14_695_981_039_346_656_037, u64::from(node.is_final));
    hash = step(hash, node.final_output);
    for transition in &node.transitions {
        hash = step(hash, u64::from(transition.input));
        hash = step(hash, transition.output);
        hash = step(hash, transition.to);
    }
    hash
}
