//! A pattern of keys: bytes, and `*` for any number of any bytes.

use memchr::memmem;

/// A pattern of keys. Only `*` is special: any number of any bytes, none included.
///
/// # Example
///
/// ```
/// use quell::index::Pattern;
///
/// assert!(Pattern::new(b"ann*").matches(b"ann@example.com"));
/// assert!(Pattern::new(b"*@example.com").matches(b"ann@example.com"));
/// assert!(Pattern::new(b"a*n*@*.com").matches(b"ann@example.com"));
/// assert!(!Pattern::new(b"ann").matches(b"ann@example.com"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What every match begins with.
    prefix: Vec<u8>,
    /// What must follow, in this order and without overlap, when there is a `*`.
    rest: Option<Rest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest {
    /// The literals between two `*`.
    between: Vec<Vec<u8>>,
    /// What every match ends with.
    suffix: Vec<u8>,
}

impl Pattern {
    /// The pattern written as `pattern`.
    #[must_use]
    pub fn new(pattern: &[u8]) -> Self {
        let mut literals = pattern.split(|&byte| byte == b'*').map(<[u8]>::to_vec);
        let prefix = literals.next().unwrap_or_default();
        let mut between: Vec<_> = literals.collect();
        let rest = between.pop().map(|suffix| {
            between.retain(|literal| !literal.is_empty());
            Rest { between, suffix }
        });
        Self { prefix, rest }
    }

    /// Says whether `key` is one of the pattern's.
    ///
    /// Cost: linear in the key, whatever the pattern: each literal is taken where it first occurs, which
    /// leaves the most for those after it, so nothing is ever tried twice.
    #[must_use]
    pub fn matches(&self, key: &[u8]) -> bool {
        let Some(after) = key.strip_prefix(self.prefix.as_slice()) else { return false };
        let Some(rest) = &self.rest else { return after.is_empty() };
        let Some(mut middle) = after.strip_suffix(rest.suffix.as_slice()) else { return false };
        for literal in &rest.between {
            let Some(at) = memmem::find(middle, literal) else { return false };
            middle = middle.get(at + literal.len()..).unwrap_or_default();
        }
        true
    }

    /// What every match begins with.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether only the prefix itself matches.
    pub(super) fn is_exact(&self) -> bool {
        self.rest.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, in exponential time.
    fn plainly(pattern: &[u8], key: &[u8]) -> bool {
        match pattern.split_first() {
            None => key.is_empty(),
            Some((b'*', rest)) => (0..=key.len()).any(|skip| plainly(rest, &key[skip..])),
            Some((byte, rest)) => {
                key.split_first().is_some_and(|(k, key)| k == byte && plainly(rest, key))
            }
        }
    }

    #[test]
    fn prefix_and_suffix_do_not_overlap() {
        assert!(!Pattern::new(b"aba*aba").matches(b"ababa"));
        assert!(Pattern::new(b"aba*aba").matches(b"abaaba"));
        assert!(Pattern::new(b"*").matches(b""));
        assert!(Pattern::new(b"").matches(b"") && !Pattern::new(b"").matches(b"a"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_pattern_means_what_its_definition_says(pattern in "[ab*]{0,7}", key in "[ab]{0,9}") {
            let (pattern, key) = (pattern.as_bytes(), key.as_bytes());
            prop_assert_eq!(Pattern::new(pattern).matches(key), plainly(pattern, key));
        }
    }
}
