//! A record together with where it came from, and its form as JSON.

use crate::record::{
    Contact, Digest, DigestValue, DomainRule, Preference, Suppression, Timestamp, Unsubscribe,
};
use serde_json::{Value, json};

/// A record of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A contact.
    Contact(Contact),
    /// An unsubscribe record.
    Unsubscribe(Unsubscribe),
    /// A preference record.
    Preference(Preference),
    /// A suppression.
    Suppression(Suppression),
    /// A domain rule.
    Domain(DomainRule),
    /// An entry of a hashed list.
    Digest(Digest),
}

/// A record as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The record.
    pub record: Record,
    /// The import that added it; `None` when it was recorded by itself.
    pub import: Option<u64>,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
}

impl StoredRecord {
    /// The record with all its fields and its provenance, as events keep it and commands print it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = self.record.to_json();
        json["import"] = json!(self.import);
        json["recorded_at"] = time(Some(self.recorded_at));
        json
    }

    /// The record behind [`StoredRecord::to_json`]; `None` when it is none.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        let recorded_at = instant(&json["recorded_at"])??;
        let import = match &json["import"] {
            Value::Null => None,
            import => Some(import.as_u64()?),
        };
        let mut record = Record::from_json(json)?;
        if let Record::Digest(digest) = &mut record {
            digest.at = Some(recorded_at);
        }
        Some(Self { record, import, recorded_at })
    }
}

impl Record {
    /// The record with all its fields.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Contact(contact) => json!({
                "kind": "contact",
                "contact_id": contact.contact_id,
                "address": contact.address,
                "bulk_email": contact.bulk_email.as_str(),
                "email_allowed": contact.email_allowed.as_str(),
                "at": time(contact.at),
                "former": contact.former,
            }),
            Self::Unsubscribe(record) => json!({
                "kind": "unsubscribe",
                "address": record.address,
                "list": record.list,
                "state": record.state.as_str(),
                "class": record.class.as_str(),
                "at": time(record.at),
                "source": record.source,
            }),
            Self::Preference(record) => json!({
                "kind": "preference",
                "address": record.address,
                "list": record.list,
                "preference": record.choice.as_str(),
                "at": time(record.at),
                "source": record.source,
            }),
            Self::Suppression(record) => json!({
                "kind": "suppression",
                "address": record.address,
                "reason": record.reason.as_str(),
                "class": record.class.as_str(),
                "at": time(record.at),
                "expires_at": time(record.expires_at),
                "source": record.source,
            }),
            Self::Domain(rule) => json!({
                "kind": "domain",
                "domain": rule.domain,
                "subdomains": rule.subdomains,
                "at": time(rule.at),
                "source": rule.source,
            }),
            Self::Digest(record) => json!({
                "kind": "digest",
                "digest": DigestValue::from_bytes(&record.digest).map(|digest| digest.to_string()),
                "algorithm": record.algorithm.as_str(),
                "list": record.list,
                "class": record.class.as_str(),
                "source": record.source,
            }),
        }
    }
}

/// Reading a record back from an event. A member that is missing is one that is null.
impl Record {
    /// The record behind [`Record::to_json`]; `None` when it is none.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let word = |name: &str| json[name].as_str();
        let time = |name: &str| instant(&json[name]);
        Some(match word("kind")? {
            "contact" => Self::Contact(Contact {
                contact_id: text("contact_id")?,
                address: text("address")?,
                bulk_email: word("bulk_email")?.parse().ok()?,
                email_allowed: word("email_allowed")?.parse().ok()?,
                at: time("at")?,
                former: json["former"].as_bool().unwrap_or_default(),
            }),
            "unsubscribe" => Self::Unsubscribe(Unsubscribe {
                address: text("address")?,
                list: text("list"),
                state: word("state")?.parse().ok()?,
                class: word("class")?.parse().ok()?,
                at: time("at")?,
                source: text("source"),
            }),
            "preference" => Self::Preference(Preference {
                address: text("address")?,
                list: text("list")?,
                choice: word("preference")?.parse().ok()?,
                at: time("at")?,
                source: text("source"),
            }),
            "suppression" => Self::Suppression(Suppression {
                address: text("address")?,
                reason: word("reason")?.parse().ok()?,
                class: word("class")?.parse().ok()?,
                at: time("at")?,
                expires_at: time("expires_at")?,
                source: text("source"),
            }),
            "domain" => Self::Domain(DomainRule {
                domain: text("domain")?,
                subdomains: json["subdomains"].as_bool()?,
                at: time("at")?,
                source: text("source"),
            }),
            "digest" => {
                let digest = DigestValue::parse(word("digest")?, None).ok()?;
                Self::Digest(Digest {
                    algorithm: digest.algorithm(),
                    digest: digest.as_bytes().to_vec(),
                    list: text("list"),
                    class: word("class")?.parse().ok()?,
                    source: text("source"),
                    at: None,
                })
            }
            _ => return None,
        })
    }

    /// Where it comes from, if it says so.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Contact(_) => None,
            Self::Unsubscribe(record) => record.source.as_deref(),
            Self::Preference(record) => record.source.as_deref(),
            Self::Suppression(record) => record.source.as_deref(),
            Self::Domain(rule) => rule.source.as_deref(),
            Self::Digest(record) => record.source.as_deref(),
        }
    }
}

/// An instant or none, of a member; `None` when it is neither.
fn instant(json: &Value) -> Option<Option<Timestamp>> {
    match json {
        Value::Null => Some(None),
        Value::String(text) => match text.strip_suffix("us") {
            // As instants beyond the calendar are written.
            Some(micros) => Some(Some(Timestamp::from_micros(micros.parse().ok()?))),
            None => Some(Some(Timestamp::parse(text).ok()?)),
        },
        _ => None,
    }
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.to_string()))
}
