//! The crate's only `unsafe` besides its allocator: the memory map of a file, the prefetch of a cache line, and
//! the call of code compiled for newer processors.
#![expect(
    unsafe_code,
    reason = "a file mapping, a prefetch and a processor's features have no safe form"
)]

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

/// Something to be done that is worth compiling for newer processors too.
///
/// A type and no closure, because only a method can be told to be inlined, and what is not inlined gains
/// nothing.
pub trait Work {
    /// What it gives.
    type Output;

    /// Does it. To be marked `#[inline(always)]`, as all that is hot in it.
    fn run(self) -> Self::Output;
}

/// Runs `work` compiled for processors with AVX2 and BMI where this one has them, and as the program is
/// compiled where not; what it does and gives is the same.
///
/// Cost: asking for the processor is one load, so this is for work of microseconds.
#[inline]
pub fn for_this_processor<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the function needs nothing but a processor with these features, and this one was just
        // asked for each.
        return unsafe { for_avx2(work) };
    }
    work.run()
}

/// `work`, with instructions that not every processor has.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn for_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count<'a>(&'a [u64]);

    impl Work for Count<'_> {
        type Output = u32;

        #[inline(always)]
        fn run(self) -> u32 {
            self.0.iter().map(|word| word.trailing_zeros() + word.count_ones()).sum()
        }
    }

    #[test]
    fn the_processor_changes_no_result() {
        let words: Vec<u64> =
            (0..999_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        assert_eq!(for_this_processor(Count(&words)), Count(&words).run());
    }

    #[test]
    fn a_prefetch_out_of_range_does_nothing() {
        let bytes = [0; 64];
        for offset in [0, 63, 64, 65, usize::MAX] {
            prefetch(&bytes, offset);
            prefetch(&[], offset);
        }
    }
}
