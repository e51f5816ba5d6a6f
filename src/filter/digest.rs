//! Counts, and if asked digests, the bytes that pass.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read, Write};

/// A SHA-256 digest; displays as lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// A reader or writer that counts its bytes and, if asked, digests them (a digest costs about as much
/// as the whole filter, so it is made only for a report).
#[derive(Debug)]
pub struct Measured<T> {
    inner: T,
    bytes: u64,
    sha256: Option<Sha256>,
}

impl<T> Measured<T> {
    /// Measures `inner`.
    pub fn new(inner: T, with_digest: bool) -> Self {
        Self { inner, bytes: 0, sha256: with_digest.then(Sha256::new) }
    }

    /// How many bytes passed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of the bytes that passed, if it was asked for.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.sha256.as_ref().map(|sha256| Digest(sha256.clone().finalize().into()))
    }

    /// What is measured; what is written to it past this is not.
    pub fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// What is measured.
    pub fn into_inner(self) -> T {
        self.inner
    }

    fn count(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count(&buffer[..count]);
        Ok(count)
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.count(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
