//! From sorted keys to the bytes of an `fst::Map`: the very bytes that `fst` would write, several times faster.
//!
//! Daciuk's construction. The states of the last key are kept open; the next key closes those beyond the
//! part both have in common, from the end. A closed state that equals one of the [`Registry`] is not
//! written again. Values are sums along the way: what two keys share of theirs moves towards the root.
//!
//! `fst` allocates for each state and copies it into its registry, which is then larger than a processor's
//! cache; here buffers are reused and states are compared where they are written. The tests hold both to
//! the same bytes.

use super::crc;
use super::node::{EMPTY, NONE, Node, Transition};
use super::registry::Registry;

/// Builds a map from sorted keys.
pub(super) struct Automaton {
    bytes: Vec<u8>,
    /// The states of the last key, root first; those beyond `open` only keep their allocations.
    stack: Vec<Open>,
    open: usize,
    /// The last key; `None` before the first.
    last: Option<Vec<u8>>,
    /// The address of the state written last.
    written: u64,
    registry: Registry,
    keys: u64,
}

/// A state that may still get transitions.
#[derive(Default)]
struct Open {
    node: Node,
    /// The transition to the next open state: its input and output.
    next: Option<(u8, u64)>,
}

/// How a key's order is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsorted {
    /// It is the key before.
    Twice,
    /// It is less than the key before.
    Less,
}

impl Automaton {
    pub(super) fn new() -> Self {
        let mut bytes = Vec::new();
        // The format version, and the type that the caller of `fst` may choose.
        bytes.extend(3_u64.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        Self {
            bytes,
            stack: vec![Open::default()],
            open: 1,
            last: None,
            written: NONE,
            registry: Registry::new(),
            keys: 0,
        }
    }

    /// The bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a key, which must be greater than the one before.
    pub(super) fn push(&mut self, key: &[u8], value: u64) -> Result<(), Unsorted> {
        let shared = match &mut self.last {
            None => {
                self.last = Some(key.to_vec());
                0
            }
            Some(last) => {
                let shared = last.iter().zip(key).take_while(|(a, b)| a == b).count();
                match (last.get(shared), key.get(shared)) {
                    (None, None) => return Err(Unsorted::Twice),
                    (None, Some(_)) => {}
                    (Some(before), Some(now)) if before < now => {}
                    _ => return Err(Unsorted::Less),
                }
                last.truncate(shared);
                last.extend_from_slice(key.get(shared..).unwrap_or_default());
                shared
            }
        };
        self.keys += 1;
        let rest = self.share(shared, value);
        self.close(shared);
        self.extend(key.get(shared..).unwrap_or_default(), rest);
        Ok(())
    }

    /// The finished bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close(0);
        let root = self.write(0);
        self.bytes.extend(self.keys.to_le_bytes());
        self.bytes.extend(root.to_le_bytes());
        let sum = crc::masked(&self.bytes);
        self.bytes.extend(sum.to_le_bytes());
        self.bytes
    }

    /// Leaves on the first `shared` transitions what both keys share of their values, moves the rest of the
    /// old one's on, and returns the rest of `value`.
    fn share(&mut self, shared: usize, mut value: u64) -> u64 {
        for at in 0..shared {
            let Some((_, output)) = &mut self.stack[at].next else { break };
            let common = value.min(*output);
            let moved = *output - common;
            value -= common;
            *output = common;
            if moved != 0 {
                self.stack[at + 1].add(moved);
            }
        }
        value
    }

    /// Closes the open states beyond the one at `depth`, and the transition that leads to them.
    fn close(&mut self, depth: usize) {
        while self.open > depth + 1 {
            self.open -= 1;
            let to = self.write(self.open);
            let parent = &mut self.stack[self.open - 1];
            if let Some((input, output)) = parent.next.take() {
                parent.node.transitions.push(Transition { input, output, to });
            }
        }
    }

    /// The address of the closed state at `depth`, written unless an equal one is remembered.
    #[inline]
    fn write(&mut self, depth: usize) -> u64 {
        let node = &self.stack[depth].node;
        if node.is_final && node.transitions.is_empty() && node.final_output == 0 {
            return EMPTY;
        }
        match self.registry.find(node, &self.bytes) {
            Ok(address) => address,
            Err(vacant) => {
                self.written = node.write(&mut self.bytes, self.written);
                self.registry.remember(vacant, self.written);
                self.written
            }
        }
    }

    /// Opens the states of the rest of a key; the first transition carries the rest of its value.
    fn extend(&mut self, rest: &[u8], mut value: u64) {
        for &input in rest {
            self.stack[self.open - 1].next = Some((input, value));
            value = 0;
            if self.open == self.stack.len() {
                self.stack.push(Open::default());
            }
            self.stack[self.open].clear();
            self.open += 1;
        }
        let end = &mut self.stack[self.open - 1].node;
        end.is_final = true;
        // Not 0 only for the empty key: there was no transition to carry it.
        end.final_output = value;
    }
}

impl Open {
    fn clear(&mut self) {
        self.next = None;
        self.node.is_final = false;
        self.node.final_output = 0;
        self.node.transitions.clear();
    }

    /// Adds `moved` to the value of every key through or at this state.
    fn add(&mut self, moved: u64) {
        if self.node.is_final {
            self.node.final_output += moved;
        }
        for transition in &mut self.node.transitions {
            transition.output += moved;
        }
        if let Some((_, output)) = &mut self.next {
            *output += moved;
        }
    }
}
