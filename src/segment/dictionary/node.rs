//! One state of the automaton, and its bytes: those of `fst` 0.4, format 3.
//!
//! A state is written after those it leads to, and is read from its last byte backwards. That byte's place
//! is its address; the states it leads to are told by how far before its first byte theirs are.

/// The address of the one state that is final, says nothing more and is not written.
pub(super) const EMPTY: u64 = 0;
/// No address of a state: bytes 0 to 15 are the format version and the type.
pub(super) const NONE: u64 = 1;

/// With more transitions than this, 256 bytes say where each input's is.
const INDEXED_FROM: usize = 33;
/// The inputs that a transition on its own stores in six bits of its last byte, as their place plus 1.
const COMMON: &[u8; 63] = b"te/oasripcnw.hlm-du012g=:bf3y5&_4v9678k%?xCDASFIBEjPTzRNM+LOqHG";
/// The place plus 1 of each input in [`COMMON`]; 0 for the others.
const COMMON_PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut place = 0;
    let mut next = 1;
    while place < COMMON.len() {
        places[COMMON[place] as usize] = next;
        next += 1;
        place += 1;
    }
    places
};

/// A way from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Transition {
    pub(super) input: u8,
    /// What the way adds to the value.
    pub(super) output: u64,
    /// The state it leads to.
    pub(super) to: u64,
}

/// A state that leads only to written ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Node {
    pub(super) is_final: bool,
    /// What a key that ends here adds to its value; 0 unless one does.
    pub(super) final_output: u64,
    /// In ascending order of the inputs.
    pub(super) transitions: Vec<Transition>,
}

impl Node {
    /// Appends the state to `bytes` and returns its address. `last` is the address of the state written
    /// before it.
    pub(super) fn write(&self, bytes: &mut Vec<u8>, last: u64) -> u64 {
        match self.transitions.as_slice() {
            [only] if !self.is_final => write_one(*only, bytes, last),
            _ => self.write_any(bytes),
        }
        bytes.len() as u64 - 1
    }

    /// Whether the state written at `address` equals this one. `bytes` are all that is written.
    #[inline]
    pub(super) fn is_at(&self, bytes: &[u8], address: u64) -> bool {
        let written = usize::try_from(address).ok().and_then(|address| bytes.get(..=address));
        let Some((&kind, before)) = written.and_then(<[u8]>::split_last) else { return false };
        let before = Backwards(before);
        let equal = match self.transitions.as_slice() {
            [only] if !self.is_final => is_one(*only, kind, before),
            _ => self.is_any(kind, before),
        };
        equal.unwrap_or(false)
    }

    fn is_any(&self, kind: u8, mut before: Backwards<'_>) -> Option<bool> {
        let count = match kind & 63 {
            0 => match before.byte()? {
                1 => 256,
                count => usize::from(count),
            },
            count => usize::from(count),
        };
        if kind >> 6 != u8::from(self.is_final) || count != self.transitions.len() {
            return Some(false);
        }
        let (delta_len, output_len) = before.lengths()?;
        if count >= INDEXED_FROM {
            before.skip(256)?;
        }
        let mut inputs = before;
        let mut deltas = *before.skip(count)?;
        let mut outputs = *before.skip(count * delta_len)?;
        let finals = if self.is_final { output_len } else { 0 };
        let start = before.skip(count * output_len + finals)?.0.len() as u64;
        for transition in &self.transitions {
            let equal = inputs.byte()? == transition.input
                && deltas.number(delta_len)? == delta(start, transition.to)
                && outputs.number(output_len)? == transition.output;
            if !equal {
                return Some(false);
            }
        }
        Some(outputs.number(finals)? == self.final_output)
    }

    fn write_any(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len() as u64;
        let count = self.transitions.len();
        let (mut delta_len, mut output_len) = (0, packed_len(self.final_output));
        let mut outputs = self.final_output != 0;
        for transition in &self.transitions {
            delta_len = delta_len.max(packed_len(delta(start, transition.to)));
            output_len = output_len.max(packed_len(transition.output));
            outputs |= transition.output != 0;
        }
        if outputs {
            if self.is_final {
                pack(bytes, self.final_output, output_len);
            }
            for transition in self.transitions.iter().rev() {
                pack(bytes, transition.output, output_len);
            }
        }
        for transition in self.transitions.iter().rev() {
            pack(bytes, delta(start, transition.to), delta_len);
        }
        bytes.extend(self.transitions.iter().rev().map(|transition| transition.input));
        if count >= INDEXED_FROM {
            let mut index = [u8::MAX; 256];
            for (place, transition) in (0..=u8::MAX).zip(&self.transitions) {
                index[usize::from(transition.input)] = place;
            }
            bytes.extend(index);
        }
        bytes.push(delta_len << 4 | if outputs { output_len } else { 0 });
        let in_state = u8::try_from(count).ok().filter(|count| (1..64).contains(count));
        if in_state.is_none() {
            // 256 does not fit; 1 is free to stand for it, because 1 always fits into the last byte.
            bytes.push(u8::try_from(count).unwrap_or(1));
        }
        bytes.push(u8::from(self.is_final) << 6 | in_state.unwrap_or(0));
    }
}

/// A state with one way out, at which no key ends: nearly all are.
#[inline]
fn write_one(only: Transition, bytes: &mut Vec<u8>, last: u64) {
    let common = COMMON_PLACES[usize::from(only.input)];
    let follows = only.to == last && only.output == 0;
    if !follows {
        let start = bytes.len() as u64;
        let output_len = if only.output == 0 { 0 } else { packed_len(only.output) };
        pack(bytes, only.output, output_len);
        let delta = delta(start, only.to);
        let delta_len = packed_len(delta);
        pack(bytes, delta, delta_len);
        bytes.push(delta_len << 4 | output_len);
    }
    if common == 0 {
        bytes.push(only.input);
    }
    bytes.push(if follows { 0b1100_0000 } else { 0b1000_0000 } | common);
}

#[inline]
fn is_one(only: Transition, kind: u8, mut before: Backwards<'_>) -> Option<bool> {
    let common = COMMON_PLACES[usize::from(only.input)];
    if kind & 63 != common || kind < 0b1000_0000 {
        return Some(false);
    }
    if common == 0 && before.byte()? != only.input {
        return Some(false);
    }
    if kind >= 0b1100_0000 {
        return Some(only.output == 0 && only.to + 1 == before.0.len() as u64);
    }
    let (delta_len, output_len) = before.lengths()?;
    let (found, output) = (before.number(delta_len)?, before.number(output_len)?);
    Some(output == only.output && found == delta(before.0.len() as u64, only.to))
}

/// What is before the part of a state that was read.
#[derive(Clone, Copy)]
struct Backwards<'a>(&'a [u8]);

impl Backwards<'_> {
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (&byte, before) = self.0.split_last()?;
        self.0 = before;
        Some(byte)
    }

    #[inline]
    fn skip(&mut self, count: usize) -> Option<&Self> {
        self.0 = self.0.get(..self.0.len().checked_sub(count)?)?;
        Some(self)
    }

    /// A packed number; 0 when it has no bytes.
    #[inline]
    fn number(&mut self, len: usize) -> Option<u64> {
        let mut number = 0;
        for _ in 0..len {
            number = number << 8 | u64::from(self.byte()?);
        }
        Some(number)
    }

    /// How many bytes a distance has, and an output.
    #[inline]
    fn lengths(&mut self) -> Option<(usize, usize)> {
        let lengths = self.byte()?;
        Some((usize::from(lengths >> 4), usize::from(lengths & 15)))
    }
}

/// How far before `start` the state at `to` is.
#[inline]
fn delta(start: u64, to: u64) -> u64 {
    if to == EMPTY { EMPTY } else { start - to }
}

/// The bytes a number needs, at least 1.
#[inline]
fn packed_len(number: u64) -> u8 {
    // At most 8, so it fits.
    u8::try_from((number | 1).ilog2() / 8 + 1).unwrap_or(8)
}

#[inline]
fn pack(bytes: &mut Vec<u8>, number: u64, len: u8) {
    bytes.extend(number.to_le_bytes().iter().take(usize::from(len)));
}
