//! Which addresses count as the same person's.

use super::invalid::InvalidAddress;
use super::key::{Key, KeyBuffer};
use super::{fast, slow};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// How far addresses are brought together: the exact rules, plus any widenings a store opted into.
///
/// A store fixes its policy at `init`, and every segment names it, because keys made under two
/// policies can't be compared. This version knows the exact policy only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Policy {
    /// One bit a widening; none is the exact policy. No bit has been given out yet.
    widenings: u32,
}

/// Widenings with a name but, in this version, no rules.
const WIDENINGS: [&str; 4] = ["gmail-dots", "plus-tags", "googlemail", "yahoo-dash"];

impl Policy {
    /// The [exact policy](super#the-rules-of-the-exact-policy): the default.
    pub const EXACT: Self = Self { widenings: 0 };

    /// The number segment files store; 0 is the exact policy.
    ///
    /// A change of the rules that changes any key takes a new number, or old segments would be
    /// searched for keys they never held.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.widenings
    }

    /// The key of the address in `raw`, written into `buffer`.
    ///
    /// Takes any bytes of any length. A plain ASCII address costs one pass and no allocation; other
    /// cells allocate a few short strings. Time is linear in `raw`; beyond 4096 bytes only the UTF-8
    /// check and the trimming look at the rest.
    ///
    /// # Errors
    /// The first fault found, when the cell holds no address or more than one.
    ///
    /// # Example
    /// ```
    /// use quell::address::{InvalidAddress, KeyBuffer, Policy};
    ///
    /// let mut buffer = KeyBuffer::new();
    /// let key = Policy::EXACT.key("Ann@MÜNCHEN.example".as_bytes(), &mut buffer)?;
    /// assert_eq!(key.as_str(), "ann@xn--mnchen-3ya.example");
    /// assert_eq!(Policy::EXACT.key(b"ann", &mut buffer), Err(InvalidAddress::NoAtSign));
    /// # Ok::<(), InvalidAddress>(())
    /// ```
    #[inline]
    pub fn key<'b>(
        &self,
        raw: &[u8],
        buffer: &'b mut KeyBuffer,
    ) -> Result<Key<'b>, InvalidAddress> {
        match fast::write(raw, &mut buffer.bytes) {
            Some(length) => Ok(buffer.key(length)),
            None => self.key_without_shortcut(raw, buffer),
        }
    }

    /// The key of the address in `text[cell]`, written into `buffer`: exactly what [`Policy::key`] gives
    /// for those bytes, and cheaper when 64 bytes of `text` or more begin where the cell does.
    ///
    /// The bytes of `text` behind the cell may be read but never matter. What of `cell` is outside of
    /// `text` counts as not there; so does a range whose end is before its start.
    ///
    /// # Errors
    /// As [`Policy::key`].
    ///
    /// # Example
    /// ```
    /// use quell::address::{KeyBuffer, Policy};
    ///
    /// let mut buffer = KeyBuffer::new();
    /// let row = b"17,Ann@Example.com,Ann";
    /// let key = Policy::EXACT.key_in(row, 3..18, &mut buffer)?;
    /// assert_eq!(key.as_bytes(), b"ann@example.com");
    /// # Ok::<(), quell::address::InvalidAddress>(())
    /// ```
    // A sixth of a row's instructions went into the calls of this and of the hash.
    #[inline(always)]
    pub fn key_in<'b>(
        &self,
        text: &[u8],
        cell: Range<usize>,
        buffer: &'b mut KeyBuffer,
    ) -> Result<Key<'b>, InvalidAddress> {
        match fast::write_in(text, &cell, &mut buffer.bytes) {
            Some(length) => Ok(buffer.key(length)),
            None => self.key_declined(text, cell, buffer),
        }
    }

    /// [`Policy::key_in`] of what its shortcut does not take. Apart, so that the shortcut fits into the loop
    /// that calls it.
    #[cold]
    #[inline(never)]
    fn key_declined<'b>(
        &self,
        text: &[u8],
        cell: Range<usize>,
        buffer: &'b mut KeyBuffer,
    ) -> Result<Key<'b>, InvalidAddress> {
        let inside = cell.start..cell.end.min(text.len());
        self.key(text.get(inside).unwrap_or_default(), buffer)
    }

    /// [`Policy::key`] by the general path alone: what the fast path is tested against.
    #[doc(hidden)]
    pub fn key_without_shortcut<'b>(
        &self,
        raw: &[u8],
        buffer: &'b mut KeyBuffer,
    ) -> Result<Key<'b>, InvalidAddress> {
        let length = slow::write(raw, &mut buffer.bytes)?;
        Ok(buffer.key(length))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exact")
    }
}

/// A policy that can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// A widening this version knows by name only.
    NotSupported(&'static str),
    /// A word that names no policy.
    Unknown(String),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSupported(word) => {
                write!(f, "policy `{word}` is not supported by this version, expected `exact`")
            }
            Self::Unknown(word) => write!(f, "unknown policy `{word}`, expected `exact`"),
        }
    }
}

impl std::error::Error for PolicyError {}

impl FromStr for Policy {
    type Err = PolicyError;

    /// Reads words separated by commas; `exact` is the only one this version can do.
    fn from_str(words: &str) -> Result<Self, PolicyError> {
        for word in words.split(',').map(str::trim) {
            let known = WIDENINGS.iter().find(|name| name.eq_ignore_ascii_case(word));
            match known {
                Some(name) => return Err(PolicyError::NotSupported(name)),
                None if word.eq_ignore_ascii_case("exact") => {}
                None => return Err(PolicyError::Unknown(word.to_owned())),
            }
        }
        Ok(Self::EXACT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_is_the_default_has_number_zero_and_reads_back() {
        assert_eq!(Policy::default(), Policy::EXACT);
        assert_eq!(Policy::EXACT.id(), 0);
        assert_eq!(Policy::EXACT.to_string().parse(), Ok(Policy::EXACT));
        assert_eq!(" EXACT ".parse(), Ok(Policy::EXACT));
    }

    #[test]
    fn a_widening_is_refused_by_name_and_never_taken_for_exact() {
        for name in WIDENINGS {
            assert_eq!(name.parse::<Policy>(), Err(PolicyError::NotSupported(name)));
            let list = format!("exact, {name}");
            assert_eq!(list.parse::<Policy>(), Err(PolicyError::NotSupported(name)));
        }
        assert_eq!(
            PolicyError::NotSupported("plus-tags").to_string(),
            "policy `plus-tags` is not supported by this version, expected `exact`"
        );
    }

    #[test]
    fn an_unknown_word_is_named() {
        for word in ["", "exactly", "exact-ish"] {
            assert_eq!(word.parse::<Policy>(), Err(PolicyError::Unknown(word.to_owned())));
        }
        assert_eq!(
            "exactly".parse::<Policy>().unwrap_err().to_string(),
            "unknown policy `exactly`, expected `exact`"
        );
    }
}
