//! Bytes that never change, shared without copying.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::Mmap;

/// A whole file starts at a multiple of this: a bucket of the hash table is one cache line, and must
/// not straddle two.
const ALIGNMENT_BYTES: usize = 64;

/// Bytes that never change: a file's, or a part of them.
///
/// A clone or a [slice](Blob::slice) shares the bytes and costs one atomic increment; the bytes live as
/// long as the last of them, also after their file was removed. A blob of a whole file, or made from a
/// `Vec`, starts at an address that is a multiple of 64.
///
/// # Example
///
/// ```
/// use quell::storage::Blob;
///
/// let blob = Blob::from(b"header payload".to_vec());
/// assert_eq!(blob.slice(7..14).as_deref(), Some(&b"payload"[..]));
/// assert!(blob.slice(7..15).is_none());
/// ```
#[derive(Clone)]
pub struct Blob {
    owner: Arc<Owner>,
    start: usize,
    len: usize,
}

/// What keeps the bytes in memory.
enum Owner {
    Heap(Vec<u8>),
    Mapped(Mmap),
}

impl Owner {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

impl Blob {
    /// The part of these bytes in `range`, which counts from this blob's start; `None` when it is not
    /// wholly inside. Shares the bytes.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.len {
            return None;
        }
        let start = self.start.checked_add(range.start)?;
        Some(Self { owner: Arc::clone(&self.owner), start, len })
    }

    /// The part of `map` in `range`, which must be inside it, as must a 64-byte aligned start.
    pub(super) fn mapped(map: Mmap, range: Range<usize>) -> Self {
        debug_assert!(range.start <= range.end && range.end <= map.len());
        let len = range.end.saturating_sub(range.start);
        Self { owner: Arc::new(Owner::Mapped(map)), start: range.start, len }
    }
}

impl From<Vec<u8>> for Blob {
    /// Takes over the bytes; copies them only when they do not start at a multiple of 64.
    fn from(bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        let (bytes, start) = match bytes.as_ptr().align_offset(ALIGNMENT_BYTES) {
            0 => (bytes, 0),
            _ => aligned_copy(&bytes),
        };
        Self { owner: Arc::new(Owner::Heap(bytes)), start, len }
    }
}

/// A copy of `bytes` in a larger vector, and where it starts there: at a multiple of 64.
fn aligned_copy(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut copy: Vec<u8> = Vec::with_capacity(bytes.len() + ALIGNMENT_BYTES);
    // The capacity covers both extensions, so neither moves the buffer the offset was taken of.
    let start = copy.as_ptr().align_offset(ALIGNMENT_BYTES).min(ALIGNMENT_BYTES);
    copy.resize(start, 0);
    copy.extend_from_slice(bytes);
    (copy, start)
}

impl Deref for Blob {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // Every constructor keeps the range inside the owner's bytes, which never change their length.
        &self.owner.bytes()[self.start..self.start + self.len]
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Blob {
    /// The length alone: the bytes may be a gigabyte, or addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_start_at_a_cache_line_wherever_the_vector_was() {
        for len in [0, 1, 7, 63, 64, 65, 1000, 1 << 20] {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let blob = Blob::from(bytes.clone());
            assert_eq!(&*blob, &bytes[..]);
            if len > 0 {
                assert_eq!(blob.as_ptr().align_offset(64), 0, "{len} bytes");
            }
        }
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "a damaged file may ask for one")]
    fn a_slice_is_inside_or_is_none() {
        let blob = Blob::from(b"0123456789".to_vec());
        let middle = blob.slice(2..8).unwrap();
        assert_eq!(&*middle, b"234567");
        assert_eq!(&*middle.slice(1..6).unwrap(), b"34567");
        assert!(middle.slice(1..7).is_none(), "inside the owner, outside the slice");
        assert!(blob.slice(11..11).is_none());
        assert!(blob.slice(5..4).is_none());
        assert!(blob.slice(0..usize::MAX).is_none());
        assert_eq!(blob.slice(10..10).as_deref(), Some(&b""[..]));
    }
}
