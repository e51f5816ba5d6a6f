//! A whole file in anonymous memory, on huge pages where the system gives them.
//!
//! The copy costs more than reading the file's mapping (three times the CPU or much more, with the state
//! of the machine's memory), and a mapping has huge pages too where the file cache has them. So this is
//! for who must not depend on the file any more.

use std::fs::File;
use std::io::{self, Read};

use memmap2::MmapMut;

use super::Blob;
use super::raw::HUGE_PAGE_BYTES;

/// One read of the file: large enough to need few calls, small enough that a page is still cached when
/// the kernel copies into it.
const READ_BYTES: usize = 4 << 20;

/// Reads `len` bytes of `file` into memory.
pub(super) fn read(mut file: &File, len: usize) -> io::Result<Blob> {
    if len == 0 {
        return Ok(Blob::from(Vec::new()));
    }
    // One page more than the bytes need: older kernels do not align a mapping for huge pages. What is
    // never touched costs no memory.
    let mapped = len
        .checked_next_multiple_of(HUGE_PAGE_BYTES)
        .and_then(|rounded| rounded.checked_add(HUGE_PAGE_BYTES))
        .ok_or(io::ErrorKind::FileTooLarge)?;
    let mut memory = MmapMut::map_anon(mapped)?;
    let start = memory.as_ptr().align_offset(HUGE_PAGE_BYTES).min(HUGE_PAGE_BYTES);
    // A hint: where the system has no huge pages, ordinary ones hold the same bytes.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    for part in memory[start..start + len].chunks_mut(READ_BYTES) {
        file.read_exact(part)?;
    }
    Ok(Blob::mapped(memory.make_read_only()?, start..start + len))
}
