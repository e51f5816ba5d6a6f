//! An address a log may show.

/// Characters of a domain that are shown; longer ones end in `…`.
const SHOWN_MAX: usize = 253;

/// The first letter and the domain of the last address in `raw`, for logs and messages.
///
/// Takes any text and never shows more than that of it: a cell without an `@` is `***`. Only letters,
/// digits and the marks of a domain come through, so the result can't break a line or a terminal.
///
/// ```
/// use quell::address::redact;
///
/// assert_eq!(redact("Ann Smith <ann.smith@example.com>"), "a***@example.com");
/// assert_eq!(redact("+49 170 0000000"), "***");
/// ```
#[must_use]
pub fn redact(raw: &str) -> String {
    let Some((before, after)) = raw.rsplit_once('@') else {
        return "***".to_owned();
    };
    let before = before.rsplit(is_border).next().unwrap_or_default();
    let first = before.chars().next().filter(|c| c.is_alphanumeric());
    let is_shown = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
    let mut domain = after.chars().take_while(is_shown);
    let mut shown: String = first.into_iter().chain("***@".chars()).collect();
    shown.extend(domain.by_ref().take(SHOWN_MAX));
    if domain.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Says whether a local part starts after `c`, for all a redaction needs to know.
fn is_border(c: char) -> bool {
    c.is_whitespace() || matches!(c, '<' | '"' | ',' | ';' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redaction_shows_one_letter_and_the_domain() {
        for (raw, shown) in [
            ("ann@example.com", "a***@example.com"),
            ("mailto:ann@example.com", "a***@example.com"),
            ("<ann@example.com> Ann", "a***@example.com"),
            ("ann@example.com, bob@example.org", "b***@example.org"),
            ("\"ann smith\"@example.com", "***@example.com"),
            ("@example.com", "***@example.com"),
            ("é@bücher.example", "é***@bücher.example"),
            ("\u{1b}[2Jann@example.com\r\nX: y", "***@example.com"),
            ("ann@[192.0.2.1]", "a***@[192.0.2.1]"),
            ("ann", "***"),
            ("", "***"),
        ] {
            assert_eq!(redact(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn a_redaction_is_short_however_long_the_cell() {
        let shown = redact(&format!("{}@{}", "a".repeat(10_000), "b".repeat(10_000)));
        assert_eq!(shown.chars().count(), "a***@".len() + SHOWN_MAX + 1);
    }
}
