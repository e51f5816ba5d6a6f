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

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.to_string()))
}
