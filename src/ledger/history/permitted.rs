//! A permission as an audit reads it.

use super::EventKind;
use crate::ledger::chain::hex;
use crate::record::Timestamp;
use serde_json::{Value, json};

/// An event that lifted something, or that a permission was kept with.
///
/// Of an event that an erasure blanked, only what stands in its columns is left: its texts are `None`, its
/// counts 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// When.
    pub at: Timestamp,
    /// The generation that holds it.
    pub generation: u64,
    /// What happened.
    pub event: EventKind,
    /// Whom it was for, as it was said; a domain stands behind an `@`, a digest behind its algorithm. `None` for a
    /// whole file.
    pub address: Option<String>,
    /// How the permission was given.
    pub channel: Option<String>,
    /// The evidence.
    pub evidence: Option<String>,
    /// Who took it.
    pub by: Option<String>,
    /// The lists that were asked for; `*` for all of them.
    pub lists: Vec<String>,
    /// Whether the global block was asked for; `None` when nothing was asked for by name.
    pub global: Option<bool>,
    /// The suppressions that were asked for.
    pub include: Vec<String>,
    /// Records deleted.
    pub deleted: u64,
    /// Records changed.
    pub changed: u64,
    /// The event's link in the chain.
    pub link: [u8; 32],
}

impl Permitted {
    /// The columns of an export, in order.
    pub const COLUMNS: [&str; 13] = [
        "at",
        "generation",
        "event",
        "address",
        "channel",
        "evidence",
        "by",
        "lists",
        "global",
        "include",
        "deleted",
        "changed",
        "link",
    ];

    /// Reads what the event with this key and detail says.
    pub(in crate::ledger) fn of(
        (at, generation, event): (Timestamp, u64, EventKind),
        key: &[u8],
        detail: &Value,
        link: [u8; 32],
    ) -> Self {
        // A sync's is kept with the file as well, which may have lifted nothing.
        let whole = &detail["sync"]["permission"];
        let kept = if whole.is_object() { whole } else { &detail["permission"] };
        let permission = |name: &str| kept[name].as_str().map(str::to_owned);
        let request = &detail["request"];
        let texts = |value: &Value| -> Vec<String> {
            let texts = value.as_array().into_iter().flatten();
            texts.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let count = |name: &str| detail[name].as_array().map_or(0, |members| members.len() as u64);
        let lists =
            if request["all_lists"] == true { vec!["*".into()] } else { texts(&request["lists"]) };
        Self {
            at,
            generation,
            event,
            address: detail["address"].as_str().map(str::to_owned).or_else(|| name_of(key)),
            channel: permission("channel"),
            evidence: permission("evidence"),
            by: permission("by"),
            lists,
            global: request["global"].as_bool(),
            include: texts(&request["include"]),
            deleted: count("deleted"),
            changed: count("changed"),
            link,
        }
    }

    /// As an export prints it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "at": self.at.to_string(),
            "generation": self.generation,
            "event": self.event.as_str(),
            "address": self.address,
            "channel": self.channel,
            "evidence": self.evidence,
            "by": self.by,
            "lists": self.lists,
            "global": self.global,
            "include": self.include,
            "deleted": self.deleted,
            "changed": self.changed,
            "link": hex(&self.link),
        })
    }
}

/// What a key is the key of; `None` for the pseudonym of an erased address, and for no key.
pub(in crate::ledger) fn name_of(key: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(key).ok()?;
    if text.is_empty() || text.starts_with('\0') {
        return None;
    }
    // An address has an `@`, a digest its algorithm and a colon.
    Some(if text.contains(['@', ':']) { text.to_owned() } else { format!("@{text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &[u8], detail: &Value) -> Permitted {
        Permitted::of((Timestamp::from_micros(1), 2, EventKind::Synced), key, detail, [0xab; 32])
    }

    #[test]
    fn an_event_without_an_address_is_named_by_its_key() {
        let named = |key: &[u8]| of(key, &json!({})).address;
        assert_eq!(named(b"ann@example.com").as_deref(), Some("ann@example.com"));
        assert_eq!(named(b"example.com").as_deref(), Some("@example.com"));
        assert_eq!(named(b"md5:00ff").as_deref(), Some("md5:00ff"));
        assert_eq!(named(b"\0hash of sixteen"), None);
        assert_eq!(named(b""), None);
        assert_eq!(named(b"\0\xff\xfe"), None);
    }

    #[test]
    fn a_sync_keeps_its_permission_with_its_file_and_with_each_key() {
        let permission = json!({"channel": "form", "evidence": "crm", "by": "desk"});
        let (file, key) =
            (json!({"sync": {"permission": permission}}), json!({"permission": permission}));
        for detail in [file, key] {
            let permitted = of(b"", &detail);
            assert_eq!(permitted.channel.as_deref(), Some("form"));
            assert_eq!(permitted.by.as_deref(), Some("desk"));
        }
    }

    #[test]
    fn a_blanked_event_keeps_its_place_and_its_link() {
        let blanked = of(b"\0hash", &Value::Null);
        assert_eq!((blanked.generation, blanked.deleted, blanked.global), (2, 0, None));
        let json = blanked.to_json();
        assert_eq!(json["link"], "ab".repeat(32));
        assert_eq!(json.as_object().unwrap().len(), Permitted::COLUMNS.len());
    }
}
