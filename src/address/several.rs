//! A cell with more than one address, cut into its parts.

use super::parse;
use std::ops::Range;
use std::vec;
use unicode_normalization::char::canonical_combining_class;

/// The parts of a cell that holds more than one address, in the cell's order; [`several`] makes it.
///
/// Each part is a cell of its own: [`Policy::key`](super::Policy::key) judges it.
#[derive(Debug, Clone)]
pub struct Addresses<'a> {
    raw: &'a [u8],
    parts: vec::IntoIter<Range<usize>>,
}

impl<'a> Iterator for Addresses<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.parts.next().and_then(|part| self.raw.get(part))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parts.size_hint()
    }
}

impl ExactSizeIterator for Addresses<'_> {}

/// The parts of `raw`, a cell that [`Policy::key`](super::Policy::key) refuses with
/// [`InvalidAddress::SeveralAddresses`](super::InvalidAddress::SeveralAddresses).
///
/// Cuts at commas and semicolons that are neither in quotes nor in angle brackets. A display name with such
/// a mark in it (`Smith, Ann <ann@example.com>`) stays with its address. A part that is left with white space in
/// it is cut there too when each piece holds an `@`. A quote without its partner and a `<` without a `>` after
/// it are characters as any other.
///
/// No byte is lost: what lies between two parts, before the first and after the last is separators and white
/// space. A part need not hold an address; whoever withholds what has none must withhold a cell with such a
/// part. A cell that has a key is its own only part.
///
/// Takes any bytes, looks at each a few times, and allocates one list.
///
/// ```
/// use quell::address::several;
///
/// let cell = "\"Smith; Ann\" <ann@example.com>; bob@example.com,";
/// let parts: Vec<_> = several(cell.as_bytes()).collect();
/// assert_eq!(parts, [&b"\"Smith; Ann\" <ann@example.com>"[..], b"bob@example.com"]);
/// ```
#[must_use]
pub fn several(raw: &[u8]) -> Addresses<'_> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    // The last so many parts hold no `@` and may be the start of a display name.
    let mut names = 0;
    for piece in Pieces::of(raw, 0..raw.len(), is_separator) {
        if piece.range.is_empty() {
            continue;
        }
        match piece.holds {
            Holds::Nothing => {
                names += 1;
                parts.push(piece.range);
                continue;
            }
            Holds::NameAndAddress => {
                let first = parts.len() - names;
                let start = parts.get(first).map_or(piece.range.start, |name| name.start);
                parts.truncate(first);
                parts.push(start..piece.range.end);
            }
            Holds::Address | Holds::Mixture => push_words(raw, piece.range, &mut parts),
        }
        names = 0;
    }
    Addresses { raw, parts: parts.into_iter() }
}

/// Pushes the pieces of `part` that white space parts when each of them may be an address, else `part`.
fn push_words(raw: &[u8], part: Range<usize>, parts: &mut Vec<Range<usize>>) {
    let whole = parts.len();
    let (mut bracketed, mut bare) = (false, false);
    for piece in Pieces::of(raw, part.clone(), char::is_whitespace) {
        if piece.range.is_empty() {
            continue;
        }
        match piece.holds {
            Holds::Address => bare = true,
            Holds::NameAndAddress if raw.get(piece.range.start) == Some(&b'<') => bracketed = true,
            // A word of a display name: white space does not part what it belongs to.
            _ => (bracketed, bare) = (true, true),
        }
        parts.push(piece.range);
        // `ann@example.com <bob@example.com>` is one address, and its name looks like another.
        if bracketed && bare {
            parts.truncate(whole);
            parts.push(part);
            return;
        }
    }
}

/// What a cell is cut at: `,`, `;`, and the Greek question mark, which NFC makes a `;`.
fn is_separator(c: char) -> bool {
    matches!(c, ',' | ';' | '\u{37E}')
}

/// What a piece holds outside quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// No `@`.
    Nothing,
    /// An `@`, and no `<`.
    Address,
    /// One `<`, no `@` before it, and a `>` at the end.
    NameAndAddress,
    /// Both, in any other way.
    Mixture,
}

/// A trimmed stretch between two cuts.
struct Piece {
    range: Range<usize>,
    holds: Holds,
}

/// The stretches of a range of bytes between the characters it is cut at.
struct Pieces<'a> {
    raw: &'a [u8],
    is_cut: fn(char) -> bool,
    /// What is still to be cut; `None` when the last stretch was given.
    rest: Option<Range<usize>>,
    /// Where the quote without a partner is, or the end.
    last_quote: usize,
    /// Where the last `>` is, or the start.
    last_close: usize,
}

impl<'a> Pieces<'a> {
    fn of(raw: &'a [u8], range: Range<usize>, is_cut: fn(char) -> bool) -> Self {
        let bytes = raw.get(range.clone()).unwrap_or_default();
        let last_quote = range.start + unclosed_quote(bytes).unwrap_or(bytes.len());
        let last_close = range.start + memchr::memrchr(b'>', bytes).unwrap_or(0);
        Self { raw, is_cut, rest: Some(range), last_quote, last_close }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let rest = self.rest.take()?;
        let (mut quoted, mut escaped, mut open) = (false, false, false);
        // Outside quotes: any `@`, a `<`, and an `@` before the `<` or a second `<`.
        let (mut at, mut bracket, mut mixed) = (false, false, false);
        let (mut end, mut position) = (rest.end, rest.start);
        let bytes = |from| self.raw.get(from..rest.end).unwrap_or_default();
        while let Some((c, width)) = first_character(bytes(position)) {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' if quoted || position < self.last_quote => quoted = !quoted,
                _ if quoted => {}
                '<' | '>' if is_composed(bytes(position + 1)) => {}
                '<' => {
                    open = position < self.last_close;
                    mixed |= at || bracket;
                    bracket = true;
                }
                '>' => open = false,
                '@' => at = true,
                _ if !open && (self.is_cut)(c) => {
                    end = position;
                    self.rest = Some(position + width..rest.end);
                    break;
                }
                _ => {}
            }
            position += width;
        }
        let range = trimmed(self.raw, rest.start..end);
        let closed = self.raw.get(range.clone()).is_some_and(|bytes| bytes.ends_with(b">"));
        let holds = match (at, bracket) {
            (false, false) => Holds::Nothing,
            (true, false) => Holds::Address,
            (_, true) if closed && !mixed => Holds::NameAndAddress,
            _ => Holds::Mixture,
        };
        Some(Piece { range, holds })
    }
}

/// The first character of `bytes` and how many bytes it has; U+FFFD for a byte that is not UTF-8.
///
/// Looks at no more than four bytes: whoever goes on from here to there stays linear.
fn first_character(bytes: &[u8]) -> Option<(char, usize)> {
    let width = match bytes.first()? {
        byte if byte.is_ascii() => return Some((char::from(*byte), 1)),
        0xF0.. => 4,
        0xE0.. => 3,
        _ => 2,
    };
    let text = bytes.get(..width).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let c = text.and_then(|text| text.chars().next());
    Some(c.map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, width)))
}

/// Says whether NFC makes another character of the `<` or `>` before `behind`: U+226E, U+226F.
fn is_composed(mut behind: &[u8]) -> bool {
    const OVERLAY: u8 = 1;
    while let Some((c, width)) = first_character(behind) {
        match canonical_combining_class(c) {
            0 => break,
            OVERLAY => return c == '\u{338}',
            _ => behind = behind.get(width..).unwrap_or_default(),
        }
    }
    false
}

/// Where the quote is that opens and is never closed.
fn unclosed_quote(bytes: &[u8]) -> Option<usize> {
    let (mut open, mut escaped) = (None, false);
    for (position, &byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if open.is_some() => escaped = true,
            b'"' if open.is_some() => open = None,
            b'"' => open = Some(position),
            _ => {}
        }
    }
    open
}

/// `range` without what [`parse::trim`] takes off text.
fn trimmed(raw: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = raw.get(range.clone()).unwrap_or_default();
    let mut chunks = bytes.utf8_chunks();
    let leading = chunks.next().map_or(0, |first| {
        let valid = first.valid();
        valid.len() - parse::trim_start(valid).len()
    });
    let trailing = bytes.utf8_chunks().last().filter(|last| last.invalid().is_empty());
    let trailing = trailing.map_or(0, |last| {
        let valid = last.valid();
        valid.len() - parse::trim_end(valid).len()
    });
    range.start + leading..(range.end - trailing).max(range.start + leading)
}

#[cfg(test)]
mod tests {
    use super::super::{InvalidAddress, KeyBuffer, Policy};
    use super::*;
    use proptest::prelude::*;

    fn parts(cell: &[u8]) -> Vec<String> {
        several(cell).map(|part| part.escape_ascii().to_string()).collect()
    }

    fn key(cell: &[u8]) -> Result<Vec<u8>, InvalidAddress> {
        let mut buffer = KeyBuffer::new();
        Policy::EXACT.key(cell, &mut buffer).map(|key| key.as_bytes().to_vec())
    }

    #[track_caller]
    fn assert_parts(cell: &str, expected: &[&str]) {
        let found: Vec<_> =
            several(cell.as_bytes()).map(|part| std::str::from_utf8(part).unwrap()).collect();
        assert_eq!(found, expected, "{cell:?}");
        assert_eq!(key(cell.as_bytes()), Err(InvalidAddress::SeveralAddresses), "{cell:?}");
    }

    #[test]
    fn lists_are_cut_at_their_separators() {
        assert_parts("a@x.test; b@y.test", &["a@x.test", "b@y.test"]);
        assert_parts("a@x.test,b@y.test", &["a@x.test", "b@y.test"]);
        assert_parts(" ;; a@x.test ,;\t b@y.test;, ", &["a@x.test", "b@y.test"]);
        assert_parts("a@x.test;", &["a@x.test"]);
        assert_parts(",a@x.test", &["a@x.test"]);
        assert_parts("a@x.test\u{37E} b@y.test", &["a@x.test", "b@y.test"]);
        assert_parts("a@x.test;\u{A0}\u{3000}b@y.test\u{2028}", &["a@x.test", "b@y.test"]);
        assert_parts("a@x.test; not one; b@y.test", &["a@x.test", "not one", "b@y.test"]);
    }

    #[test]
    fn quotes_and_brackets_keep_what_is_inside_together() {
        assert_parts("\"a;b\"@x.test; c@y.test", &["\"a;b\"@x.test", "c@y.test"]);
        assert_parts(
            "\"Smith, Ann\" <a@x.test>, \"J \\\" ; K\" <b@y.test>",
            &["\"Smith, Ann\" <a@x.test>", "\"J \\\" ; K\" <b@y.test>"],
        );
        assert_parts("<a@x.test>, <b@y.test>", &["<a@x.test>", "<b@y.test>"]);
        assert_parts("<\"a,b\"@x.test>;b@y.test", &["<\"a,b\"@x.test>", "b@y.test"]);
        assert_parts("<a@x.test;b@y.test>", &["<a@x.test;b@y.test>"]);
    }

    #[test]
    fn a_name_with_a_separator_stays_with_its_address() {
        assert_parts(
            "Smith, Ann <a@x.test>; Jones, B., Dr <b@y.test>",
            &["Smith, Ann <a@x.test>", "Jones, B., Dr <b@y.test>"],
        );
        assert_parts("b@y.test, Smith, Ann <a@x.test>", &["b@y.test", "Smith, Ann <a@x.test>"]);
        assert_parts("a@x.test, b <c@y.test>", &["a@x.test", "b <c@y.test>"]);
        assert_parts("b; a@x.test <c@y.test>", &["b", "a@x.test <c@y.test>"]);
    }

    #[test]
    fn white_space_parts_addresses_and_nothing_else() {
        assert_parts("a@x.test b@y.test", &["a@x.test", "b@y.test"]);
        assert_parts("a@x.test\r\nb@y.test\u{A0}c@z.test", &["a@x.test", "b@y.test", "c@z.test"]);
        assert_parts("<a@x.test> <b@y.test>", &["<a@x.test>", "<b@y.test>"]);
        assert_parts("a@x.test b@", &["a@x.test", "b@"]);
        assert_parts("a@x.test b@y.test; Ann c@z.test", &["a@x.test", "b@y.test", "Ann c@z.test"]);
        assert_parts("Ann <a@x.test> Bob <b@y.test>", &["Ann <a@x.test> Bob <b@y.test>"]);
        assert_parts("a@x.test <b@y.test>; c@z.test", &["a@x.test <b@y.test>", "c@z.test"]);
    }

    #[test]
    fn a_mark_without_its_partner_is_a_character() {
        assert_parts("O\"Neil; a@x.test; b@y.test", &["O\"Neil", "a@x.test", "b@y.test"]);
        assert_parts("a@x.test; < b@y.test, c@z.test", &["a@x.test", "< b@y.test", "c@z.test"]);
        assert_parts("a@x.test> , b@y.test", &["a@x.test>", "b@y.test"]);
        // U+226E and U+226F as they may be written: no brackets.
        assert_parts("<\u{338}a@x.test; b@y.test>", &["<\u{338}a@x.test", "b@y.test>"][..]);
    }

    #[test]
    fn mailto_may_stand_before_each() {
        assert_parts("mailto:a@x.test,b@y.test", &["mailto:a@x.test", "b@y.test"]);
        assert_parts("mailto:a@x.test;MAILTO: b@y.test", &["mailto:a@x.test", "MAILTO: b@y.test"]);
    }

    #[test]
    fn a_part_that_is_not_utf_8_is_a_part() {
        assert_eq!(parts(b"a@x.test; \xFFb@y.test ;\xC3"), ["a@x.test", "\\xffb@y.test", "\\xc3"]);
        assert_eq!(key(b"a@x.test; \xFFb@y.test"), Err(InvalidAddress::SeveralAddresses));
        assert_eq!(key(b"\xFFa@x.test; \xFFb@y.test"), Err(InvalidAddress::NotUtf8));
        assert_eq!(parts(b""), [""; 0]);
        assert_eq!(parts(b" ;\xE2\x80\x8B, "), [""; 0]);
    }

    #[test]
    fn a_list_longer_than_any_address_is_still_a_list() {
        let cell = "ann@example.com;".repeat(1000);
        assert_eq!(key(cell.as_bytes()), Err(InvalidAddress::SeveralAddresses));
        assert_eq!(several(cell.as_bytes()).len(), 1000);
    }

    /// A quadratic step would take minutes here.
    #[test]
    fn a_mebibyte_of_anything_is_cut_in_linear_time() {
        for unit in [
            ",", "a,", "<", "<,", "\"", "\",", "a ", "@ ", "<\u{338}", "a@b ", "\u{338}",
            "\\\"<@>;",
        ] {
            let cell = unit.repeat((1 << 20) / unit.len());
            assert!(several(cell.as_bytes()).len() <= cell.len(), "{unit:?}");
            assert!(key(cell.as_bytes()).is_err(), "{unit:?}");
        }
    }

    /// Pieces that lists are damaged with.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => "[a-c]@[x-z]\\.test",
            3 => prop::sample::select(vec![";", ",", ", ", " ", "\u{37E}", "\n"]).prop_map(str::to_owned),
            1 => prop::sample::select(vec![
                "<", ">", "\"", "\\", "@", "Ann ", "mailto:", "Smith, Ann <a@x.test>", "\u{338}", "\u{301}",
                "\u{A0}", "\u{200B}", "é", "\"a,b\"@x.test", "<b@y.test>", "\"b;c\" <d@x.test>",
            ]).prop_map(str::to_owned),
        ]
    }

    fn is_between(bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes)
            .is_ok_and(|text| text.chars().all(|c| is_separator(c) || parse::is_trimmed(c)))
    }

    fn assert_laws(cell: &[u8]) {
        let shown = cell.escape_ascii().to_string();
        let mut from = 0;
        for part in several(cell) {
            let start = part.as_ptr() as usize - cell.as_ptr() as usize;
            assert!(is_between(&cell[from..start]), "{shown}");
            assert!(!part.is_empty(), "{shown}");
            from = start + part.len();
        }
        assert!(is_between(&cell[from..]), "{shown}");
        match key(cell) {
            Ok(whole) => {
                let keys: Vec<_> = several(cell).map(key).collect();
                assert_eq!(keys, [Ok(whole)], "{shown}");
            }
            Err(InvalidAddress::SeveralAddresses) => assert!(several(cell).len() > 0, "{shown}"),
            Err(_) => assert!(several(cell).all(|part| key(part).is_err()), "{shown}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_byte_is_lost_and_no_address_is_hidden(
            pieces in prop::collection::vec(piece(), 0..9), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut cell = pieces.concat().into_bytes();
            assert_laws(&cell);
            cell.insert(at.index(cell.len() + 1), byte);
            assert_laws(&cell);
        }

        #[test]
        fn addresses_put_together_come_apart_again(
            cells in prop::collection::vec(prop::sample::select(vec![
                "a@x.test", "\"b,c\"@x.test", "Smith, Ann <c@y.test>", "<d@z.test>", "mailto:e@x.test",
                "\"F; G\" <mailto:f@x.test>", "\"g\"@x.test",
            ]), 2..6),
            mark in prop::sample::select(vec![";", " ; ", ",", ",\u{A0}", "\u{37E}", ";;"]),
        ) {
            let cell = cells.join(mark);
            let found: Vec<_> = several(cell.as_bytes()).map(key).collect();
            let expected: Vec<_> = cells.iter().map(|cell| key(cell.as_bytes())).collect();
            prop_assert_eq!(found, expected, "{}", cell);
            prop_assert_eq!(key(cell.as_bytes()), Err(InvalidAddress::SeveralAddresses));
        }
    }
}
