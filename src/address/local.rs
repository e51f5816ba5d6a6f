//! The part before the `@`: which characters, which quotes, which case.

use super::explain::Rule;
use super::invalid::InvalidAddress;
use super::parse::Local;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_compatible;

/// The local part as it stands in a key; `saw` hears of each step. Its length is not judged here.
pub(super) fn normalise(
    local: Local<'_>,
    mut saw: impl FnMut(Rule, &str),
) -> Result<String, InvalidAddress> {
    match local {
        Local::Bare(text) if text.contains('"') => Err(InvalidAddress::StrayQuote),
        Local::Bare(text) => {
            let folded = fold(text.to_owned(), saw);
            let allowed = folded.chars().all(is_bare);
            allowed.then_some(folded).ok_or(InvalidAddress::ForbiddenInLocal)
        }
        Local::Quoted(text) => {
            let plain = unescape(text);
            saw(Rule::Quotes, &quote(&plain));
            let folded = fold(plain, |rule, text| saw(rule, &quote(text)));
            if !folded.is_empty() && folded.chars().all(is_bare) {
                saw(Rule::Quotes, &folded);
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

/// Ordinary width, lower case, NFC, until nothing changes; `saw` hears of each step.
pub(super) fn fold(mut text: String, mut saw: impl FnMut(Rule, &str)) -> String {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        saw(Rule::LocalCase, &text);
        return text;
    }
    // One round folds and the next finds nothing to do; a test holds that for every character. The
    // bound is there so that no Unicode table to come can make this endless.
    for _ in 0..4 {
        let narrow: String = text.nfc().map(ordinary_width).nfc().collect();
        saw(Rule::LocalWidth, &narrow);
        let folded: String = narrow.to_lowercase().nfc().collect();
        saw(Rule::LocalCase, &folded);
        if folded == text {
            break;
        }
        text = folded;
    }
    text
}

/// The character that `c` is a full-width or half-width form of, else `c`: the width mapping of user names
/// (RFC 8265 §3.3.2), where nobody sees a difference and an input method makes one.
///
/// A form of an ASCII character that would need quotes stays: `＠` before the `@` is no `@`.
fn ordinary_width(c: char) -> char {
    let code = u32::from(c);
    let ordinary = match c {
        '\u{FF01}'..='\u{FF5E}' => code - 0xFF01 + 0x21,
        '\u{FF61}'..='\u{FF9F}' => {
            let mut form = c;
            decompose_compatible(c, |katakana| form = katakana);
            return form;
        }
        // Half-width Hangul, in five rows beside their ordinary forms.
        '\u{FFA1}'..='\u{FFBE}' => code - 0xFFA1 + 0x3131,
        '\u{FFC2}'..='\u{FFC7}' => code - 0xFFC2 + 0x314F,
        '\u{FFCA}'..='\u{FFCF}' => code - 0xFFCA + 0x3155,
        '\u{FFD2}'..='\u{FFD7}' => code - 0xFFD2 + 0x315B,
        '\u{FFDA}'..='\u{FFDC}' => code - 0xFFDA + 0x3161,
        _ => return c,
    };
    char::from_u32(ordinary).filter(|&ordinary| is_bare(ordinary)).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::char::canonical_combining_class;

    #[test]
    fn one_fold_is_enough_for_every_character_alone_and_beside_others() {
        let once = |text: &str| -> String {
            let narrow: String = text.nfc().map(ordinary_width).nfc().collect();
            narrow.to_lowercase().nfc().collect()
        };
        // The others stand for themselves in every spelling, so no fold can touch them.
        let moves = |c: &char| {
            !c.to_lowercase().eq([*c])
                || !std::iter::once(*c).nfd().eq([*c])
                || canonical_combining_class(*c) != 0
                || ordinary_width(*c) != *c
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
    fn every_width_has_one_form_and_nothing_else_changes() {
        let mut changed = 0;
        for c in '\0'..=char::MAX {
            let form = ordinary_width(c);
            let same = |c: char| std::iter::once(c).nfkc().collect::<String>();
            assert_eq!(same(form), same(c), "{}", c.escape_unicode());
            changed += usize::from(form != c);
        }
        // 82 of ASCII's 94 need no quotes; Katakana with its marks; Hangul without the filler.
        assert_eq!(changed, 82 + 63 + 51);
        let folded = |text: &str| fold(text.to_owned(), |_, _| {});
        assert_eq!(folded("\u{FF21}\u{FF4E}\u{FF4E}\u{FF0E}\u{FF0B}\u{FF11}"), "ann.+1");
        assert_eq!(folded("\u{FF76}\u{FF9E}"), "\u{30AC}");
    }

    #[test]
    fn unescaping_undoes_quoting() {
        for plain in ["", "a b", "\"", "\\", "\\\\\"", "a\\", "ü\u{301}"] {
            let quoted = quote(plain);
            assert_eq!(unescape(&quoted[1..quoted.len() - 1]), plain);
        }
    }
}
