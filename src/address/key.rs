//! The normalised bytes of an address, and the buffer they live in.

use super::KEY_BYTES_MAX;

/// The normalised bytes of one address, borrowed from the [`KeyBuffer`] that holds them.
///
/// At most 254 bytes of UTF-8, with exactly one `@` outside quotes. Ordered and compared bytewise.
/// Only [`Policy::key`](super::Policy::key) makes one, so a `Key` is always normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// The key that stands in `bytes`, which one of the two paths has just written.
    pub(super) fn written(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes to hash, store and compare.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The key as text, for people and for JSON; costs a UTF-8 check.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        // Both paths write UTF-8 only, so the default is never taken.
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// The bytes before the `@`, with their quotes if they need any.
    #[must_use]
    pub fn local(self) -> &'a [u8] {
        self.0.get(..self.at()).unwrap_or_default()
    }

    /// The bytes after the `@`: lower-case A-labels, or an address literal in square brackets.
    #[must_use]
    pub fn domain(self) -> &'a [u8] {
        self.0.get(self.at() + 1..).unwrap_or_default()
    }

    /// Where the `@` is: the last one, since a domain holds none and a quoted local part may.
    fn at(self) -> usize {
        memchr::memrchr(b'@', self.0).unwrap_or(self.0.len())
    }
}

/// Room for one key. Made once by the caller and used for every row, so that no row allocates it.
///
/// ```
/// use quell::address::{InvalidAddress, KeyBuffer, Policy};
///
/// let mut buffer = KeyBuffer::new();
/// for raw in ["ann@example.com", " <ANN@EXAMPLE.COM>"] {
///     let key = Policy::EXACT.key(raw.as_bytes(), &mut buffer)?;
///     assert_eq!((key.local(), key.domain()), (&b"ann"[..], &b"example.com"[..]));
/// }
/// # Ok::<(), InvalidAddress>(())
/// ```
#[derive(Debug, Clone)]
pub struct KeyBuffer {
    pub(super) bytes: [u8; KEY_BYTES_MAX],
}

impl KeyBuffer {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; KEY_BYTES_MAX] }
    }

    /// The key of the first `length` bytes.
    pub(super) fn key(&self, length: usize) -> Key<'_> {
        Key::written(self.bytes.get(..length).unwrap_or_default())
    }
}

impl Default for KeyBuffer {
    fn default() -> Self {
        Self::new()
    }
}
