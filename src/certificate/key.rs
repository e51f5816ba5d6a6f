//! The key pair of a store: what signs, and what the signature is checked with.

use super::hex;
use crate::error::{Error, Result};
use ed25519_dalek::{KEYPAIR_LENGTH, SECRET_KEY_LENGTH, Signature, Signer, VerifyingKey};
use std::fmt;

/// What a store signs its certificates with, from `signing.key`. Never printed; wiped from memory when
/// dropped.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key made of this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; SECRET_KEY_LENGTH]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// A new key from the system's random source.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the system has nothing random to give.
    pub fn generate() -> Result<Self> {
        let mut seed = [0; SECRET_KEY_LENGTH];
        getrandom::fill(&mut seed).map_err(|error| {
            Error::untrusted(format!("cannot make a signing key: {error}"))
                .with_hint("the system's random source failed; try again on a healthy machine")
        })?;
        Ok(Self::from_seed(&seed))
    }

    /// Reads the text of `signing.key`: the seed and the public key that follows from it, 128 lower-case
    /// hexadecimal digits, then one newline or none. A seed that is damaged does not fit its public key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) for anything else; the message holds nothing of
    /// the text.
    pub fn from_text(text: &[u8]) -> Result<Self> {
        let pair = hex::bytes::<KEYPAIR_LENGTH>(text.strip_suffix(b"\n").unwrap_or(text));
        let key = pair.and_then(|pair| ed25519_dalek::SigningKey::from_keypair_bytes(&pair).ok());
        key.map(Self).ok_or_else(|| {
            Error::untrusted("the signing key is damaged").with_hint(
                "restore signing.key from the backup; or remove it, and the next --certificate makes a \
                 new one, with another public key to hand out",
            )
        })
    }

    /// The text of `signing.key`, which belongs in a file of mode 0600 and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n", hex::digits(&self.0.to_keypair_bytes()))
    }

    /// What its signatures are checked with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of `bytes`, as hexadecimal digits: the same for the same bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> String {
        hex::digits(&self.0.sign(bytes).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(not shown)")
    }
}

/// What a certificate is checked with; displays as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads 64 hexadecimal digits, in any case and with white space around them. `None` for anything
    /// else, for digits that are no key, and for one of the few keys under which signatures mean nothing.
    ///
    /// ```
    /// use quell::certificate::{PublicKey, SigningKey};
    ///
    /// let key = SigningKey::from_seed(&[7; 32]).public_key();
    /// assert_eq!(PublicKey::from_text(format!(" {key}\n").as_bytes()), Some(key));
    /// assert_eq!(PublicKey::from_text(b"0123"), None);
    /// ```
    #[must_use]
    pub fn from_text(text: &[u8]) -> Option<Self> {
        let bytes = hex::bytes(&text.trim_ascii().to_ascii_lowercase())?;
        let key = VerifyingKey::from_bytes(&bytes).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }

    /// Says whether `signature`, as hexadecimal digits in lower case, is one of `bytes` under this key.
    ///
    /// By the strict rules of RFC 8032 and more: of each signature there is one form only.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let signature = hex::bytes(signature).map(|bytes| Signature::from_bytes(&bytes));
        signature.is_some_and(|signature| self.0.verify_strict(bytes, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::digits(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_text_and_is_never_shown() {
        let key = SigningKey::from_seed(&[3; 32]);
        let again = SigningKey::from_text(key.to_text().as_bytes()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert!(!format!("{key:?}").contains("0303"));
        assert_ne!(
            SigningKey::generate().unwrap().public_key(),
            SigningKey::generate().unwrap().public_key()
        );
    }

    /// RFC 8032, section 7.1, tests 1 and 2: other programs' signatures are ours.
    #[test]
    fn signatures_are_those_of_the_standard() {
        for (seed, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                &b""[..],
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                b"\x72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ] {
            let key = SigningKey::from_seed(&hex::bytes(seed.as_bytes()).unwrap());
            assert_eq!(key.public_key().to_string(), public);
            assert_eq!(key.sign(message), signature);
            assert!(key.public_key().verifies(message, signature.as_bytes()));
            assert!(!key.public_key().verifies(b"another", signature.as_bytes()));
        }
    }

    #[test]
    fn every_damaged_digit_of_a_signing_key_shows() {
        let text = SigningKey::from_seed(&[9; 32]).to_text();
        for at in 0..text.len() {
            for byte in [b'0', b'f', b'x', b'\n', 0xff] {
                let mut damaged = text.clone().into_bytes();
                if std::mem::replace(&mut damaged[at], byte) != byte {
                    assert!(SigningKey::from_text(&damaged).is_err(), "byte {at} as {byte}");
                }
            }
            let cut = SigningKey::from_text(&text.as_bytes()[..at]);
            assert_eq!(cut.is_ok(), at == text.len() - 1, "cut at {at}");
        }
    }

    /// Under a key of small order one signature fits many texts.
    #[test]
    fn a_key_under_which_signatures_mean_nothing_is_none() {
        let identity = format!("01{}", "0".repeat(62));
        let no_point = format!("02{}", "0".repeat(62));
        for text in [identity.as_str(), &"0".repeat(64), &no_point, "", "zz"] {
            assert_eq!(PublicKey::from_text(text.as_bytes()), None, "{text}");
        }
    }
}
