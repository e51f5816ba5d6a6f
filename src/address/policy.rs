//! Which addresses count as the same person's.

use super::explain::{Explanation, Steps};
use super::invalid::InvalidAddress;
use super::key::{Key, KeyBuffer};
use super::{fast, slow, widen};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// How far addresses are brought together: the exact rules, plus any widenings a store opted into.
///
/// A store fixes its policy at `init`, and every segment names it, because keys made under two
/// policies can't be compared. [`Display`](fmt::Display) gives the name that [`FromStr`] reads: `exact`, or
/// the [widenings](super#the-widenings) joined by commas, always in one order.
///
/// ```
/// use quell::address::{KeyBuffer, Policy};
///
/// let policy: Policy = "googlemail, gmail-dots".parse()?;
/// assert_eq!(policy.to_string(), "gmail-dots,googlemail");
///
/// let mut buffer = KeyBuffer::new();
/// let key = policy.key(b"Ann.Smith@googlemail.com", &mut buffer).expect("an address");
/// assert_eq!(key.as_str(), "annsmith@gmail.com");
/// # Ok::<(), quell::address::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Policy {
    /// One bit a widening; none is the exact policy. Segments store them: a bit never changes its meaning.
    widenings: u32,
}

/// The names of the widenings and their bits, in the order of a policy's name.
const WIDENINGS: [(&str, u32); 4] = [
    ("gmail-dots", widen::GMAIL_DOTS),
    ("googlemail", widen::GOOGLEMAIL),
    ("plus-tags", widen::PLUS_TAGS),
    ("yahoo-dash", widen::YAHOO_DASH),
];

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
            Some(length) => Ok(self.widened(length, buffer)),
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
        // The same way for every row of a run. A widened key is made apart from the loop, too.
        let length =
            if self.widenings == 0 { fast::write_in(text, &cell, &mut buffer.bytes) } else { None };
        match length {
            Some(length) => Ok(buffer.key(length)),
            None => self.key_declined(text, cell, buffer),
        }
    }

    /// [`Policy::key_in`] of what its shortcut does not take, and under a widened policy. Apart, so that the shortcut fits into the loop
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
        Ok(self.widened(length, buffer))
    }

    /// The key of the exact key that is the first `length` bytes of `buffer`.
    #[inline(always)]
    fn widened<'b>(&self, length: usize, buffer: &'b mut KeyBuffer) -> Key<'b> {
        // The same way for every row of a run.
        if self.widenings == 0 {
            return buffer.key(length);
        }
        let length = widen::write(self.widenings, &mut buffer.bytes, length, &mut ());
        buffer.key(length)
    }

    /// How the address in `raw` becomes its key, or where it fails: what [`Policy::key`] does, watched.
    ///
    /// For people: it takes the general path and keeps every text in between. Bytes that are not UTF-8 are
    /// shown as U+FFFD.
    ///
    /// ```
    /// use quell::address::Policy;
    ///
    /// let policy: Policy = "plus-tags".parse()?;
    /// let explanation = policy.explain(b" Ann+news@Example.com");
    /// let steps: Vec<_> = explanation.steps.iter().map(|step| (step.rule.as_str(), &*step.after)).collect();
    /// assert_eq!(steps, [
    ///     ("trim", "Ann+news@Example.com"),
    ///     ("local_case", "ann+news@Example.com"),
    ///     ("domain_case", "ann+news@example.com"),
    ///     ("plus_tags", "ann@example.com"),
    /// ]);
    /// assert_eq!(explanation.outcome.as_deref(), Ok("ann@example.com"));
    /// # Ok::<(), quell::address::PolicyError>(())
    /// ```
    #[must_use]
    pub fn explain(&self, raw: &[u8]) -> Explanation {
        let mut steps = Steps::new(raw);
        let mut buffer = KeyBuffer::new();
        let outcome = slow::write_watched(raw, &mut buffer.bytes, &mut steps).map(|length| {
            let length = widen::write(self.widenings, &mut buffer.bytes, length, &mut steps);
            buffer.key(length).as_str().to_owned()
        });
        Explanation { steps: steps.into_taken(), outcome }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.widenings == 0 {
            return f.write_str("exact");
        }
        let chosen = WIDENINGS.iter().filter(|(_, bit)| self.widenings & bit != 0);
        for (place, (name, _)) in chosen.enumerate() {
            f.write_str(if place == 0 { "" } else { "," })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A policy that can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// `exact` beside a widening.
    ExactAndMore,
    /// A word that names no policy.
    Unknown(String),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EXPECTED: &str =
            "expected `exact`, or any of `gmail-dots`, `googlemail`, `plus-tags`, `yahoo-dash`";
        match self {
            Self::ExactAndMore => {
                write!(f, "policy `exact` beside a widening, which is not exact, {EXPECTED}")
            }
            Self::Unknown(word) => write!(f, "unknown policy `{word}`, {EXPECTED}"),
        }
    }
}

impl std::error::Error for PolicyError {}

impl FromStr for Policy {
    type Err = PolicyError;

    /// Reads words separated by commas, in any order and case, with space around them; a repeated word counts
    /// once. `exact` stands alone.
    fn from_str(words: &str) -> Result<Self, PolicyError> {
        let (mut widenings, mut exact) = (0, false);
        for word in words.split(',').map(str::trim) {
            let known = WIDENINGS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            match known {
                Some((_, bit)) => widenings |= bit,
                None if word.eq_ignore_ascii_case("exact") => exact = true,
                None => return Err(PolicyError::Unknown(word.to_owned())),
            }
        }
        if exact && widenings != 0 {
            Err(PolicyError::ExactAndMore)
        } else {
            Ok(Self { widenings })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn exact_is_the_default_has_number_zero_and_reads_back() {
        assert_eq!(Policy::default(), Policy::EXACT);
        assert_eq!(Policy::EXACT.id(), 0);
        assert_eq!(Policy::EXACT.to_string(), "exact");
        for words in ["exact", " EXACT ", "exact,exact"] {
            assert_eq!(words.parse(), Ok(Policy::EXACT));
        }
    }

    #[test]
    fn every_policy_has_one_name_and_one_number_that_stays() {
        let numbers = ["gmail-dots", "googlemail", "plus-tags", "yahoo-dash"]
            .map(|name| name.parse::<Policy>().unwrap().id());
        assert_eq!(numbers, [1, 2, 4, 8]);
        let mut names = BTreeSet::new();
        for widenings in 0..16 {
            let policy = Policy { widenings };
            assert_eq!(policy.id(), widenings);
            assert_eq!(policy.to_string().parse(), Ok(policy));
            names.insert(policy.to_string());
        }
        assert_eq!(names.len(), 16);
        assert!(names.contains("gmail-dots,googlemail,plus-tags,yahoo-dash"));
    }

    #[test]
    fn order_case_space_and_repeats_do_not_matter() {
        let policy: Policy = "gmail-dots,plus-tags".parse().unwrap();
        for words in ["plus-tags,gmail-dots", " Plus-Tags , GMAIL-DOTS,plus-tags "] {
            assert_eq!(words.parse(), Ok(policy), "{words}");
        }
    }

    #[test]
    fn an_unknown_word_is_named_and_nothing_is_taken_for_exact() {
        for word in ["", "exactly", "exact-ish", "gmail_dots"] {
            assert_eq!(word.parse::<Policy>(), Err(PolicyError::Unknown(word.to_owned())));
            let list = format!("plus-tags,{word}");
            assert_eq!(list.parse::<Policy>(), Err(PolicyError::Unknown(word.to_owned())));
        }
        for list in ["exact,plus-tags", "plus-tags, exact"] {
            assert_eq!(list.parse::<Policy>(), Err(PolicyError::ExactAndMore));
        }
        assert_eq!(
            "exactly".parse::<Policy>().unwrap_err().to_string(),
            "unknown policy `exactly`, expected `exact`, or any of `gmail-dots`, `googlemail`, \
             `plus-tags`, `yahoo-dash`"
        );
    }
}
