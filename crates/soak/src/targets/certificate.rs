//! Scrub certificates.

use ed25519_dalek::Signer as _;
use quell::certificate::{Certificate, PublicKey, SigningKey};

/// The private half of the key that the target signs with.
pub const SEED: [u8; 32] = [5; 32];

/// Only one text of a statement holds: whatever is accepted is, byte for byte, what signing it again gives. That also
/// goes for texts that somebody else signed with the key.
///
/// The first byte says whether the rest is a certificate, or all of one up to its signature.
pub fn certificate(data: &[u8]) {
    let [choice, text @ ..] = data else { return };
    let own = SigningKey::from_seed(&SEED);
    let key: &PublicKey = &own.public_key();
    let signed;
    let text = if choice & 1 == 0 {
        text
    } else {
        let signature = ed25519_dalek::SigningKey::from_bytes(&SEED).sign(text);
        let digits: String =
            signature.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        signed = [text, format!("  \"signature\": \"{digits}\"\n}}\n").as_bytes()].concat();
        &signed
    };
    match Certificate::verified(text, key) {
        Ok(certificate) => {
            let statement = &certificate.statement;
            assert_eq!(statement.read, statement.kept + statement.withheld);
            let again = Certificate::sign(statement, &own);
            let version =
                again.as_ref().ok().and_then(|text| Certificate::verified(text, key).ok());
            if version.is_some_and(|made_now| made_now.quell == certificate.quell) {
                assert_eq!(again.as_deref(), Ok(text), "another text of the same statement");
            }
        }
        Err(mismatch) => assert!(!mismatch.what.contains('\n'), "{mismatch}"),
    }
}
