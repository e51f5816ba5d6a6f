//! Plain ASCII addresses in one pass: the hottest loop there is.
//!
//! It may decline anything, and then says nothing about it; `slow` decides. What it accepts must be
//! byte for byte what `slow` would have written (`properties.rs` holds that).
//!
//! | file | takes |
//! | --- | --- |
//! | `blocks` | the plainest address, with 64 readable bytes from its start on |
//! | `chunks` | any plain address, white space around it |

mod blocks;
mod chunks;

use super::KEY_BYTES_MAX;
use std::ops::Range;

/// Writes the key of `raw` and gives its length, or gives `None` and leaves the bytes unspecified.
#[inline]
pub(super) fn write(raw: &[u8], bytes: &mut [u8; KEY_BYTES_MAX]) -> Option<usize> {
    chunks::write(raw, bytes)
}

/// Writes the key of the address in `text[cell]`, as [`write()`] does, but declines more: what `blocks` does
/// not take, a cell without 64 bytes of `text` from its start on, a range that is not inside of `text`.
#[inline(always)]
pub(super) fn write_in(
    text: &[u8],
    cell: &Range<usize>,
    bytes: &mut [u8; KEY_BYTES_MAX],
) -> Option<usize> {
    let room = text.get(cell.start..)?.first_chunk()?;
    // An end before the start makes a length that no address has.
    blocks::write(room, cell.end.wrapping_sub(cell.start), bytes)
}
