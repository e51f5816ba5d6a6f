//! A statement and its signature as one text, and back.

use super::hex;
use super::key::{PublicKey, SigningKey};
use super::statement::{Chain, FileStatement, Statement};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What every certificate says it is, so that no other text signed with the key is taken for one.
const TYPE: &str = "quell-certificate";
/// The version of the form that this build writes and reads.
const SCHEMA: u32 = 1;

/// What stands around the digits of the signature, at the end of every certificate.
const BEFORE_SIGNATURE: &[u8] = b"  \"signature\": \"";
const AFTER_SIGNATURE: &[u8] = b"\"\n}\n";
const SIGNATURE_DIGITS: usize = 128;

/// Everything of a certificate but its signature.
#[derive(Serialize, Deserialize)]
struct Form {
    r#type: String,
    schema: u32,
    quell: String,
    #[serde(flatten)]
    statement: Statement,
    public_key: String,
}

impl Form {
    /// Its one text, up to the comma before the signature.
    fn text(&self) -> Option<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self).ok()?;
        text.truncate(text.strip_suffix(b"\n}")?.len());
        text.extend_from_slice(b",\n");
        Some(text)
    }
}

/// A certificate whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What it states.
    pub statement: Statement,
    /// The version of quell that made it.
    pub quell: String,
}

/// What a [`Mismatch`] is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate's text.
    Form,
    /// Whose signature it is.
    PublicKey,
    /// The signature.
    Signature,
    /// The counts of rows.
    Counts,
    /// The store that answered.
    Ledger,
    /// The history of that store.
    Chain,
    /// The input.
    Input,
    /// The kept rows.
    Output,
    /// The withheld rows.
    Suppressed,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "form",
            Self::PublicKey => "public key",
            Self::Signature => "signature",
            Self::Counts => "counts",
            Self::Ledger => "ledger",
            Self::Chain => "chain",
            Self::Input => "input",
            Self::Output => "output",
            Self::Suppressed => "suppressed file",
        })
    }
}

/// What does not match, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is of.
    pub part: Part,
    /// What does not match: a clause for one line. Holds nothing of a text whose signature does not hold.
    pub what: String,
}

impl Mismatch {
    /// A mismatch of `part`.
    #[must_use]
    pub fn new(part: Part, what: impl Into<String>) -> Self {
        Self { part, what: what.into() }
    }
}

impl fmt::Display for Mismatch {
    /// `input: 12 bytes, the certificate says 14`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.what)
    }
}

type Checked<T> = std::result::Result<T, Mismatch>;

impl Certificate {
    /// The text of `statement`, signed with `key`: always the same for the same statement.
    ///
    /// # Errors
    ///
    /// [`Part::Form`] when it has no text, which no statement that can be made is known to do, and
    /// [`Part::Counts`] when its counts don't add up.
    pub fn sign(statement: &Statement, key: &SigningKey) -> Checked<Vec<u8>> {
        check_counts(statement)?;
        let form = Form {
            r#type: TYPE.to_owned(),
            schema: SCHEMA,
            quell: env!("CARGO_PKG_VERSION").to_owned(),
            statement: statement.clone(),
            public_key: key.public_key().to_string(),
        };
        let mut text =
            form.text().ok_or_else(|| Mismatch::new(Part::Form, "it can't be written"))?;
        let signature = key.sign(&text);
        text.extend_from_slice(BEFORE_SIGNATURE);
        text.extend_from_slice(signature.as_bytes());
        text.extend_from_slice(AFTER_SIGNATURE);
        Ok(text)
    }

    /// Reads `text` and checks, in this order: that it is the one text of a certificate, that it was signed
    /// with the key of which `key` is the public half, that the signature holds, and that the counts add up.
    ///
    /// # Errors
    ///
    /// The first of these that does not match.
    pub fn verified(text: &[u8], key: &PublicKey) -> Checked<Self> {
        let no = |what: &str| Mismatch::new(Part::Form, what);
        check_schema(text)?;
        let (signed, signature) = parted(text).ok_or_else(|| {
            no("it does not end with a signature as certificates do: altered, cut off, or none")
        })?;
        let body = signed.strip_suffix(b",\n").map(|body| [body, b"\n}"].concat());
        let form: Form = body
            .and_then(|body| serde_json::from_slice(&body).ok())
            .ok_or_else(|| no("it is no certificate: members are missing or of another kind"))?;
        if form.r#type != TYPE {
            return Err(no("it says that it is something else"));
        }
        if form.text().as_deref() != Some(signed) {
            return Err(no("it is not written as quell writes one: altered, or written anew"));
        }
        let named = PublicKey::from_text(form.public_key.as_bytes())
            .ok_or_else(|| no("it names no public key"))?;
        if named != *key {
            let what = format!("it is of the key {named}, and is checked with {key}");
            return Err(Mismatch::new(Part::PublicKey, what));
        }
        if !key.verifies(signed, signature) {
            let what = "it is not the key's signature of this text: altered after it was signed";
            return Err(Mismatch::new(Part::Signature, what));
        }
        check_counts(&form.statement)?;
        Ok(Self { statement: form.statement, quell: form.quell })
    }

    /// Checks a file of the run, [`Part::Input`], [`Part::Output`] or [`Part::Suppressed`], by its length and
    /// its SHA-256 in hex.
    ///
    /// # Errors
    ///
    /// How they differ from what the certificate states.
    pub fn check_file(&self, part: Part, bytes: u64, sha256: &str) -> Checked<()> {
        let stated: Option<&FileStatement> = match part {
            Part::Input => Some(&self.statement.input),
            Part::Output => Some(&self.statement.output),
            Part::Suppressed => self.statement.suppressed.as_ref(),
            _ => None,
        };
        let Some(stated) = stated else {
            return Err(Mismatch::new(part, "the certificate names none"));
        };
        if bytes != stated.bytes {
            let what = format!("{bytes} bytes, the certificate says {}", stated.bytes);
            return Err(Mismatch::new(part, what));
        }
        if sha256 != stated.sha256 {
            let what = format!("SHA-256 {sha256}, the certificate says {}", stated.sha256);
            return Err(Mismatch::new(part, what));
        }
        Ok(())
    }

    /// Checks the state of the history against what a ledger has after as many events: the link, or none when
    /// it has not so many.
    ///
    /// # Errors
    ///
    /// That the ledger's history is another one.
    pub fn check_chain(&self, link: Option<&[u8; 32]>) -> Checked<()> {
        let Some(Chain { events, link: stated }) = &self.statement.chain else { return Ok(()) };
        let what = match link.map(|link| hex::digits(link)) {
            None => format!("the store's history has no {events} events"),
            Some(link) if link != *stated => {
                format!(
                    "after {events} events the store's history has the link {link}, the certificate says {stated}"
                )
            }
            Some(_) => return Ok(()),
        };
        Err(Mismatch::new(Part::Chain, what))
    }
}

/// The signed bytes of a certificate, and the digits of its signature.
fn parted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = text.strip_suffix(AFTER_SIGNATURE)?;
    let (rest, signature) = rest.split_at_checked(rest.len().checked_sub(SIGNATURE_DIGITS)?)?;
    Some((rest.strip_suffix(BEFORE_SIGNATURE)?, signature))
}

/// A certificate of a later form is told as one, if that is what it says.
fn check_schema(text: &[u8]) -> Checked<()> {
    let no = |what: String| Mismatch::new(Part::Form, what);
    let value: Value = serde_json::from_slice(text)
        .map_err(|_| no("it is no certificate: not JSON".to_owned()))?;
    match value.get("schema").and_then(Value::as_u64) {
        Some(schema) if schema == u64::from(SCHEMA) => Ok(()),
        Some(schema) => Err(no(format!(
            "it is of form {schema}, and this build reads form {SCHEMA}: altered, or made by a newer quell"
        ))),
        None => Err(no("it is no certificate: it names no schema".to_owned())),
    }
}

fn check_counts(statement: &Statement) -> Checked<()> {
    let no = |what: &str| Err(Mismatch::new(Part::Counts, what));
    if statement.kept.checked_add(statement.withheld) != Some(statement.read) {
        return no("kept and withheld rows are not those read");
    }
    let mut reasons = statement.by_reason.values();
    let sum = reasons.try_fold(0_u64, |sum, count| sum.checked_add(*count));
    if sum != Some(statement.withheld) {
        return no("the reasons' counts are not those of the rows withheld");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
