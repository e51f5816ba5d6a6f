//! A digest as bytes, and the ways people write one.

use super::digest::Algorithm;
use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// Bytes of the longest digest.
const BYTES_MAX: usize = 64;

/// A digest: its algorithm and its bytes. Displays as lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DigestValue {
    algorithm: Algorithm,
    /// The digest, and zeros behind a shorter one.
    room: [u8; BYTES_MAX],
}

/// Why a text is no digest that could withhold anybody. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidDigest {
    /// Neither hex nor base64 of 16, 20, 32 or 64 bytes.
    NotADigest,
    /// It has the length of another algorithm's digests.
    OtherLength {
        /// The algorithm that was named.
        named: Algorithm,
        /// The algorithm whose digests are so long.
        found: Algorithm,
    },
    /// The digest of the empty text: lists hold it by mistake, and it matches no address.
    OfNothing(Algorithm),
}

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADigest => {
                f.write_str("no digest: expected hex or base64 of 16, 20, 32 or 64 bytes")
            }
            Self::OtherLength { named, found } => {
                write!(f, "not the length of a {named} digest but of a {found} digest")
            }
            Self::OfNothing(algorithm) => {
                write!(f, "digest of nothing: the {algorithm} of an empty text matches no address")
            }
        }
    }
}

impl std::error::Error for InvalidDigest {}

const fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

const BASE64: [GeneralPurpose; 2] = [engine(&STANDARD), engine(&URL_SAFE)];

/// The digests of the empty text, in the order of [`Algorithm::ALL`].
static OF_NOTHING: LazyLock<[DigestValue; 4]> =
    LazyLock::new(|| Algorithm::ALL.map(|algorithm| algorithm.digest(b"")));

impl DigestValue {
    /// The digest of these bytes; `None` when no algorithm's digests are so long.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let algorithm = Algorithm::of_bytes(bytes.len())?;
        let mut room = [0; BYTES_MAX];
        room.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { algorithm, room })
    }

    /// Reads a digest as lists have it: hex in either case, or base64 in the standard or the URL-safe
    /// alphabet, padded or not; white space around it is ignored. The algorithm may stand before it
    /// (`md5:…`, `sha-256:…`, `{SHA256}…`, and LDAP's `{SHA}…` for SHA-1), as may `0x` before hex.
    ///
    /// The length says which algorithm it is; `named` is what a column says of it.
    ///
    /// ```
    /// use quell::record::{Algorithm, DigestValue};
    ///
    /// let hex = DigestValue::parse("55502F40DC8B7C769880B10874ABC9D0", None)?;
    /// assert_eq!(hex, Algorithm::Md5.digest(b"test@example.com"));
    /// assert_eq!(DigestValue::parse("VVAvQNyLfHaYgLEIdKvJ0A==", Some(Algorithm::Md5))?, hex);
    /// assert!(DigestValue::parse("VVAvQNyLfHaYgLEIdKvJ0A==", Some(Algorithm::Sha1)).is_err());
    /// # Ok::<(), quell::record::digest_value::InvalidDigest>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidDigest`] for anything else, for one whose length is not that of the algorithm named, and for
    /// a digest of the empty text.
    pub fn parse(text: &str, named: Option<Algorithm>) -> Result<Self, InvalidDigest> {
        let (prefix, text) = without_prefix(text.trim())?;
        let value = decode(text).ok_or(InvalidDigest::NotADigest)?;
        for named in [named, prefix].into_iter().flatten() {
            if named != value.algorithm {
                return Err(InvalidDigest::OtherLength { named, found: value.algorithm });
            }
        }
        if OF_NOTHING.contains(&value) {
            return Err(InvalidDigest::OfNothing(value.algorithm));
        }
        Ok(value)
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest itself, [`Algorithm::bytes`] of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.room.get(..self.algorithm.bytes()).unwrap_or_default()
    }

    /// Its name in the history: `md5:` and so on, and the hex.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{self}", self.algorithm)
    }

    pub(super) fn of_md5(bytes: [u8; 16]) -> Self {
        Self::of(Algorithm::Md5, bytes)
    }

    pub(super) fn of_sha1(bytes: [u8; 20]) -> Self {
        Self::of(Algorithm::Sha1, bytes)
    }

    pub(super) fn of_sha256(bytes: [u8; 32]) -> Self {
        Self::of(Algorithm::Sha256, bytes)
    }

    pub(super) fn of_sha512(room: [u8; 64]) -> Self {
        Self { algorithm: Algorithm::Sha512, room }
    }

    fn of<const N: usize>(algorithm: Algorithm, bytes: [u8; N]) -> Self {
        let mut room = [0; BYTES_MAX];
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = from;
        }
        Self { algorithm, room }
    }
}

impl fmt::Display for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 2 * BYTES_MAX];
        for (digits, byte) in hex.chunks_exact_mut(2).zip(self.as_bytes()) {
            digits.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        let hex = hex.get(..2 * self.algorithm.bytes()).unwrap_or_default();
        f.write_str(std::str::from_utf8(hex).unwrap_or_default())
    }
}

/// The lower-case hexadecimal digit of a number below 16.
fn hex_digit(number: u8) -> u8 {
    if number < 10 { b'0' + number } else { b'a' + number - 10 }
}

/// The algorithm that stands before a digest, if one does, and the digest.
fn without_prefix(text: &str) -> Result<(Option<Algorithm>, &str), InvalidDigest> {
    let (word, digest) = if let Some(rest) = text.strip_prefix('{') {
        rest.split_once('}').ok_or(InvalidDigest::NotADigest)?
    } else if let Some((word, digest)) = text.split_once(':') {
        (word, digest)
    } else {
        return Ok((None, text));
    };
    let named = if word.eq_ignore_ascii_case("sha") {
        Algorithm::Sha1
    } else {
        Algorithm::from_str(word).map_err(|_| InvalidDigest::NotADigest)?
    };
    Ok((Some(named), digest.trim_start()))
}

/// The bytes of hex or base64. No length of one is a length of the other, so the length decides.
fn decode(text: &str) -> Option<DigestValue> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if hex.len().is_multiple_of(2) && Algorithm::of_bytes(hex.len() / 2).is_some() {
        return from_hex(hex.as_bytes());
    }
    let mut bytes = [0; BYTES_MAX + 2];
    BASE64.iter().find_map(|engine| {
        let length = engine.decode_slice(text, &mut bytes).ok()?;
        DigestValue::from_bytes(bytes.get(..length)?)
    })
}

fn from_hex(hex: &[u8]) -> Option<DigestValue> {
    let (pairs, _) = hex.as_chunks::<2>();
    let mut room = [0; BYTES_MAX];
    for (byte, [high, low]) in room.iter_mut().zip(pairs) {
        let digit =
            |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(DigestValue { algorithm: Algorithm::of_bytes(pairs.len())?, room })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"test@example.com";

    /// Vectors from outside: what other programs give for this address.
    #[test]
    fn digests_are_those_of_other_programs() {
        for (algorithm, text, want) in [
            (Algorithm::Md5, TEXT, "55502f40dc8b7c769880b10874abc9d0"),
            (Algorithm::Sha1, TEXT, "567159d622ffbb50b11b0efd307be358624a26ee"),
            (
                Algorithm::Sha256,
                TEXT,
                "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b",
            ),
            (Algorithm::Md5, b"Test@Example.COM", "4816aea52be2e7d436b9115bea31f44c"),
            (Algorithm::Md5, b"test@example.com\n", "98c8912ca551583d96b2507df58af57a"),
        ] {
            assert_eq!(algorithm.digest(text).to_string(), want);
            assert_eq!(DigestValue::parse(want, None), Ok(algorithm.digest(text)));
        }
    }

    #[test]
    fn every_way_of_writing_one_gives_the_same_digest() {
        for algorithm in Algorithm::ALL {
            let value = algorithm.digest(TEXT);
            let hex = value.to_string();
            let mut written = vec![
                hex.clone(),
                hex.to_uppercase(),
                format!(" {hex}\t"),
                format!("0x{hex}"),
                format!("{algorithm}:{hex}"),
                format!("{{{}}}{hex}", algorithm.as_str().to_uppercase()),
            ];
            for engine in [
                base64::engine::general_purpose::STANDARD,
                base64::engine::general_purpose::URL_SAFE,
            ] {
                let text = engine.encode(value.as_bytes());
                written.push(text.trim_end_matches('=').to_owned());
                written.push(format!("{algorithm}: {text}"));
                written.push(text);
            }
            for text in written {
                assert_eq!(DigestValue::parse(&text, None), Ok(value), "{text}");
                assert_eq!(DigestValue::parse(&text, Some(algorithm)), Ok(value), "{text}");
            }
            assert_eq!(DigestValue::from_bytes(value.as_bytes()), Some(value));
        }
        let mailtrain = BASE64[0].encode(Algorithm::Sha512.digest(TEXT).as_bytes());
        assert!(mailtrain.starts_with("OvMXT6EO+L0oznYgwl/hjR1f"), "{mailtrain}");
        let ldap = DigestValue::parse("{SHA}VnFZ1iL/u1CxGw79MHvjWGJKJu4=", None);
        assert_eq!(ldap, Ok(Algorithm::Sha1.digest(TEXT)));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let md5 = Algorithm::Md5.digest(TEXT).to_string();
        let not_one = [
            "",
            "test@example.com",
            "55502f40dc8b7c769880b10874abc9d",
            "55502f40dc8b7c769880b10874abc9dg",
            "5550-2f40dc8b7c769880b10874abc9d",
            "VVAvQNyLfHaYgLEIdKvJ0B==",
            "{MD555502f40dc8b7c769880b10874abc9d0",
            "crc:55502f40dc8b7c769880b10874abc9d0",
        ];
        for text in not_one {
            assert_eq!(DigestValue::parse(text, None), Err(InvalidDigest::NotADigest), "{text}");
        }
        let other = InvalidDigest::OtherLength { named: Algorithm::Sha1, found: Algorithm::Md5 };
        assert_eq!(DigestValue::parse(&md5, Some(Algorithm::Sha1)), Err(other));
        assert_eq!(DigestValue::parse(&format!("sha1:{md5}"), Some(Algorithm::Md5)), Err(other));
    }

    #[test]
    fn a_digest_of_nothing_is_refused_by_name() {
        for (algorithm, hex) in [
            (Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
            (Algorithm::Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ] {
            assert_eq!(DigestValue::parse(hex, None), Err(InvalidDigest::OfNothing(algorithm)));
        }
        for algorithm in Algorithm::ALL {
            let nothing = algorithm.digest(b"").to_string();
            let refused = DigestValue::parse(&nothing, Some(algorithm));
            assert_eq!(refused, Err(InvalidDigest::OfNothing(algorithm)));
        }
    }
}
