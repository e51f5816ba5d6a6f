//! The states written last, so that an equal one is led to and not written again.
//!
//! It forgets: 10,000 places of two states each, the one used less recently leaves. Which states are found
//! decides the bytes, so sizes, hash and order are those of `fst`, whose bytes a dictionary's are.

use super::node::{NONE, Node, Transition};

const PLACES: u64 = 10_000;

/// Remembers written states.
pub(super) struct Registry {
    /// Of each place the state used last, then the other.
    places: Vec<[Known; 2]>,
    bodies: Vec<Body>,
    /// The transitions of states with more than one, beside `bodies`.
    more: Vec<Vec<Transition>>,
}

/// A remembered state: its hash, where it was written, and which body is its own.
///
/// Apart from the bodies, because a state that is not found need not read those.
#[derive(Clone, Copy)]
struct Known {
    hash: u64,
    address: u64,
    body: usize,
}

/// What a state is, to be compared.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Body {
    is_final: bool,
    transitions: u16,
    final_output: u64,
    /// The only transition, or nothing.
    only: Transition,
}

/// Where a state that was not found is to be remembered, for [`Registry::remember`].
pub(super) struct Vacant(usize);

impl Registry {
    pub(super) fn new() -> Self {
        let none = Known { hash: 0, address: NONE, body: 0 };
        let mut places = Vec::new();
        let mut bodies = Vec::new();
        for _ in 0..PLACES {
            let body = bodies.len();
            places.push([Known { body, ..none }, Known { body: body + 1, ..none }]);
            bodies.extend([Body::default(); 2]);
        }
        let more = vec![Vec::new(); bodies.len()];
        Self { places, bodies, more }
    }

    /// The address of a state equal to `node`, if one is remembered.
    #[inline]
    pub(super) fn find(&mut self, node: &Node) -> Result<u64, Vacant> {
        let hash = hash(node);
        // Below 10,000.
        let at = usize::try_from(hash % PLACES).unwrap_or(0);
        let [first, second] = self.places[at];
        if first.hash == hash && self.is(first, node) {
            return Ok(first.address);
        }
        let found = second.hash == hash && self.is(second, node);
        if !found {
            let body = &mut self.bodies[second.body];
            *body = Body::of(node);
            if body.transitions > 1 {
                self.more[second.body].clone_from(&node.transitions);
            }
        }
        self.places[at] = [Known { hash, ..second }, first];
        if found { Ok(second.address) } else { Err(Vacant(at)) }
    }

    /// Says where the state was written that the last [`Registry::find`] did not find.
    #[inline]
    pub(super) fn remember(&mut self, vacant: Vacant, address: u64) {
        self.places[vacant.0][0].address = address;
    }

    #[inline]
    fn is(&self, known: Known, node: &Node) -> bool {
        let body = Body::of(node);
        known.address != NONE
            && self.bodies[known.body] == body
            && (body.transitions <= 1 || self.more[known.body] == node.transitions)
    }
}

impl Body {
    #[inline]
    fn of(node: &Node) -> Self {
        let only = match node.transitions.as_slice() {
            [only] => *only,
            _ => Transition::default(),
        };
        // At most 256: one an input.
        let transitions = u16::try_from(node.transitions.len()).unwrap_or(u16::MAX);
        let Node { is_final, final_output, .. } = *node;
        Self { is_final, transitions, final_output, only }
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
