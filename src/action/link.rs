//! Links in mails by which a person opts out, and what they say: nothing is stored per mail.
//!
//! ```text
//! BASE/u/TOKEN     TOKEN = base64url( version 1 | key id 4 | tag 16 | ciphertext )
//!
//! plaintext  = class 1 | length of the list 2 | list | address key
//! tag        = first 16 bytes of HMAC-SHA256(mac key, version | key id | plaintext)
//! ciphertext = ChaCha20(cipher key, nonce = first 12 bytes of the tag) of the plaintext
//! ```
//!
//! Both keys follow from the secret of a link key. The nonce follows from the plaintext, so two texts share one only
//! when they are the same, and the same link is the same token. Without the secret nobody can make a token, change one,
//! or tell whose it is (docs/one-click.md).

mod opt_out;

pub use opt_out::{Leave, OptOut, Preferences, opt_out, preferences};

use crate::error::{Error, Result};
use crate::record::RecordClass;
use crate::store::{LinkKey, LinkKeyId, LinkKeys};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The version of tokens that this build makes and reads.
const VERSION: u8 = 1;
/// Version and key id.
const HEAD_BYTES: usize = 5;
const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
/// A list's name of a link: a header line has room for no more than 998 characters.
pub const LIST_BYTES_MAX: usize = 255;
/// The longest token that is looked at: longer than any that is made.
const TOKEN_CHARS_MAX: usize = 2048;
/// The longest line of a header (RFC 5322), its line end left out.
const HEADER_CHARS_MAX: usize = 998;

/// What a link says: who opts out of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The key of the address.
    pub key: String,
    /// The list, or everywhere.
    pub list: Option<String>,
    /// What kinds of send it stops.
    pub class: RecordClass,
}

/// Makes tokens and reads them, under the keys of one store.
#[derive(Debug, Clone)]
pub struct Links {
    /// Oldest first, none of them retired.
    seals: Vec<Seal>,
}

/// What one key seals and opens with.
#[derive(Clone)]
struct Seal {
    id: LinkKeyId,
    mac: Hmac<Sha256>,
    cipher: [u8; 32],
}

impl Links {
    /// What makes and reads tokens under these keys.
    #[must_use]
    pub fn new(keys: &LinkKeys) -> Self {
        let active = keys.all().iter().filter(|key| !key.is_retired);
        Self { seals: active.map(Seal::new).collect() }
    }

    /// Says whether a list's name fits into a link.
    #[must_use]
    pub fn takes(list: &str) -> bool {
        list.len() <= LIST_BYTES_MAX
    }

    /// Appends the token by which `key` opts out of `list`, or everywhere. A list that no link
    /// [takes](Links::takes) becomes everywhere: what opts out of more is the lesser fault.
    ///
    /// Cost: some 1 µs.
    pub fn seal(&self, key: &[u8], list: Option<&str>, class: RecordClass, out: &mut String) {
        let list = list.filter(|list| Self::takes(list)).unwrap_or_default();
        // Never empty: keys without an active one are damaged.
        let Some(seal) = self.seals.last() else { return };
        let mut token = Vec::with_capacity(HEAD_BYTES + TAG_BYTES + 3 + list.len() + key.len());
        token.push(VERSION);
        token.extend_from_slice(seal.id.as_bytes());
        token.extend_from_slice(&[0; TAG_BYTES]);
        token.push(class_code(class));
        let length = u16::try_from(list.len()).unwrap_or_default();
        token.extend_from_slice(&length.to_be_bytes());
        token.extend_from_slice(list.as_bytes());
        token.extend_from_slice(key);
        let (head, rest) = token.split_at_mut(HEAD_BYTES);
        let (tag, text) = rest.split_at_mut(TAG_BYTES);
        let whole = seal.mac.clone().chain_update(head).chain_update(&*text).finalize();
        tag.copy_from_slice(&whole.into_bytes()[..TAG_BYTES]);
        seal.apply(tag, text);
        URL_SAFE_NO_PAD.encode_string(&token, out);
    }

    /// What a token says; `None` for one that nobody made with an active key. The tag is compared in constant time.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<Link> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        // One text a token: a base64 text with stray bits is refused.
        let mut token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (head, rest) = token.split_at_mut_checked(HEAD_BYTES)?;
        let (tag, text) = rest.split_at_mut_checked(TAG_BYTES)?;
        let id = LinkKeyId::from_bytes(head.get(1..)?.try_into().ok()?);
        let seal = self.seals.iter().find(|seal| seal.id == id)?;
        seal.apply(tag, text);
        let mac = seal.mac.clone().chain_update(&*head).chain_update(&*text);
        mac.verify_truncated_left(tag).ok()?;
        if head.first() != Some(&VERSION) {
            return None;
        }
        Link::from_text(text)
    }
}

impl Seal {
    fn new(key: &LinkKey) -> Self {
        let derived = |what: &[u8]| -> [u8; 32] {
            let mac = keyed(key.secret()).chain_update(what);
            mac.finalize().into_bytes().into()
        };
        let mac = keyed(&derived(b"quell link: authentication"));
        Self { id: key.id(), mac, cipher: derived(b"quell link: encryption") }
    }

    /// Encrypts a text, or decrypts one.
    fn apply(&self, tag: &[u8], text: &mut [u8]) {
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&tag[..NONCE_BYTES]);
        ChaCha20::new(&self.cipher.into(), &nonce.into()).apply_keystream(text);
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({}, keys not shown)", self.id)
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a key up with zeros to a block of its hash; so this can't fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

impl Link {
    fn from_text(text: &[u8]) -> Option<Self> {
        let (&[class, high, low], rest) = text.split_first_chunk::<3>()?;
        let (list, key) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        let words = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        let list = Some(words(list)?).filter(|list| !list.is_empty());
        let class = match class {
            0 => RecordClass::Bulk,
            1 => RecordClass::Transactional,
            2 => RecordClass::All,
            _ => return None,
        };
        Some(Self { key: words(key)?, list, class })
    }
}

fn class_code(class: RecordClass) -> u8 {
    match class {
        RecordClass::Bulk => 0,
        RecordClass::Transactional => 1,
        RecordClass::All => 2,
    }
}

/// Where the service is reached from outside: what every link begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads an absolute URL of `https` or `http`, with a path or without; a slash at its end is left out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for anything else, and for one with a query, a fragment or a
    /// user.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Err(Error::usage(format!("the base URL {what}")).with_hint(
                "give what the service is reached by, as in --base-url https://mail.example.com",
            ))
        };
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("begins neither with https:// nor with http://");
        };
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return wrong("begins neither with https:// nor with http://");
        }
        if text.contains(['?', '#']) {
            return wrong("has a query or a fragment");
        }
        if rest.contains('@') {
            return wrong("names a user");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|},;".contains(&byte)) {
            return wrong("holds a character that a header can't take as it is");
        }
        if !text
            .parse::<axum::http::Uri>()
            .is_ok_and(|url| url.host().is_some_and(|host| !host.is_empty()))
        {
            return wrong("names no host");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// Says whether links are safe from those who listen, which RFC 8058 demands.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }

    /// Appends what stands before a token.
    pub fn write_start(&self, out: &mut String) {
        out.push_str(&self.0);
        out.push_str("/u/");
    }

    /// The two header lines of a mail to `key`, RFC 8058's, without line ends.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when the first would be longer than a header line may be, or
    /// the list's name is longer than a link [takes](Links::takes).
    pub fn headers(&self, links: &Links, link: &Link) -> Result<[String; 2]> {
        if link.list.as_deref().is_some_and(|list| !Links::takes(list)) {
            let message = format!("the list's name is longer than {LIST_BYTES_MAX} bytes");
            return Err(Error::usage(message)
                .with_hint("no link has room for it; give the list a shorter name"));
        }
        let mut line = "List-Unsubscribe: <".to_owned();
        self.write_start(&mut line);
        links.seal(link.key.as_bytes(), link.list.as_deref(), link.class, &mut line);
        line.push('>');
        if line.len() > HEADER_CHARS_MAX {
            let message = format!(
                "the header line would have {} characters, {HEADER_CHARS_MAX} is the most",
                line.len()
            );
            return Err(Error::usage(message).with_hint("give a shorter base URL"));
        }
        Ok([line, "List-Unsubscribe-Post: List-Unsubscribe=One-Click".to_owned()])
    }
}

#[cfg(test)]
mod tests;
