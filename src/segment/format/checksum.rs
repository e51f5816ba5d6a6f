//! The checksum of a section: of one piece when it is short, of blocks side by side when it is long.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use xxhash_rust::xxh3::xxh3_128;

/// Longer bytes are checked in blocks of this length; the last one may be shorter.
pub(in crate::segment) const CHECKED_BLOCK_LEN: usize = 1 << 20;
/// A further thread for so many blocks: starting one takes as long as reading half a block.
const BLOCKS_PER_THREAD: usize = 8;
/// More threads than this do not read memory faster.
const THREADS_MAX: usize = 8;

/// The checksum of everything in a segment: XXH3, 128 bits, seed 0. Of more than
/// [`CHECKED_BLOCK_LEN`] bytes it is that of the checksums of their blocks, one after the other.
///
/// Cost: one pass at about the speed of memory, on several processors when there is much to read.
pub(in crate::segment) fn checksum(bytes: &[u8]) -> u128 {
    if bytes.len() <= CHECKED_BLOCK_LEN {
        return xxh3_128(bytes);
    }
    let blocks = bytes.len().div_ceil(CHECKED_BLOCK_LEN);
    let threads = (blocks / BLOCKS_PER_THREAD).clamp(1, THREADS_MAX);
    let threads = match threads {
        1 => 1,
        _ => threads.min(thread::available_parallelism().map_or(1, NonZero::get)),
    };
    xxh3_128(block_checksums(bytes, threads).as_flattened())
}

/// The checksum of each block, in order. Threads that can't be started leave their share to the others.
fn block_checksums(bytes: &[u8], threads: usize) -> Vec<[u8; 16]> {
    let blocks = bytes.chunks(CHECKED_BLOCK_LEN);
    let mut sums = vec![[0; 16]; blocks.len()];
    let left = Mutex::new(blocks.zip(&mut sums));
    // A thread takes the next block, rather than a fixed share: processors may be busy with other work.
    let take = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((block, sum)) = take() {
            *sum = xxh3_128(block).to_le_bytes();
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    /// docs/format.md, "Checksums": written out once more, so that another implementation can check its own.
    #[test]
    fn long_bytes_are_checked_by_their_blocks() {
        let bytes = bytes(3 * CHECKED_BLOCK_LEN + 7);
        let (block, rest) = bytes.split_at(CHECKED_BLOCK_LEN);
        assert_eq!(checksum(block), xxh3_128(block), "one block is one piece");
        let of_blocks: Vec<u8> = [block]
            .into_iter()
            .chain(rest.chunks(CHECKED_BLOCK_LEN))
            .flat_map(|block| xxh3_128(block).to_le_bytes())
            .collect();
        assert_eq!(of_blocks.len(), 64);
        assert_eq!(checksum(&bytes), xxh3_128(&of_blocks));
        assert_eq!(checksum(&[]), xxh3_128(&[]));
    }

    #[test]
    fn the_number_of_threads_changes_nothing_and_every_byte_counts() {
        let mut bytes = bytes(17 * CHECKED_BLOCK_LEN + 1);
        let alone = block_checksums(&bytes, 1);
        for threads in [2, 3, 64] {
            assert_eq!(block_checksums(&bytes, threads), alone);
        }
        let whole = checksum(&bytes);
        let last = bytes.len() - 1;
        for at in [0, CHECKED_BLOCK_LEN - 1, CHECKED_BLOCK_LEN, 9 * CHECKED_BLOCK_LEN + 5, last] {
            bytes[at] ^= 1;
            assert_ne!(checksum(&bytes), whole, "byte {at}");
            bytes[at] ^= 1;
        }
        bytes.swap(0, CHECKED_BLOCK_LEN + 1);
        assert_ne!(checksum(&bytes), whole);
    }
}
