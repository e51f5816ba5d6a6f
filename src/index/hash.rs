//! The keyed hash that stands for an address, a contact or a list opt-out in the index.
//!
//! Part of the file format (docs/format.md, "Secret key and hash"): what it gives for a key never
//! changes, and a test pins it.

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::fault;
use super::siphash::State;
use crate::error::{Error, Result};
use crate::record::Algorithm;
use crate::segment::Hash;

/// Bytes of the store's secret.
pub const SECRET_BYTES: usize = 16;

/// What `key_id` is the hash of.
const KEY_ID_TEXT: &[u8] = b"quell: the id of this secret key";

/// What a hash is of. The number is hashed first, as eight bytes, so that no two kinds share an input.
#[derive(Clone, Copy)]
enum Domain {
    KeyId = 0,
    Address = 1,
    Contact = 2,
    List = 3,
    Digest = 4,
    DigestOnList = 5,
    Rule = 6,
    Presence = 7,
}

/// What an index may hold none of. Whether it holds some stands in an entry of its own, kept as any other:
/// so a run over an index without digests computes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Domain rules.
    DomainRules,
    /// Digests of an algorithm, for lists or everywhere.
    Digests(Algorithm),
}

impl Presence {
    /// Everything that has such an entry.
    pub const ALL: [Self; 5] = [
        Self::DomainRules,
        Self::Digests(Algorithm::Md5),
        Self::Digests(Algorithm::Sha1),
        Self::Digests(Algorithm::Sha256),
        Self::Digests(Algorithm::Sha512),
    ];
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DomainRules => f.write_str("domain rules"),
            Self::Digests(algorithm) => write!(f, "{algorithm} digests"),
        }
    }
}

/// The store's secret, from `secret.key`. Never printed.
///
/// Without it nobody can craft an address whose hash collides with another's, nor test a guess against
/// an index file.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey([u8; SECRET_BYTES]);

impl SecretKey {
    /// The secret made of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// A new secret from the system's random source.
    ///
    /// # Errors
    ///
    /// When the system has none to give.
    pub fn generate() -> Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::untrusted(format!("cannot make a secret key: {error}"))
                .with_hint("the system's random source failed; try again on a healthy machine")
        })?;
        Ok(Self(bytes))
    }

    /// Reads the text of `secret.key`: 32 lower-case hexadecimal digits, then one newline or none.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] for anything else; the message holds nothing of the text.
    pub fn from_text(text: &[u8]) -> Result<Self> {
        let digits = text.strip_suffix(b"\n").unwrap_or(text);
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut bytes = [0; SECRET_BYTES];
        if pairs.len() != SECRET_BYTES || !rest.is_empty() {
            return Err(fault::secret());
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }

    /// The text of `secret.key`, which belongs in a file of mode 0600 and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{:032x}\n", u128::from_be_bytes(self.0))
    }
}

fn digit(byte: u8) -> Result<u8> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(fault::secret()),
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(not shown)")
    }
}

/// Hashes keys with the store's secret: SipHash-1-3, 128 bits.
///
/// Cost: about 190 instructions for an address of 25 bytes ([`KeyHasher::address_in`]), without allocation.
/// Cheap to clone.
///
/// # Example
///
/// ```
/// use quell::index::{KeyHasher, SecretKey};
///
/// let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
/// assert_eq!(hasher.address(b"ann@example.com"), hasher.address(b"ann@example.com"));
/// assert_ne!(hasher.address(b"ann@example.com"), hasher.contact(b"ann@example.com"));
/// ```
#[derive(Clone)]
pub struct KeyHasher {
    // Each state has taken in its domain already: eight bytes, a whole block, so that `hash` runs over
    // the caller's bytes as they lie.
    address: SipHasher13,
    // The same state for `address_in`.
    address_words: State,
    contact: SipHasher13,
    list: SipHasher13,
    // Of each algorithm, its number taken in as eight bytes too.
    digest: [SipHasher13; Algorithm::ALL.len()],
    // The same state as MD5's for `md5_digests`.
    md5_words: State,
    digest_on_list: SipHasher13,
    domain_rule: SipHasher13,
    presence: SipHasher13,
    key_id: u64,
}

impl KeyHasher {
    /// A hasher under `secret`.
    #[must_use]
    pub fn new(secret: &SecretKey) -> Self {
        let of = |domain: Domain| {
            let mut state = SipHasher13::new_with_key(&secret.0);
            state.write(&(domain as u64).to_le_bytes());
            state
        };
        Self {
            address: of(Domain::Address),
            address_words: State::new(&secret.0, Domain::Address as u64),
            contact: of(Domain::Contact),
            list: of(Domain::List),
            digest: Algorithm::ALL.map(|algorithm| {
                let mut state = of(Domain::Digest);
                state.write(&u64::from(algorithm.number()).to_le_bytes());
                state
            }),
            md5_words: State::new(&secret.0, Domain::Digest as u64)
                .with(u64::from(Algorithm::Md5.number())),
            digest_on_list: of(Domain::DigestOnList),
            domain_rule: of(Domain::Rule),
            presence: of(Domain::Presence),
            key_id: of(Domain::KeyId).hash(KEY_ID_TEXT).h1,
        }
    }

    /// Recognises the secret without revealing it; stored in every file of the index.
    #[must_use]
    pub fn key_id(&self) -> u64 {
        self.key_id
    }

    /// The hash of an address's key.
    #[inline]
    #[must_use]
    pub fn address(&self, key: &[u8]) -> Hash {
        hash(&self.address, key)
    }

    /// The hash of the address's key that `text` begins with, `length` bytes of it: exactly what
    /// [`KeyHasher::address`] gives for those bytes, and cheaper when `text` has 64 bytes or more.
    ///
    /// The bytes behind the key may be read but never matter. A length beyond `text` is that of `text`.
    // Called once a row, from one loop: see `Policy::key_in`.
    #[inline(always)]
    #[must_use]
    pub fn address_in(&self, text: &[u8], length: usize) -> Hash {
        text.first_chunk()
            .and_then(|room| self.address_words.hash(room, length))
            .unwrap_or_else(|| self.address_alone(text, length))
    }

    /// [`KeyHasher::address_in`] of what is too short, too long, or too near to the text's end for words.
    #[cold]
    #[inline(never)]
    fn address_alone(&self, text: &[u8], length: usize) -> Hash {
        self.address(text.get(..length).unwrap_or(text))
    }

    /// The hash of a contact's id.
    #[inline]
    #[must_use]
    pub fn contact(&self, id: &[u8]) -> Hash {
        hash(&self.contact, id)
    }

    /// The hash of an address on a list. No two pairs hash the same bytes: the list's length comes
    /// first.
    #[must_use]
    pub fn list(&self, list: &[u8], key: &[u8]) -> Hash {
        pair(&self.list, list, key)
    }

    /// The hash of a third party's digest.
    #[inline]
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm, digest: &[u8]) -> Hash {
        hash(&self.digest[algorithm as usize], digest)
    }

    /// The hashes of MD5 digests, each given as its bytes in two little-endian words, `words[0]` the first
    /// words of all: exactly what [`KeyHasher::digest`] gives for each.
    ///
    /// Cost: about 30 instructions a digest in code compiled for AVX2 (`storage::for_this_processor`) when
    /// `LANES` is 8, against 150 alone.
    #[inline(always)]
    #[must_use]
    pub fn md5_digests<const LANES: usize>(&self, words: &[[u64; LANES]; 2]) -> [Hash; LANES] {
        let [first, second] = words;
        let (mut lo, mut hi) = ([0; LANES], [0; LANES]);
        for lane in 0..LANES {
            // The domain and the algorithm's number have been taken in.
            let hash = self.md5_words.hash_two(2, first[lane], second[lane]);
            (lo[lane], hi[lane]) = (hash.lo, hash.hi);
        }
        std::array::from_fn(|lane| Hash { lo: lo[lane], hi: hi[lane] })
    }

    /// The hash of a third party's digest that is for one list.
    #[must_use]
    pub fn digest_on_list(&self, list: &[u8], algorithm: Algorithm, digest: &[u8]) -> Hash {
        let mut state = self.digest_on_list;
        state.write(&u64::from(algorithm.number()).to_le_bytes());
        pair(&state, list, digest)
    }

    /// The hash of a domain that has rules.
    #[inline]
    #[must_use]
    pub fn domain_rule(&self, domain: &[u8]) -> Hash {
        hash(&self.domain_rule, domain)
    }

    /// The hash of the entry that says whether the index holds any of something; any bit says it does.
    #[must_use]
    pub fn presence(&self, of: Presence) -> Hash {
        let number = match of {
            Presence::DomainRules => 0,
            Presence::Digests(algorithm) => algorithm.number(),
        };
        hash(&self.presence, &u64::from(number).to_le_bytes())
    }
}

impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHasher(key {:016x})", self.key_id)
    }
}

#[inline]
fn hash(state: &SipHasher13, bytes: &[u8]) -> Hash {
    let hash = state.hash(bytes);
    Hash { lo: hash.h1, hi: hash.h2 }
}

fn pair(state: &SipHasher13, first: &[u8], second: &[u8]) -> Hash {
    let mut state = *state;
    // Names are far shorter than 4 GiB; a longer one would still hash to one value.
    let length = u32::try_from(first.len()).unwrap_or(u32::MAX);
    state.write(&length.to_le_bytes());
    state.write(first);
    state.write(second);
    let hash = state.finish128();
    Hash { lo: hash.h1, hi: hash.h2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hasher() -> KeyHasher {
        KeyHasher::new(&SecretKey::from_bytes(*b"0123456789abcdef"))
    }

    /// The file format: these numbers never change. A change here makes every index unreadable.
    #[test]
    fn the_hash_never_changes() {
        let hasher = hasher();
        let long = [b'x'; 300];
        let got = [
            hasher.address_in(&[b"ann@example.com", &[0xFF; 64][..]].concat(), 15),
            hasher.address(b""),
            hasher.address(&long),
            hasher.contact(b"42"),
            hasher.list(b"news", b"ann@example.com"),
            hasher.digest(Algorithm::Sha256, &[0xab; 32]),
            hasher.digest_on_list(b"news", Algorithm::Sha256, &[0xab; 32]),
            hasher.domain_rule(b"example.com"),
            hasher.presence(Presence::Digests(Algorithm::Md5)),
        ];
        assert_eq!(hasher.address(b"ann@example.com"), got[0]);
        let want = GOLDEN.map(|(lo, hi)| Hash { lo, hi });
        assert_eq!(got, want, "{got:#x?}");
        assert_eq!(hasher.key_id(), GOLDEN_KEY_ID, "{:#x}", hasher.key_id());
    }

    // Computed by another implementation, from the words of docs/format.md.
    const GOLDEN_KEY_ID: u64 = 0x464d_8368_d56b_4fad;
    const GOLDEN: [(u64, u64); 9] = [
        (0xc38d_966f_5824_b898, 0x8bcd_fcb5_c73f_f4bb),
        (0x8a26_e620_dee5_05dc, 0xac0f_5caa_34f4_3d2f),
        (0x4d99_e5f4_c808_d760, 0x8299_8b8f_3eb9_b4cd),
        (0xb42c_5aed_c22e_8890, 0xdc97_f1d1_9dfe_be1b),
        (0xea13_4c9e_b98b_cb80, 0xc242_3951_b856_ebff),
        (0x5075_a6b4_bd04_2afd, 0x6cee_1007_ef9f_364c),
        (0x4967_e097_4fd8_cb0b, 0xc34c_f617_9f81_3f22),
        (0xfea8_a024_8692_a218, 0xb12a_f945_d09d_fb6a),
        (0x791e_74e5_164c_62c0, 0x367a_2f41_ce0e_169e),
    ];

    /// docs/format.md in other words: SipHash-1-3-128 over the domain as eight bytes, then the payload.
    #[test]
    fn the_prepared_state_gives_the_plain_hash() {
        let key = b"0123456789abcdef";
        for len in 0..70 {
            let payload: Vec<u8> = (0..len).collect();
            let mut bytes = 1_u64.to_le_bytes().to_vec();
            bytes.extend_from_slice(&payload);
            let plain = SipHasher13::new_with_key(key).hash(&bytes);
            assert_eq!(hasher().address(&payload), Hash { lo: plain.h1, hi: plain.h2 }, "{len}");
        }
    }

    /// Every length a key has, every text length around what the words need, and all that may stand behind.
    #[test]
    fn what_is_behind_a_key_never_matters() {
        let hasher = hasher();
        for len in 0..=254_u8 {
            let key: Vec<u8> = (0..len).map(|at| at.wrapping_mul(151) ^ len).collect();
            for behind in [0, 1, 7, 8, 63_usize.saturating_sub(key.len()), 64, 254] {
                for filler in [0, b'x', 0x80, 0xFF] {
                    let mut text = key.clone();
                    text.resize(key.len() + behind, filler);
                    assert_eq!(
                        hasher.address_in(&text, key.len()),
                        hasher.address(&key),
                        "{len} {behind}"
                    );
                }
            }
            assert_eq!(hasher.address_in(&key, 300), hasher.address(&key), "beyond {len}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn words_and_bytes_give_one_hash_under_any_secret(
            secret in any::<[u8; 16]>(), text in prop::collection::vec(any::<u8>(), 0..300), length in 0_usize..80,
        ) {
            let hasher = KeyHasher::new(&SecretKey::from_bytes(secret));
            let key = text.get(..length).unwrap_or(&text);
            prop_assert_eq!(hasher.address_in(&text, length), hasher.address(key));
        }

        #[test]
        fn digests_side_by_side_give_the_hash_of_each_alone(
            secret in any::<[u8; 16]>(), digests in any::<[[u8; 16]; 8]>(),
        ) {
            let hasher = KeyHasher::new(&SecretKey::from_bytes(secret));
            let word = |digest: &[u8; 16], at| u64::from_le_bytes(digest.as_chunks().0[at]);
            let words = [0, 1].map(|at| digests.map(|digest| word(&digest, at)));
            let expected = digests.map(|digest| hasher.digest(Algorithm::Md5, &digest));
            prop_assert_eq!(hasher.md5_digests(&words), expected);
        }
    }

    #[test]
    fn no_two_kinds_and_no_two_pairs_share_a_hash() {
        let hasher = hasher();
        let mut hashes = vec![
            hasher.address(b"ab"),
            hasher.contact(b"ab"),
            hasher.list(b"a", b"b"),
            hasher.list(b"", b"ab"),
            hasher.list(b"ab", b""),
            hasher.digest(Algorithm::Md5, b"ab"),
            hasher.digest(Algorithm::Sha1, b"ab"),
            hasher.digest_on_list(b"a", Algorithm::Md5, b"b"),
            hasher.digest_on_list(b"", Algorithm::Md5, b"ab"),
            hasher.domain_rule(b"ab"),
            hasher.presence(Presence::DomainRules),
            hasher.presence(Presence::Digests(Algorithm::Md5)),
        ];
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 12);
    }

    #[test]
    fn another_secret_is_recognised() {
        let other = KeyHasher::new(&SecretKey::from_bytes([1; 16]));
        assert_ne!(other.key_id(), hasher().key_id());
        assert_ne!(other.address(b"a@example.com"), hasher().address(b"a@example.com"));
    }

    #[test]
    fn the_secret_s_text_comes_back_and_nothing_else_does() {
        let secret = SecretKey::from_bytes(*b"\x000123456789abcd\xff");
        let text = secret.to_text();
        assert_eq!(text.len(), 33);
        assert_eq!(SecretKey::from_text(text.as_bytes()).unwrap(), secret);
        assert_eq!(SecretKey::from_text(text.trim_end().as_bytes()).unwrap(), secret);
        for wrong in ["", "00", &text.to_uppercase(), &format!("{text}\n"), &format!("0{text}")] {
            assert!(SecretKey::from_text(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert_eq!(format!("{secret:?}"), "SecretKey(not shown)");
        assert_ne!(SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    }
}
