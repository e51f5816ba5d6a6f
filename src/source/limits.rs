//! How far a compressed file may grow before it is refused.

/// Limits against files made to grow without end.
///
/// Both must be passed for a refusal: rows that hold an address each do not compress 1000 : 1, not even with
/// hundreds of empty columns, and below a gibibyte a ratio says little (a column of zeros comes close).
/// Memory does not depend on them: what is decompressed is streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// So many decompressed bytes are never refused.
    pub free_bytes: u64,
    /// Beyond them, so many decompressed bytes a compressed one are allowed.
    pub ratio_max: u64,
    /// The longest distance a zstd frame may look back, as a power of two: what it takes of memory.
    pub window_log_max: u32,
}

impl Default for UnpackLimits {
    /// A gibibyte free, then 1000 : 1; a window of 128 MiB, as the `zstd` command has it.
    fn default() -> Self {
        Self { free_bytes: 1 << 30, ratio_max: 1000, window_log_max: 27 }
    }
}

impl UnpackLimits {
    /// Says whether `unpacked` bytes from `packed` ones are too many.
    pub(super) fn are_passed(&self, packed: u64, unpacked: u64) -> bool {
        unpacked > self.free_bytes && unpacked / self.ratio_max > packed
    }
}
