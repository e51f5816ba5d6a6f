//! The part before the `@`: which characters, which quotes, which case.

use super::invalid::InvalidAddress;
use super::parse::Local;
use unicode_normalization::UnicodeNormalization;

/// The local part as it stands in a key. Its length is not judged here.
pub(super) fn normalise(local: Local<'_>) -> Result<String, InvalidAddress> {
    match local {
        Local::Bare(text) if text.contains('"') => Err(InvalidAddress::StrayQuote),
        Local::Bare(text) => {
            let folded = fold(text.to_owned());
            let allowed = folded.chars().all(is_bare);
            allowed.then_some(folded).ok_or(InvalidAddress::ForbiddenInLocal)
        }
        Local::Quoted(text) => {
            let folded = fold(unescape(text));
            if !folded.is_empty() && folded.chars().all(is_bare) {
                return Ok(folded);
            }
            let allowed = folded.chars().all(is_quotable);
            allowed.then(|| quote(&folded)).ok_or(InvalidAddress::ForbiddenInLocal)
        }
    }
}

/// Says whether `c` needs no quotes: atext of RFC 5322 and RFC 6532, or a dot.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || is_visible_beyond_ascii(c)
}

/// Says whether `c` may stand between quotes (RFC 5321 `QcontentSMTP`, RFC 6531 §3.3).
fn is_quotable(c: char) -> bool {
    matches!(c, ' '..='~') || is_visible_beyond_ascii(c)
}

/// Says whether `c` is beyond ASCII and can be told from its absence.
///
/// An unseen character would make a second key for what everyone reads as one address. U+200C and
/// U+200D stay: Persian and Indic scripts spell with them.
fn is_visible_beyond_ascii(c: char) -> bool {
    let unseen = matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}');
    !c.is_ascii() && !c.is_whitespace() && !c.is_control() && !unseen
}

/// What the quoted `text` means: each backslash gives way to the character after it.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        escaped = c == '\\' && !escaped;
        if !escaped {
            plain.push(c);
        }
    }
    plain
}

/// The one quoted spelling of `plain`.
fn quote(plain: &str) -> String {
    let mut quoted = String::with_capacity(plain.len() + 2);
    quoted.push('"');
    for c in plain.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// NFC, lower case, NFC, until nothing changes.
fn fold(mut text: String) -> String {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        return text;
    }
    // One round folds and the next finds nothing to do; a test holds that for every character. The
    // bound is there so that no Unicode table to come can make this endless.
    for _ in 0..4 {
        let folded: String = text.nfc().collect::<String>().to_lowercase().nfc().collect();
        if folded == text {
            break;
        }
        text = folded;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::char::canonical_combining_class;

    #[test]
    fn one_fold_is_enough_for_every_character_alone_and_beside_others() {
        let once = |text: &str| -> String {
            text.nfc().collect::<String>().to_lowercase().nfc().collect()
        };
        // The others stand for themselves in every spelling, so no fold can touch them.
        let moves = |c: &char| {
            !c.to_lowercase().eq([*c])
                || !std::iter::once(*c).nfd().eq([*c])
                || canonical_combining_class(*c) != 0
        };
        let mut moved = 0;
        for c in ('\0'..=char::MAX).filter(moves) {
            moved += 1;
            for text in [format!("{c}"), format!("a{c}b"), format!("{c}\u{307}"), format!("I{c}")] {
                let folded = once(&text);
                assert_eq!(once(&folded), folded, "{}", text.escape_unicode());
            }
        }
        assert!(moved > 14_000, "{moved}");
    }

    #[test]
    fn unescaping_undoes_quoting() {
        for plain in ["", "a b", "\"", "\\", "\\\\\"", "a\\", "ü\u{301}"] {
            let quoted = quote(plain);
            assert_eq!(unescape(&quoted[1..quoted.len() - 1]), plain);
        }
    }
}
