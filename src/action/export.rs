//! Records as CSV, in the columns that an import reads.

use crate::delimited::Dialect;
use crate::ledger::{Record, StoredRecord};
use crate::record::{DigestValue, Kind, Timestamp};
use std::io::{self, Write};

/// The columns of a kind, as the first line of a file.
#[must_use]
pub fn header(kind: Kind) -> &'static str {
    match kind {
        Kind::Contacts => "contact_id,email,bulk_email,email_allowed,at,quell_former",
        Kind::Unsubscribes => "email,list,state,class,at,source",
        Kind::Preferences => "email,list,preference,at,source",
        Kind::Suppressions => "email,reason,class,at,expires_at,source",
        Kind::Domains => "domain,subdomains,at,source",
        Kind::Digests => "digest,algorithm,list,class,source",
    }
}

/// Writes a record as a line.
///
/// # Errors
///
/// What writing gives.
pub fn write_row(record: &StoredRecord, out: &mut dyn Write) -> io::Result<()> {
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells: Vec<String> = match &record.record {
        Record::Contact(contact) => vec![
            contact.contact_id.clone(),
            contact.address.clone(),
            contact.bulk_email.as_str().to_owned(),
            contact.email_allowed.as_str().to_owned(),
            time(contact.at),
            (if contact.former { "true" } else { "" }).to_owned(),
        ],
        Record::Unsubscribe(record) => vec![
            record.address.clone(),
            text(&record.list),
            record.state.as_str().to_owned(),
            record.class.as_str().to_owned(),
            time(record.at),
            text(&record.source),
        ],
        Record::Preference(record) => vec![
            record.address.clone(),
            record.list.clone(),
            record.choice.as_str().to_owned(),
            time(record.at),
            text(&record.source),
        ],
        Record::Suppression(record) => vec![
            record.address.clone(),
            record.reason.as_str().to_owned(),
            record.class.as_str().to_owned(),
            time(record.at),
            time(record.expires_at),
            text(&record.source),
        ],
        Record::Domain(rule) => vec![
            rule.domain.clone(),
            rule.subdomains.to_string(),
            time(rule.at),
            text(&rule.source),
        ],
        Record::Digest(record) => vec![
            DigestValue::from_bytes(&record.digest)
                .map_or_else(String::new, |digest| digest.to_string()),
            record.algorithm.to_string(),
            text(&record.list),
            record.class.as_str().to_owned(),
            text(&record.source),
        ],
    };
    let mut line = Vec::new();
    Dialect::CSV.write_record(&cells, &mut line);
    out.write_all(&line)
}
