//! What a dictionary says of an address.
//!
//! A dictionary knows every address the ledger has a record of, also those that nothing withholds, so
//! that a search finds them. The hash table knows only those that something withholds.

use crate::record::Blocks;

/// The value a dictionary stores: 0, the tombstone, when nothing is recorded; else the entry's bits,
/// shifted up by one, and a one below them.
///
/// ```
/// use quell::index::dictionary_value;
/// use quell::record::Blocks;
///
/// assert_eq!(dictionary_value(None), 0);
/// assert_eq!(dictionary_value(Some(Blocks::NONE)), 1);
/// assert_eq!(dictionary_value(Some(Blocks::from_bits(0b10))), 0b101);
/// ```
#[must_use]
pub fn dictionary_value(recorded: Option<Blocks>) -> u64 {
    recorded.map_or(0, |blocks| u64::from(blocks.to_bits()) << 1 | 1)
}

/// What a stored value says; bits no build writes are read as every block there is.
pub(super) fn recorded(value: u64) -> Option<Blocks> {
    let bits = u16::try_from(value >> 1).unwrap_or(u16::MAX);
    (value != 0).then_some(Blocks::from_bits(bits))
}
