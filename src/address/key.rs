//! The normalised bytes of an address, and the buffer they live in.

use super::KEY_BYTES_MAX;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The normalised bytes of one address, borrowed from the [`KeyBuffer`] that holds them.
///
/// At most 254 bytes of UTF-8, with exactly one `@` outside quotes. Ordered and compared bytewise.
/// Only [`Policy::key`](super::Policy::key) and [`Policy::key_in`](super::Policy::key_in) make one, so a
/// `Key` is always normalised.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// The key, and behind it what earlier ones left there.
    room: &'a [u8; KEY_BYTES_MAX],
    /// Bytes of the key.
    length: usize,
}

impl<'a> Key<'a> {
    /// The bytes to hash, store and compare.
    #[inline]
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.room.get(..self.length).unwrap_or_default()
    }

    /// The bytes of the key with others behind them that mean nothing, 254 in all, and how many are the
    /// key's.
    ///
    /// For a hash that reads whole words and ignores what is behind the key.
    #[inline(always)]
    #[must_use]
    pub fn in_room(self) -> (&'a [u8], usize) {
        (self.room, self.length)
    }

    /// The key as text, for people and for JSON; costs a UTF-8 check.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        // Both paths write UTF-8 only, so the default is never taken.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The bytes before the `@`, with their quotes if they need any.
    #[must_use]
    pub fn local(self) -> &'a [u8] {
        self.as_bytes().get(..self.at()).unwrap_or_default()
    }

    /// The bytes after the `@`: lower-case A-labels, or an address literal in square brackets.
    #[must_use]
    pub fn domain(self) -> &'a [u8] {
        self.as_bytes().get(self.at() + 1..).unwrap_or_default()
    }

    /// Where the `@` is: the last one, since a domain holds none and a quoted local part may.
    fn at(self) -> usize {
        memchr::memrchr(b'@', self.as_bytes()).unwrap_or(self.length)
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key<'_> {}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.as_bytes()).finish()
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
// A cache line's: what is written in wide blocks and read in words never lies in two of them.
#[repr(align(64))]
pub struct KeyBuffer {
    pub(super) bytes: [u8; KEY_BYTES_MAX],
}

impl KeyBuffer {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; KEY_BYTES_MAX] }
    }

    /// The key of the first `length` bytes, which one of the two paths has just written.
    #[inline]
    pub(super) fn key(&self, length: usize) -> Key<'_> {
        Key { room: &self.bytes, length }
    }
}

impl Default for KeyBuffer {
    fn default() -> Self {
        Self::new()
    }
}
