//! zstd files: frame after frame, frames to be skipped included.

use super::counted::Counted;
use super::limits::UnpackLimits;
use std::io::{self, Read};

/// Decompresses all frames of a zstd file.
pub(super) struct Zstandard<R> {
    decoder: zstd::stream::read::Decoder<'static, Counted<R>>,
}

impl<R: Read> Zstandard<R> {
    pub(super) fn new(input: R, limits: &UnpackLimits) -> io::Result<Self> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(Counted::new(input))?;
        decoder.window_log_max(limits.window_log_max)?;
        Ok(Self { decoder })
    }

    pub(super) fn input(&self) -> &Counted<R> {
        self.decoder.get_ref()
    }

    pub(super) fn into_inner(self) -> R {
        self.decoder.finish().into_inner()
    }
}

impl<R: Read> Read for Zstandard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}
