//! In what two addresses differ.

use crate::address::is_yahoo;

/// What may tell a kept address from a suppressed one, and means nothing to many who write addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Dots before the `@`.
    Dots,
    /// `+` and what follows it before the `@`.
    Tag,
    /// Case, with Unicode's full folding: `ß` and `ss`.
    Case,
    /// googlemail.com and gmail.com.
    Googlemail,
    /// At Yahoo, `-` and what follows it before the `@`.
    YahooDash,
    /// One character of the local part: another, one more or one less.
    Edit,
}

impl Kind {
    const FOLDED: [Self; 5] =
        [Self::Dots, Self::Tag, Self::Case, Self::Googlemail, Self::YahooDash];

    /// The word in the output.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Dots => "dots",
            Self::Tag => "tag",
            Self::Case => "case",
            Self::Googlemail => "googlemail",
            Self::YahooDash => "yahoo-dash",
            Self::Edit => "edit",
        }
    }
}

/// In what the keys `one` and `other` differ, if by no more than the kinds there are; [`Kind::Edit`] only when
/// the others do not explain it.
pub(super) fn between(one: &str, other: &str) -> Option<Vec<Kind>> {
    if one == other {
        return None;
    }
    if folded(one, None) == folded(other, None) {
        let needed = |kind: &Kind| folded(one, Some(*kind)) != folded(other, Some(*kind));
        return Some(Kind::FOLDED.into_iter().filter(needed).collect());
    }
    let (one, domain) = one.rsplit_once('@')?;
    let (other, same) = other.rsplit_once('@')?;
    (domain == same && is_one_edit(one, other)).then(|| vec![Kind::Edit])
}

/// `key` without all that the kinds are about, but for the one named.
pub(super) fn folded(key: &str, except: Option<Kind>) -> String {
    let applies = |kind| except != Some(kind);
    let (mut local, mut domain) = key.rsplit_once('@').unwrap_or((key, ""));
    if applies(Kind::Tag)
        && let Some(place @ 1..) = local.find('+')
    {
        local = &local[..place];
    }
    if applies(Kind::YahooDash) && is_yahoo(domain.as_bytes()) {
        let inner = local.char_indices().skip(1).find(|&(at, c)| c == '-' && at + 1 < local.len());
        local = inner.map_or(local, |(place, _)| &local[..place]);
    }
    let all_dots = local.bytes().all(|byte| byte == b'.');
    let undotted = local.chars().filter(|&c| c != '.' || all_dots || !applies(Kind::Dots));
    let mut text: String = if applies(Kind::Case) {
        undotted.flat_map(fold_case).collect()
    } else {
        undotted.collect()
    };
    if applies(Kind::Googlemail) && domain == "googlemail.com" {
        domain = "gmail.com";
    }
    text.push('@');
    text.push_str(domain);
    text
}

/// Full case folding of one character of a key, which is in lower case: what its capitals are in lower case.
pub(super) fn fold_case(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// Says whether one character put in, taken out or replaced makes `one` of `other`.
fn is_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    let alike = long.iter().zip(&short).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => long.get(alike + 1..) == short.get(alike + 1..),
        1 => long.get(alike + 1..) == short.get(alike..),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_kinds(one: &str, other: &str, expected: &str) {
        for (one, other) in [(one, other), (other, one)] {
            let found = between(one, other)
                .map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(";"));
            assert_eq!(found.as_deref().unwrap_or("-"), expected, "{one} {other}");
        }
    }

    #[test]
    fn each_difference_has_its_kind() {
        assert_kinds("a.nn@example.com", "ann@example.com", "dots");
        assert_kinds("ann+x@example.com", "ann@example.com", "tag");
        assert_kinds("ann+x@example.com", "ann+y@example.com", "tag");
        assert_kinds("stra\u{df}e@example.com", "strasse@example.com", "case");
        assert_kinds("\u{3c2}@example.com", "\u{3c3}@example.com", "case");
        assert_kinds("ann@googlemail.com", "ann@gmail.com", "googlemail");
        assert_kinds("ann-x@yahoo.com", "ann@yahoo.com", "yahoo-dash");
        assert_kinds("ann-x@example.com", "ann@example.com", "-");
        assert_kinds("a.nn+x@googlemail.com", "ann@gmail.com", "dots;tag;googlemail");
        assert_kinds("ann@example.com", "anne@example.com", "edit");
        assert_kinds("ann@example.com", "abn@example.com", "edit");
        assert_kinds("ann@example.com", "nn@example.com", "edit");
        assert_kinds("\u{e9}nn@example.com", "enn@example.com", "edit");
        assert_kinds("ann@example.com", "nan@example.com", "-");
        assert_kinds("ann@example.com", "anne@example.org", "-");
        assert_kinds("ann@example.com", "ann@example.org", "-");
        assert_kinds("ann@example.com", "ann@example.com", "-");
        assert_kinds("a.nne@example.com", "ann@example.com", "-");
    }
}
