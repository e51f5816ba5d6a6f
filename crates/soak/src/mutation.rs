//! Inputs made of inputs: what a fuzzer does, without its eyes.

use crate::dice::Dice;

/// Bytes that mean something to somebody.
const TOKENS: [&[u8]; 30] = [
    b"\"",
    b"\"\"",
    b"\r\n",
    b"\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b"@",
    b".",
    b" ",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3\xbc",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\u00fc",
    b"\\ud800",
    b"null",
    b"ann@example.com",
    b"email",
    b"{\"email\":\"ann@example.com\"}",
    b"1790083507",
    b"18446744073709551615",
    b"mailto:",
];

/// Longer inputs say nothing new and take long.
const BYTES_MAX: usize = 16 << 10;

/// One of `corpus`, which is not empty, with some changes.
#[must_use]
pub fn mutated(dice: &mut Dice<'_>, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.pick(corpus).clone();
    bytes.truncate(BYTES_MAX);
    for _ in 0..=dice.below(6) {
        let place = dice.below(bytes.len() + 1);
        let scale = dice.below(9);
        let length = (1 + dice.below(1 << scale)).min(bytes.len() - place);
        match dice.below(9) {
            0 if place < bytes.len() => bytes[place] ^= 1 << dice.below(8),
            1 if place < bytes.len() => bytes[place] = dice.below(256) as u8,
            2 | 3 => {
                let token = TOKENS[dice.below(TOKENS.len())];
                bytes.splice(place..place, token.iter().copied());
            }
            4 => {
                let token = TOKENS[dice.below(TOKENS.len())];
                let end = (place + token.len()).min(bytes.len());
                bytes.splice(place..end, token.iter().copied());
            }
            5 => {
                bytes.drain(place..place + length);
            }
            6 => {
                let again = bytes[place..place + length].to_vec();
                bytes.splice(place..place, again);
            }
            7 => {
                let other = dice.pick(corpus);
                let from = dice.below(other.len() + 1);
                let end = (from + length.max(16)).min(other.len());
                bytes.splice(place..place, other[from..end].iter().copied());
            }
            _ => bytes.truncate(bytes.len() - length / 2),
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}
