//! Which language a reader wants.

use super::words::{ALL, ENGLISH, Words};
use axum::http::{HeaderMap, header};

/// The words in the language that `Accept-Language` asks for most; English when it asks for none of those there are.
pub(super) fn words(headers: &HeaderMap) -> &'static Words {
    let asked = headers
        .get_all(header::ACCEPT_LANGUAGE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut best: Option<(u32, &Words)> = None;
    for (words, weight) in asked.flat_map(|value| value.split(',')).filter_map(wanted) {
        // Of two that are wanted as much, the one named first.
        if best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, words));
        }
    }
    best.map_or(&ENGLISH, |(_, words)| words)
}

/// The words of one entry, `de-AT;q=0.8` say, and its weight in thousandths; `None` when there are none.
fn wanted(entry: &str) -> Option<(&'static Words, u32)> {
    let mut parts = entry.split(';').map(str::trim);
    let language = parts.next()?.split('-').next()?;
    let weight = match parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q="))) {
        None => 1000,
        Some(weight) => thousandths(weight)?,
    };
    let words = ALL.iter().find(|words| words.language.eq_ignore_ascii_case(language))?;
    (weight > 0).then_some((*words, weight))
}

/// `1`, `0.8`, `0.125` in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 3 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    (whole <= 1).then_some((whole * 1000 + part).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn language(values: &[&str]) -> &'static str {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                header::ACCEPT_LANGUAGE,
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        words(&headers).language
    }

    #[test]
    fn the_language_wanted_most_is_spoken() {
        for (asked, spoken) in [
            (&[][..], "en"),
            (&["de"], "de"),
            (&["de-AT,de;q=0.9,en;q=0.8"], "de"),
            (&["pl, fr-CH;q=0.5, it;q=0.7"], "it"),
            (&["en;q=0.2", "NL;q=0.3"], "nl"),
            (&["fr;q=0, es;q=0.001"], "es"),
            (&["es, it"], "es"),
            (&["*"], "en"),
            (&["ja, zh"], "en"),
            (&["de;q=2, fr;q=x, it;q=0.1234, es;q=, ;;, -"], "en"),
            (&["d\u{e9}"], "en"),
        ] {
            assert_eq!(language(asked), spoken, "{asked:?}");
        }
    }
}
