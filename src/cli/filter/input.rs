//! The recipients: measured as they are on disk, decompressed on a thread of their own.

use crate::error::{Error, Result};
use crate::filter::Measured;
use crate::source::{Ahead, Compression, UnpackLimits, Unpacked, unpack};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// An input of the filter.
pub(super) struct Input {
    bytes: Bytes,
    start: Vec<u8>,
    whole: bool,
    /// The length of a file that is not compressed.
    plain_bytes: Option<u64>,
}

enum Bytes {
    /// Read by the filter's own threads: nothing but the file stands between.
    Plain(Box<Unpacked<Measured<File>>>),
    Ahead(Ahead<Unpacked<Measured<File>>>),
}

impl Input {
    /// Looks at the first bytes of `file`, and decompresses it if it is compressed.
    ///
    /// # Errors
    ///
    /// As [`unpack`].
    pub(super) fn open(file: File, name: &str, with_digest: bool) -> Result<Self> {
        let length = file.metadata().ok().filter(Metadata::is_file).map(|m| m.len());
        let measured = Measured::new(file, with_digest);
        let unpacked = unpack(measured, name, &UnpackLimits::default())?;
        let plain = unpacked.compression() == Compression::None;
        let (start, whole) = (unpacked.start().to_vec(), unpacked.is_whole());
        let bytes = if plain {
            Bytes::Plain(Box::new(unpacked))
        } else {
            let ahead = Ahead::new(unpacked);
            Bytes::Ahead(
                ahead
                    .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))?,
            )
        };
        Ok(Self { bytes, start, whole, plain_bytes: length.filter(|_| plain) })
    }

    /// The first bytes, decompressed.
    pub(super) fn start(&self) -> &[u8] {
        &self.start
    }

    /// Whether they are all.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many bytes the filter will read, if that is known before.
    pub(super) fn plain_bytes(&self) -> Option<u64> {
        self.plain_bytes
    }

    /// The file as it is on disk, read to its end.
    ///
    /// # Errors
    ///
    /// Only when it was not read to its end.
    pub(super) fn into_measured(self, name: &str) -> Result<Measured<File>> {
        let measured = match self.bytes {
            Bytes::Plain(unpacked) => unpacked.into_inner(),
            Bytes::Ahead(ahead) => ahead.into_inner().and_then(Unpacked::into_inner),
        };
        let early = || io::Error::other("it was not read to its end");
        measured.ok_or_else(|| Error::reading(Path::new(name), early()))
    }
}

impl Read for Input {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::Plain(unpacked) => unpacked.read(buffer),
            Bytes::Ahead(ahead) => ahead.read(buffer),
        }
    }
}
