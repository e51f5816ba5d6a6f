//! One bucket of the table: a cache line of six fingerprints, six states, a filter and a count.

use super::words;

/// Bytes of a bucket: one cache line.
pub(in crate::segment) const BUCKET_LEN: usize = 64;
/// Entries in a bucket.
pub(in crate::segment) const SLOTS: usize = 6;

/// One bucket as it lies in the file.
pub(in crate::segment) type Bucket = [u8; BUCKET_LEN];

/// A bucket taken apart, for building and verifying. A look-up reads the bytes through [`Probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::segment) struct Slots {
    pub(in crate::segment) fingerprints: [u64; SLOTS],
    pub(in crate::segment) states: [u16; SLOTS],
    /// Bit *b* is set when an entry of class *b* met this bucket full and went on.
    pub(in crate::segment) filter: u16,
    /// Slots in use: always the first ones.
    pub(in crate::segment) count: u8,
    /// The last byte, always 0.
    pub(in crate::segment) zero: u8,
}

impl Slots {
    pub(in crate::segment) fn decode(bucket: &Bucket) -> Self {
        let words: [u64; 8] = words(bucket);
        let tail = tail(&words);
        let [.., count, zero] = tail.to_le_bytes();
        Self {
            fingerprints: std::array::from_fn(|slot| words[slot]),
            states: std::array::from_fn(|slot| sixteen(tail, slot)),
            filter: sixteen(tail, SLOTS),
            count,
            zero,
        }
    }

    pub(in crate::segment) fn encode(&self, bucket: &mut Bucket) {
        let (words, _) = bucket.as_chunks_mut::<8>();
        for (word, fingerprint) in words.iter_mut().zip(self.fingerprints) {
            *word = fingerprint.to_le_bytes();
        }
        let last = u16::from_le_bytes([self.count, self.zero]);
        let tail = self.states.into_iter().chain([self.filter, last]).rev();
        let tail = tail.fold(0_u128, |tail, sixteen| tail << 16 | u128::from(sixteen));
        let (_, [.., a, b]) = words.split_at_mut(SLOTS) else { return };
        let tail = tail.to_le_bytes();
        let (low, high) = tail.split_at(8);
        a.copy_from_slice(low);
        b.copy_from_slice(high);
    }
}

/// A bucket as a look-up reads it: straight-line code over one cache line, no branch, no bounds check.
#[derive(Clone, Copy)]
pub(in crate::segment) struct Probe {
    /// Bit *s* is set when slot *s* is in use and holds the fingerprint.
    pub(in crate::segment) hits: u32,
    tail: u128,
}

impl Probe {
    #[inline(always)]
    pub(in crate::segment) fn new(bucket: &Bucket, fingerprint: u64) -> Self {
        let words: [u64; 8] = words(bucket);
        let tail = tail(&words);
        let mut hits = 0;
        for (slot, &word) in words.iter().take(SLOTS).enumerate() {
            hits |= u32::from(word == fingerprint) << slot;
        }
        let [.., count, _zero] = tail.to_le_bytes();
        // `min`: on damaged bytes the count may be anything, and the shift must stay one.
        let in_use = (1_u32 << count.min(6)) - 1;
        Self { hits: hits & in_use, tail }
    }

    /// The state in the first slot that holds the fingerprint. Means nothing when there is none.
    #[inline(always)]
    pub(in crate::segment) fn state(self) -> u16 {
        sixteen(self.tail, self.hits.trailing_zeros() as usize)
    }

    /// Whether an entry of this class met the bucket full and went on.
    #[inline(always)]
    pub(in crate::segment) fn goes_on(self, class: u16) -> bool {
        sixteen(self.tail, SLOTS) & class != 0
    }
}

/// Whether a look-up of the fingerprint has to look closer: a slot holds it, or an entry of its class
/// went on from here. Slots that are free count too: zero is a rare fingerprint, and looking closer is
/// never wrong.
#[inline(always)]
pub(in crate::segment) fn concerns(bucket: &Bucket, fingerprint: u64) -> bool {
    let words: [u64; 8] = words(bucket);
    let mut holds = false;
    for &word in words.iter().take(SLOTS) {
        holds |= word == fingerprint;
    }
    holds | (sixteen(tail(&words), SLOTS) & class(fingerprint) != 0)
}

/// The filter bit of a fingerprint: its top four bits choose one of 16.
#[inline(always)]
pub(in crate::segment) fn class(fingerprint: u64) -> u16 {
    1 << (fingerprint >> 60)
}

/// How many buckets on a fingerprint goes from a full one: 1 to 16, from the four bits below.
#[inline(always)]
pub(in crate::segment) fn step(fingerprint: u64) -> usize {
    let [.., top] = fingerprint.to_le_bytes();
    usize::from(top & 15) + 1
}

/// The longest step.
pub(in crate::segment) const STEP_MAX: usize = 16;

/// The last 16 bytes of a bucket as one number: six states, the filter, the count, a zero.
#[inline(always)]
fn tail(words: &[u64; 8]) -> u128 {
    let [.., low, high] = *words;
    u128::from(high) << 64 | u128::from(low)
}

/// The `index`-th 16 bits, counted from the low end; 7 is the last.
#[inline(always)]
fn sixteen(tail: u128, index: usize) -> u16 {
    let [a, b, ..] = (tail >> (16 * (index & 7))).to_le_bytes();
    u16::from_le_bytes([a, b])
}
