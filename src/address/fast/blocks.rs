//! The plainest addresses, sixteen bytes at a time: nearly all there are.
//!
//! A block of bytes becomes masks of a bit a byte, and everything that is to be known of the address is
//! then a few operations on integers. There is one branch on the length and one on the outcome.

use super::KEY_BYTES_MAX;
use wide::{i8x16, u8x16};

/// Bytes that are read, whatever the address's length.
pub(super) const ROOM_BYTES: usize = 64;

/// Bytes of a block.
const BLOCK_BYTES: usize = 16;

/// Writes the key of the first `length` bytes of `text` and gives its length, or gives `None` and leaves
/// the bytes unspecified.
///
/// Accepts `local@domain`, at most 63 bytes, of letters, digits, `-`, `_` and `.`, without a trailing dot.
/// Bytes of `text` behind the address don't matter.
#[inline(always)]
pub(super) fn write(
    text: &[u8; ROOM_BYTES],
    length: usize,
    bytes: &mut [u8; KEY_BYTES_MAX],
) -> Option<usize> {
    if length >= ROOM_BYTES {
        return None;
    }
    let (blocks, _) = text.as_chunks();
    let (out, _) = bytes.as_chunks_mut();
    let mut masks = Masks::default();
    masks.add::<0>(blocks, out)?;
    masks.add::<1>(blocks, out)?;
    if length > 2 * BLOCK_BYTES {
        masks.add::<2>(blocks, out)?;
        masks.add::<3>(blocks, out)?;
    }
    let at = masks.at(length)?;
    (*text.get(at)? == b'@').then_some(length)
}

/// A bit a byte, the first byte's lowest.
#[derive(Default)]
struct Masks {
    /// Letters, digits, `-`, `_` and `.`.
    plain: u64,
    dots: u64,
}

impl Masks {
    /// Takes in block number `BLOCK` and writes it in lower case.
    #[inline(always)]
    fn add<const BLOCK: usize>(
        &mut self,
        blocks: &[[u8; BLOCK_BYTES]],
        out: &mut [[u8; BLOCK_BYTES]],
    ) -> Option<()> {
        let block = u8x16::new(*blocks.get(BLOCK)?);
        let case = u8x16::splat(b'a' - b'A');
        let letters = in_range::<b'a', b'z'>(block | case);
        // From `-` to `9` there are the dot, the digits, and one that is not plain.
        let numbers = in_range::<b'-', b'9'>(block) & !block.simd_eq(u8x16::splat(b'/'));
        let plain = letters | numbers | block.simd_eq(u8x16::splat(b'_'));
        let dots = block.simd_eq(u8x16::splat(b'.'));
        self.plain |= u64::from(plain.to_bitmask()) << (BLOCK * BLOCK_BYTES);
        self.dots |= u64::from(dots.to_bitmask()) << (BLOCK * BLOCK_BYTES);
        *out.get_mut(BLOCK)? = (block | (letters & case)).to_array();
        Some(())
    }

    /// Where the `@` must be: the one byte of the first `length`, below 64, that is not plain. `None` unless
    /// there is one, something before it, and no empty label behind it.
    #[inline(always)]
    fn at(&self, length: usize) -> Option<usize> {
        let end = 1_u64 << length;
        let inside = end - 1;
        let at = !self.plain & inside;
        // What labels lie between, from the `@` on. No two are neighbours if no label is empty.
        let borders = (self.dots & inside | at | end) & at.wrapping_neg();
        // No bit at all is below 2 too, and bit 0 would be an empty local part.
        let sound = (at > 1) & (at & at.wrapping_sub(1) == 0) & (borders & (borders >> 1) == 0);
        sound.then_some(at.trailing_zeros() as usize)
    }
}

/// All bits of a byte where it is one of `LOW..=HIGH`, which are ASCII.
#[inline(always)]
fn in_range<const LOW: u8, const HIGH: u8>(block: u8x16) -> u8x16 {
    // With the range at the top of the positive signed bytes one comparison is enough: what is above the
    // range wraps to below zero, and what is not ASCII can't come that high.
    let to_top = i8::MAX.cast_unsigned() - HIGH;
    let moved = (block + u8x16::splat(to_top)).cast_signed();
    moved.simd_gt(i8x16::splat((LOW + to_top - 1).cast_signed())).cast_unsigned()
}
