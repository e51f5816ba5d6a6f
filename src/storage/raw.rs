//! The crate's only `unsafe`: the memory map of a file, and the prefetch of a cache line.
#![expect(unsafe_code, reason = "a file mapping and a prefetch have no safe form")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// The size of a huge page on x86-64 and on most `AArch64`.
pub(super) const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Maps a whole file, read-only; a large one on huge pages where the system has them for files.
///
/// The caller must have opened a file that [`super::Disk`] wrote: see the contract inside.
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapped bytes must not change or vanish while the `Mmap` lives, since Rust code holds
    // them as `&[u8]`. `Disk` keeps its side: a file is written under a temporary name, synced, made
    // read-only and renamed, and after that never opened for writing (invariant 2); replacing and
    // removing a name leave the mapped inode as it is. Who breaks it is a foreign process with the
    // rights to the directory: bytes changed in place may give a wrong answer of this process, and a
    // file cut short raises SIGBUS. docs/format.md, "Assumptions about the disk", tells operators not
    // to; `Access::Resident` does not depend on it.
    let map = unsafe { Mmap::map(file) }?;
    // A hint. Linux then reads what its file cache lacks in pages of 2 MiB, and maps them as such: a
    // random probe of a large table finds its page without a walk, and there are few page faults.
    #[cfg(target_os = "linux")]
    if map.len() >= HUGE_PAGE_BYTES {
        let _ = map.advise(memmap2::Advice::HugePage);
    }
    Ok(map)
}

/// Asks the processor to bring the cache line at `bytes[offset]` near; a hint without any effect on
/// results. Out of range, or on a processor without the instruction, it does nothing.
///
/// Cost: one instruction; the load itself overlaps with what follows.
#[inline]
pub fn prefetch(bytes: &[u8], offset: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(offset) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction needs SSE, which every x86_64 target has, and it reads nothing into
        // the program; the pointer comes from a live reference anyway, so it is valid by construction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefetch_out_of_range_does_nothing() {
        let bytes = [0; 64];
        for offset in [0, 63, 64, 65, usize::MAX] {
            prefetch(&bytes, offset);
            prefetch(&[], offset);
        }
    }
}
