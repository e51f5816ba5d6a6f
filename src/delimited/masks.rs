//! 64 bytes → which of them are quotes, delimiters and line ends, one bit a byte.

use super::QUOTE;
use wide::u8x16;

const QUOTES: u8x16 = u8x16::splat(QUOTE);
const LINE_FEED: u8x16 = u8x16::splat(b'\n');
const CARRIAGE_RETURN: u8x16 = u8x16::splat(b'\r');

/// Bytes a mask stands for.
pub(super) const BLOCK_BYTES: usize = 64;

/// One block's bytes by what they are; bit *b* stands for byte *b*. Whether a byte means what it is, or is
/// quoted, is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Masks {
    pub(super) quotes: u64,
    pub(super) delimiters: u64,
    /// Line feeds and carriage returns.
    pub(super) line_ends: u64,
}

impl Masks {
    /// The masks of a block.
    #[inline(always)]
    pub(super) fn of(block: &[u8; BLOCK_BYTES], delimiter: u8) -> Self {
        let delimiter = u8x16::splat(delimiter);
        let mut masks = Self::default();
        for (part, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let line_ends = bytes.simd_eq(LINE_FEED) | bytes.simd_eq(CARRIAGE_RETURN);
            let bits = |equal: u8x16| u64::from(equal.to_bitmask()) << (16 * part);
            masks.quotes |= bits(bytes.simd_eq(QUOTES));
            masks.delimiters |= bits(bytes.simd_eq(delimiter));
            masks.line_ends |= bits(line_ends);
        }
        masks
    }

    /// These masks without the bits that are not in `keep`.
    #[inline(always)]
    pub(super) fn and(self, keep: u64) -> Self {
        let Self { quotes, delimiters, line_ends } = self;
        Self { quotes: quotes & keep, delimiters: delimiters & keep, line_ends: line_ends & keep }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The masks in plain words.
    fn plain(block: &[u8; BLOCK_BYTES], delimiter: u8) -> Masks {
        let mut masks = Masks::default();
        for (at, &byte) in block.iter().enumerate() {
            masks.quotes |= u64::from(byte == QUOTE) << at;
            masks.delimiters |= u64::from(byte == delimiter) << at;
            masks.line_ends |= u64::from(b"\r\n".contains(&byte)) << at;
        }
        masks
    }

    proptest! {
        #[test]
        fn the_vector_form_is_the_plain_one(
            bytes in prop::collection::vec(
                prop_oneof![any::<u8>(), prop::sample::select(b",;\t\"\n\r\0\x8a\x8d\xa2".to_vec())],
                BLOCK_BYTES,
            ),
            delimiter in prop::sample::select(b",;\t|\0".to_vec()),
        ) {
            let block = bytes.first_chunk().unwrap();
            prop_assert_eq!(Masks::of(block, delimiter), plain(block, delimiter));
        }
    }
}
