//! `quell export --hashed`: digests of the addresses that nothing may be sent to, as partners take them.

use super::Context;
use super::terminal::print;
use crate::address::bare;
use crate::delimited::Dialect;
use crate::error::{Error, Result};
use crate::ledger::{Record, Spool, View};
use crate::record::{Algorithm, Choice, Class, DigestValue, Kind, RecordClass, Timestamp};
use std::io::{self, Write};

/// How digests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One a line, of addresses that something withholds everywhere from bulk mail.
    Alone,
    /// With list and class, in the columns `import digests` reads.
    Csv,
}

/// Records that a list of digests has no room for.
#[derive(Debug, Default)]
struct LeftOut {
    of_lists: u64,
    of_transactional_mail: u64,
    expired: u64,
    rules_and_digests: u64,
}

/// What a record withholds: the list, '' for everywhere, and the class.
type Withheld<'r> = (&'r str, RecordClass);

/// Writes the digests, sorted and each once, of the records of `kinds`; says on standard error what was left out.
///
/// Cost: one pass over the records and a sort. Memory: 64 MiB.
///
/// # Errors
///
/// As the ledger says; and when standard output can't be written.
pub(super) fn run(
    context: &Context,
    view: &dyn View,
    kinds: &[Kind],
    (algorithm, form): (Algorithm, Form),
    now: Timestamp,
) -> Result<()> {
    let mut spool = Spool::new(context.store.clone());
    let mut left_out = LeftOut::default();
    for kind in kinds {
        gather(view, *kind, (algorithm, form), now, &mut spool, &mut left_out)?;
    }
    if kinds.len() > 1 {
        let counts = view.counts()?;
        left_out.rules_and_digests = counts.domains + counts.digests;
    }
    let mut failed = None;
    print(|out| {
        let mut io_error = None;
        match write(spool, (algorithm, form), out, &mut io_error) {
            Ok(()) => Ok(()),
            Err(error) => match io_error {
                Some(io_error) => Err(io_error),
                None => {
                    failed = Some(error);
                    Ok(())
                }
            },
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some(words) = left_out.words() {
        context.terminal.note(&words);
    }
    Ok(())
}

/// Spools the digest of every record of `kind` that withholds.
fn gather(
    view: &dyn View,
    kind: Kind,
    (algorithm, form): (Algorithm, Form),
    now: Timestamp,
    spool: &mut Spool,
    left_out: &mut LeftOut,
) -> Result<()> {
    let mut sort = Vec::new();
    view.export(kind, &mut |key, stored| {
        let Some(address) = address_of(&stored.record) else { return Ok(()) };
        for (list, class) in withheld(&stored.record, now, left_out) {
            if form == Form::Alone && !list.is_empty() {
                left_out.of_lists += 1;
                continue;
            }
            if form == Form::Alone && !class.covers(Class::Bulk) {
                left_out.of_transactional_mail += 1;
                continue;
            }
            let lower_case = bare(address.as_bytes()).map(str::to_lowercase);
            // Every recorded address has a key, and it is a spelling of the address too.
            let text = lower_case.as_deref().map_or(key, str::as_bytes);
            sort.clear();
            sort.extend_from_slice(algorithm.digest(text).as_bytes());
            sort.extend_from_slice(list.as_bytes());
            spool.push(&sort, &[code_of(class)])?;
        }
        Ok(())
    })
}

/// What a record withholds now; each flag of a contact by itself.
fn withheld<'r>(record: &'r Record, now: Timestamp, left_out: &mut LeftOut) -> Vec<Withheld<'r>> {
    let everywhere = |class| vec![("", class)];
    match record {
        Record::Contact(contact) => contact.causes().map(|cause| ("", cause.class)).collect(),
        Record::Unsubscribe(record) => {
            vec![(record.list.as_deref().unwrap_or_default(), record.class)]
        }
        Record::Preference(record) if record.choice == Choice::Out => {
            vec![(record.list.as_str(), RecordClass::Bulk)]
        }
        Record::Suppression(record) if record.expires_at.is_some_and(|at| at <= now) => {
            left_out.expired += 1;
            Vec::new()
        }
        Record::Suppression(record) => everywhere(record.class),
        Record::Preference(_) | Record::Domain(_) | Record::Digest(_) => Vec::new(),
    }
}

fn address_of(record: &Record) -> Option<&str> {
    match record {
        Record::Contact(contact) => Some(&contact.address),
        Record::Unsubscribe(record) => Some(&record.address),
        Record::Preference(record) => Some(&record.address),
        Record::Suppression(record) => Some(&record.address),
        Record::Domain(_) | Record::Digest(_) => None,
    }
}

/// Writes what was spooled, in order; what several records say of one digest and list is one line.
fn write(
    spool: Spool,
    (algorithm, form): (Algorithm, Form),
    out: &mut dyn Write,
    io_error: &mut Option<io::Error>,
) -> Result<()> {
    let mut line = |text: &[u8]| {
        out.write_all(text).map_err(|error| {
            *io_error = Some(error);
            Error::untrusted("the export was not written whole")
        })
    };
    if form == Form::Csv {
        line(b"digest,algorithm,list,class\n")?;
    }
    let mut last: Option<(Vec<u8>, RecordClass)> = None;
    spool.for_each(|sort, payload| {
        let class = class_of(payload)?;
        match &mut last {
            Some((before, both)) if before == sort => *both = both.union(class),
            last => {
                if let Some((done, class)) = last.replace((sort.to_vec(), class)) {
                    line(&words(&done, class, algorithm, form))?;
                }
            }
        }
        Ok(())
    })?;
    last.map_or(Ok(()), |(done, class)| line(&words(&done, class, algorithm, form)))
}

/// The line of a digest and, behind it, a list.
fn words(sorted: &[u8], class: RecordClass, algorithm: Algorithm, form: Form) -> Vec<u8> {
    let (digest, list) = sorted.split_at_checked(algorithm.bytes()).unwrap_or((sorted, b""));
    let digest = DigestValue::from_bytes(digest).map_or_else(String::new, |hex| hex.to_string());
    let mut line = digest.into_bytes();
    if form == Form::Csv {
        line.extend_from_slice(format!(",{algorithm},").as_bytes());
        Dialect::CSV.write_cell(list, &mut line);
        line.extend_from_slice(format!(",{class}").as_bytes());
    }
    line.push(b'\n');
    line
}

/// The classes in the order of their spooled codes.
const CLASSES: [RecordClass; 3] = [RecordClass::Bulk, RecordClass::Transactional, RecordClass::All];

fn code_of(class: RecordClass) -> u8 {
    CLASSES.iter().zip(0..).find(|(known, _)| **known == class).map_or(0, |(_, code)| code)
}

fn class_of(payload: &[u8]) -> Result<RecordClass> {
    payload
        .first()
        .and_then(|code| CLASSES.get(usize::from(*code)).copied())
        .ok_or_else(|| Error::untrusted("a spooled row without its class"))
}

impl LeftOut {
    /// What was left out, in words; none when nothing was.
    fn words(&self) -> Option<String> {
        let parts: Vec<String> = [
            (self.of_lists, "opt-outs of single lists (--format csv has them)"),
            (self.of_transactional_mail, "records of transactional mail alone"),
            (self.expired, "expired records"),
            (self.rules_and_digests, "domain rules and digests, which are of no address"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        (!parts.is_empty()).then(|| format!("left out: {}", parts.join(", ")))
    }
}
