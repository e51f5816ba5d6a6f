//! What a sync removes, one line a key, spooled until it is known whether it was done.

use crate::action::check::cause_json;
use crate::action::describe::describe;
use crate::action::resubscribe::causes_of_any_send;
use crate::cli::args::Sync;
use crate::cli::terminal::print;
use crate::error::{Error, Result};
use crate::ledger::{Ledger, Record, Removal, StoredRecord, View};
use crate::record::{Cause, DigestValue, Kind, Outside, Timestamp};
use crate::store::{Store, outside};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::Path;

/// The lines so far, in a file without a name.
pub(super) struct Diff<'s> {
    out: BufWriter<File>,
    /// What covers addresses from outside: a sync of their records changes none of it.
    view: Box<dyn View + 's>,
    kind: Kind,
    now: Timestamp,
    json: bool,
    lines: u64,
}

impl<'s> Diff<'s> {
    pub(super) fn new(
        store: &'s Store,
        kind: Kind,
        now: Timestamp,
        arguments: &Sync,
    ) -> Result<Self> {
        let file = tempfile::tempfile().map_err(spooling)?;
        let view = store.ledger().view()?;
        Ok(Self { out: BufWriter::new(file), view, kind, now, json: arguments.json, lines: 0 })
    }

    /// Adds what becomes of a key.
    pub(super) fn add(&mut self, removal: &Removal<'_>) -> Result<()> {
        let left = self.left(removal)?;
        let name = self.name(removal.key);
        let line = if self.json {
            let between = if self.lines > 0 { ",\n" } else { "" };
            format!("{between}{}", to_json(&name, removal, left.as_deref()))
        } else {
            Self::to_words(&name, removal, left.as_deref())
        };
        self.lines += 1;
        self.out.write_all(line.as_bytes()).map_err(spooling)
    }

    /// What still withholds some mail afterwards; of a rule or a digest there is no address to ask about.
    fn left(&self, removal: &Removal<'_>) -> Result<Option<Vec<Cause>>> {
        if !Kind::OF_ADDRESSES.contains(&self.kind) {
            return Ok(None);
        }
        let stored = removal.deleted.iter().chain(removal.changed.iter().map(|(was, _)| was));
        let address = stored.chain(removal.held).find_map(|stored| address_of(&stored.record));
        let address = address.map_or(removal.key, str::as_bytes);
        let at = removal.key.iter().rposition(|byte| *byte == b'@');
        let domain = at.and_then(|at| removal.key.get(at + 1..)).unwrap_or_default();
        let outside: Outside = outside(&*self.view, address, domain)?;
        Ok(Some(causes_of_any_send(removal.after, &outside, self.now)))
    }

    fn name(&self, key: &[u8]) -> String {
        match self.kind {
            Kind::Domains => format!("@{}", String::from_utf8_lossy(key)),
            Kind::Digests => {
                DigestValue::from_bytes(key).map(|digest| digest.to_string()).unwrap_or_default()
            }
            _ => String::from_utf8_lossy(key).into_owned(),
        }
    }

    fn to_words(name: &str, removal: &Removal<'_>, left: Option<&[Cause]>) -> String {
        // Words that are true before and after: whether it was done, the last line says.
        let mut words = match left {
            None => format!("{name}: "),
            Some([]) => format!("{name}: becomes reachable; "),
            Some(left) => {
                let causes: Vec<String> = left
                    .iter()
                    .map(|cause| format!("{} ({})", cause.reason, cause.scope))
                    .collect();
                format!("{name}: stays blocked by {}; ", causes.join(", "))
            }
        };
        let mut parts: Vec<String> = Vec::new();
        for stored in removal.deleted {
            parts.push(format!("deletes {}", describe(&stored.record)));
        }
        for (was, now) in removal.changed {
            parts.push(format!("changes {}", change(&was.record, now)));
        }
        for stored in removal.held {
            parts.push(format!("keeps {}", describe(&stored.record)));
        }
        words.push_str(&parts.join("; "));
        words.push('\n');
        words
    }

    /// Prints the lines and then `summary`.
    pub(super) fn print(self, summary: &str) -> Result<()> {
        let mut lines = self.lines()?;
        print(|out| {
            io::copy(&mut lines, out)?;
            writeln!(out, "{summary}")
        })
    }

    /// Prints `summary` with the lines as its `changes`.
    pub(super) fn print_json(self, summary: &Value) -> Result<()> {
        let mut lines = self.lines()?;
        let head = summary.to_string();
        let head = head.strip_suffix('}').unwrap_or(&head);
        print(|out| {
            writeln!(out, "{head},\"changes\":[")?;
            io::copy(&mut lines, out)?;
            writeln!(out, "\n]}}")
        })
    }

    fn lines(self) -> Result<BufReader<File>> {
        let mut file = self.out.into_inner().map_err(|error| spooling(error.into_error()))?;
        file.rewind().map_err(spooling)?;
        Ok(BufReader::new(file))
    }
}

fn to_json(name: &str, removal: &Removal<'_>, left: Option<&[Cause]>) -> Value {
    let records = |stored: &[StoredRecord]| -> Vec<Value> {
        stored.iter().map(StoredRecord::to_json).collect()
    };
    let changed: Vec<Value> = removal
        .changed
        .iter()
        .map(|(was, now)| json!({"was": was.to_json(), "now": now.to_json()}))
        .collect();
    json!({
        "key": name,
        "deleted": records(removal.deleted),
        "changed": changed,
        "held": records(removal.held),
        "reachable": left.map(<[Cause]>::is_empty),
        "still_blocked_by": left.map(|left| left.iter().map(cause_json).collect::<Vec<_>>()),
    })
}

/// A record and what it becomes: of a contact only the flags that change.
fn change(was: &Record, now: &Record) -> String {
    let (Record::Contact(from), Record::Contact(to)) = (was, now) else {
        return format!("{} to {}", describe(was), describe(now));
    };
    let flags = [
        ("bulk email", from.bulk_email, to.bulk_email),
        ("email", from.email_allowed, to.email_allowed),
    ];
    let changed = flags.iter().filter(|(_, from, to)| from != to);
    let changed: Vec<String> = changed
        .map(|(name, from, to)| format!("{name} {} → {}", from.as_str(), to.as_str()))
        .collect();
    format!("contact {} ({}): {}", from.contact_id, from.address, changed.join(", "))
}

fn address_of(record: &Record) -> Option<&str> {
    match record {
        Record::Contact(record) => Some(&record.address),
        Record::Unsubscribe(record) => Some(&record.address),
        Record::Preference(record) => Some(&record.address),
        Record::Suppression(record) => Some(&record.address),
        Record::Domain(_) | Record::Digest(_) => None,
    }
}

fn spooling(error: io::Error) -> Error {
    Error::writing(Path::new("what the sync removes"), error)
}
