//! Records in a few words.

use crate::ledger::Record;

/// A record in a few words.
#[must_use]
pub fn describe(record: &Record) -> String {
    match record {
        Record::Contact(contact) => format!(
            "contact {} ({}): bulk email {}, email {}",
            contact.contact_id,
            contact.address,
            contact.bulk_email.as_str(),
            contact.email_allowed.as_str()
        ),
        Record::Unsubscribe(record) => format!(
            "{} unsubscribe of {}, {}{}",
            record.state.as_str(),
            record.address,
            record.list.as_deref().map_or("everywhere".to_owned(), |list| format!("list {list}")),
            source(record.source.as_deref())
        ),
        Record::Preference(record) => format!(
            "preference {} of {}, list {}{}",
            record.choice.as_str(),
            record.address,
            record.list,
            source(record.source.as_deref())
        ),
        Record::Suppression(record) => format!(
            "{} of {} ({} mail{}){}",
            record.reason.as_str(),
            record.address,
            record.class.as_str(),
            record.expires_at.map_or(String::new(), |at| format!(", until {at}")),
            source(record.source.as_deref())
        ),
        Record::Domain(rule) => format!(
            "domain rule of {}{}{}",
            rule.domain,
            if rule.subdomains { " and its subdomains" } else { "" },
            source(rule.source.as_deref())
        ),
        Record::Digest(record) => format!(
            "{} digest, {} ({} mail){}",
            record.algorithm,
            record.list.as_deref().map_or("everywhere".to_owned(), |list| format!("list {list}")),
            record.class.as_str(),
            source(record.source.as_deref())
        ),
    }
}

fn source(source: Option<&str>) -> String {
    source.map_or_else(String::new, |source| format!(", source {source}"))
}
