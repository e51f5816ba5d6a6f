//! SipHash-1-3 of 128 bits over text whose end is known to have readable bytes behind it.
//!
//! The `siphasher` crate reads a text's last bytes one way for each of seven lengths, and its loop over
//! the whole words ends where the length says: branches that nobody can guess on addresses of mixed
//! lengths. Here words are read whole, and what is behind the text is masked. `hash` has the test that the
//! two agree.

use crate::segment::Hash;
use std::hint::select_unpredictable;

/// Readable bytes from the text's start on.
pub(super) const ROOM_BYTES: usize = 64;

/// Bytes of a word.
const WORD_BYTES: usize = 8;

/// The state of a hash that has taken in whole words only.
#[derive(Clone, Copy)]
pub(super) struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    /// The state under `key` after the one word `first`.
    pub(super) fn new(key: &[u8; 16], first: u64) -> Self {
        // A key is two words, so the default is never taken.
        let mut words = key.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let (k0, k1) = (next(), next());
        let start = Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        };
        start.with(first)
    }

    /// The hash when the words `first` and `second` follow the `taken` words taken in so far, and nothing else.
    // The body of a loop over several digests, which the compiler then does side by side.
    #[inline(always)]
    pub(super) fn hash_two(self, taken: u64, first: u64, second: u64) -> Hash {
        let total = (taken + 2) * WORD_BYTES as u64;
        self.with(first).with(second).with(total << 56).finish()
    }

    /// The hash when the first `length` bytes of `text` follow the one word taken in so far.
    ///
    /// `None` when `length` is not 8 to 63.
    // With `KeyHasher::address_in`, whose body this is.
    #[inline(always)]
    pub(super) fn hash(self, text: &[u8; ROOM_BYTES], length: usize) -> Option<Hash> {
        if !(WORD_BYTES..ROOM_BYTES).contains(&length) {
            return None;
        }
        let (words, _) = text.as_chunks::<WORD_BYTES>();
        let word = |at: usize| words.get(at).map(|word| u64::from_le_bytes(*word));
        let whole = length / WORD_BYTES;
        let mut state = self.with(word(0)?);
        // Nearly every address has one to three whole words. Which, no processor can guess, and a wrong
        // guess costs more than the rounds that are thrown away.
        state = state.with(word(1)?).if_else(whole > 1, state);
        state = state.with(word(2)?).if_else(whole > 2, state);
        if whole > 3 {
            for word in words.get(3..whole)? {
                state = state.with(u64::from_le_bytes(*word));
            }
        }
        let inside = (1_u64 << (8 * (length % WORD_BYTES))) - 1;
        let total = (length + WORD_BYTES) as u64;
        Some(state.with(word(whole)? & inside | total << 56).finish())
    }

    #[inline(always)]
    fn if_else(self, condition: bool, other: Self) -> Self {
        Self {
            v0: select_unpredictable(condition, self.v0, other.v0),
            v1: select_unpredictable(condition, self.v1, other.v1),
            v2: select_unpredictable(condition, self.v2, other.v2),
            v3: select_unpredictable(condition, self.v3, other.v3),
        }
    }

    /// The state after one word more.
    #[inline(always)]
    pub(super) fn with(mut self, word: u64) -> Self {
        self.v3 ^= word;
        self = self.round();
        self.v0 ^= word;
        self
    }

    #[inline(always)]
    fn finish(mut self) -> Hash {
        self.v2 ^= 0xee;
        self = self.round().round().round();
        let lo = self.v0 ^ self.v1 ^ self.v2 ^ self.v3;
        self.v1 ^= 0xdd;
        self = self.round().round().round();
        Hash { lo, hi: self.v0 ^ self.v1 ^ self.v2 ^ self.v3 }
    }

    #[inline(always)]
    fn round(self) -> Self {
        let Self { mut v0, mut v1, mut v2, mut v3 } = self;
        v0 = v0.wrapping_add(v1);
        v2 = v2.wrapping_add(v3);
        v1 = v1.rotate_left(13) ^ v0;
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.rotate_left(32).wrapping_add(v3);
        v2 = v2.wrapping_add(v1);
        v3 = v3.rotate_left(21) ^ v0;
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        Self { v0, v1, v2, v3 }
    }
}
