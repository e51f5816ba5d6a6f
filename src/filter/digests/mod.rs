//! Digests of a chunk's addresses, for an index that holds some.
//!
//! A third party's list may have digested several spellings of an address, so a row has a digest for each
//! algorithm of the index and each of [`Forms`]. Nearly every cell has one form (its own key), or two when it
//! is written with capitals; whatever else there is takes the plain way. MD5, which most lists are made of,
//! is computed for eight addresses side by side.

mod look_up;
mod md5;
#[cfg(test)]
mod tests;

use crate::address::Key;
use crate::address::digest::Forms;
use crate::index::{KeyHasher, Present};
use crate::record::Algorithm;
use crate::segment::Hash;
use crate::storage::{Work, for_this_processor};
use md5::{BLOCK_BYTES, LANES, Short};

/// The hashes of digests, each with the `P` that it was computed for; working memory, used again.
#[derive(Debug)]
pub(super) struct Digests<P> {
    hashes: Vec<Hash>,
    places: Vec<P>,
    one_block: Waiting<P, 1>,
    two_blocks: Waiting<P, 2>,
}

/// Which digests are wanted, and how they are hashed.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub present: Present,
    pub hasher: &'a KeyHasher,
}

impl<P: Copy + Default> Digests<P> {
    pub fn new() -> Self {
        Self {
            hashes: Vec::new(),
            places: Vec::new(),
            one_block: Waiting::new(),
            two_blocks: Waiting::new(),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.hashes.clear();
        self.places.clear();
        self.one_block.count = 0;
        self.two_blocks.count = 0;
    }

    /// All hashes, in no order.
    pub fn finish(&mut self, wanted: Wanted<'_>) -> &[Hash] {
        self.one_block.flush(wanted.hasher, &mut self.hashes, &mut self.places);
        self.two_blocks.flush(wanted.hasher, &mut self.hashes, &mut self.places);
        &self.hashes
    }

    /// Of each finished hash what it was computed for.
    pub fn places(&self) -> &[P] {
        &self.places
    }

    /// Adds the digests of the cell whose text is the first `length` bytes of `text`, and whose key is `key`.
    ///
    /// Cost: for MD5 some 100 instructions a form; for each other algorithm its block, 150 to 1,500 cycles.
    #[inline(always)]
    pub fn add(&mut self, wanted: Wanted<'_>, place: P, text: &[u8], length: usize, key: Key<'_>) {
        let (key_room, key_length) = key.in_room();
        if length == key_length
            && let Some(lower_case) = short(key_room, length)
            && let Some(raw) = short(text, length)
        {
            // What a cell's key says but for the case is all there is to its forms: nothing stood around
            // the address, and no part of it is written in another way. A wider policy gives such a key
            // only where the exact one gives it too.
            if raw.padded() == lower_case.padded() {
                if raw.is_ascii() {
                    return self.add_short(wanted, place, &lower_case);
                }
            } else if raw.is_ascii() && raw.as_bytes().eq_ignore_ascii_case(lower_case.as_bytes()) {
                self.add_short(wanted, place, &lower_case);
                return self.add_short(wanted, place, &raw);
            }
        }
        self.add_cell(wanted, place, text.get(..length).unwrap_or(text));
    }

    /// Adds the digests of all forms of a cell: the plain way, for any bytes.
    #[inline(never)]
    pub fn add_cell(&mut self, wanted: Wanted<'_>, place: P, cell: &[u8]) {
        for form in Forms::of(cell).iter() {
            if wanted.present.holds(Algorithm::Md5) {
                self.add_md5(wanted.hasher, place, form);
            }
            self.add_others(wanted, place, form);
        }
    }

    #[inline(always)]
    fn add_short(&mut self, wanted: Wanted<'_>, place: P, form: &Short) {
        if wanted.present.holds(Algorithm::Md5) {
            self.one_block.push(form.block(), place);
            if self.one_block.count == LANES {
                self.one_block.flush(wanted.hasher, &mut self.hashes, &mut self.places);
            }
        }
        if wanted.present.holds_others() {
            self.add_others(wanted, place, form.as_bytes());
        }
    }

    fn add_md5(&mut self, hasher: &KeyHasher, place: P, form: &[u8]) {
        if let Some(blocks) = md5::blocks(form) {
            self.one_block.push(blocks, place);
            if self.one_block.count == LANES {
                self.one_block.flush(hasher, &mut self.hashes, &mut self.places);
            }
        } else if let Some(blocks) = md5::blocks(form) {
            self.two_blocks.push(blocks, place);
            if self.two_blocks.count == LANES {
                self.two_blocks.flush(hasher, &mut self.hashes, &mut self.places);
            }
        } else {
            self.push(hasher, Algorithm::Md5, place, form);
        }
    }

    #[inline(never)]
    fn add_others(&mut self, wanted: Wanted<'_>, place: P, form: &[u8]) {
        for algorithm in wanted.present.algorithms() {
            if algorithm != Algorithm::Md5 {
                self.push(wanted.hasher, algorithm, place, form);
            }
        }
    }

    fn push(&mut self, hasher: &KeyHasher, algorithm: Algorithm, place: P, form: &[u8]) {
        self.hashes.push(hasher.digest(algorithm, algorithm.digest(form).as_bytes()));
        self.places.push(place);
    }
}

/// The first `length` bytes of `text`, if they are few enough for one block.
#[inline(always)]
fn short(text: &[u8], length: usize) -> Option<Short> {
    match text.first_chunk() {
        Some(room) => Short::new(room, length),
        None => short_at_end(text, length),
    }
}

/// [`short`] of a text that ends before a block would.
#[cold]
fn short_at_end(text: &[u8], length: usize) -> Option<Short> {
    let mut room = [0; BLOCK_BYTES];
    room.get_mut(..length)?.copy_from_slice(text.get(..length)?);
    Short::new(&room, length)
}

/// Messages of so many blocks that wait for their neighbours.
#[derive(Debug)]
struct Waiting<P, const BLOCKS: usize> {
    messages: [[[u8; BLOCK_BYTES]; BLOCKS]; LANES],
    places: [P; LANES],
    count: usize,
}

impl<P: Copy + Default, const BLOCKS: usize> Waiting<P, BLOCKS> {
    fn new() -> Self {
        let messages = [[[0; BLOCK_BYTES]; BLOCKS]; LANES];
        Self { messages, places: [P::default(); LANES], count: 0 }
    }

    /// Adds one more; the caller flushes when there are as many as lanes.
    #[inline(always)]
    fn push(&mut self, blocks: [[u8; BLOCK_BYTES]; BLOCKS], place: P) {
        if let (Some(message), Some(to)) =
            (self.messages.get_mut(self.count), self.places.get_mut(self.count))
        {
            (*message, *to) = (blocks, place);
            self.count += 1;
        }
    }

    /// Moves the hashes of the messages' digests to `hashes`, and their places to `places`.
    #[inline(never)]
    fn flush(&mut self, hasher: &KeyHasher, hashes: &mut Vec<Hash>, places: &mut Vec<P>) {
        let found = for_this_processor(SideBySide { hasher, messages: &self.messages });
        hashes.extend(found.iter().take(self.count));
        places.extend(self.places.iter().take(self.count));
        self.count = 0;
    }
}

struct SideBySide<'a, const BLOCKS: usize> {
    hasher: &'a KeyHasher,
    messages: &'a [[[u8; BLOCK_BYTES]; BLOCKS]; LANES],
}

impl<const BLOCKS: usize> Work for SideBySide<'_, BLOCKS> {
    type Output = [Hash; LANES];

    #[inline(always)]
    fn run(self) -> [Hash; LANES] {
        let [a, b, c, d] = md5::digests(self.messages);
        let word = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let mut words = [[0; LANES]; 2];
        for lane in 0..LANES {
            words[0][lane] = word(a[lane], b[lane]);
            words[1][lane] = word(c[lane], d[lane]);
        }
        self.hasher.md5_digests(&words)
    }
}
