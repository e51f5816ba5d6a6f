//! `import --dry-run`: what a file would come to, and how it is understood.

use super::package::{Looked, Package};
use super::rejects::RejectsFile;
use super::{Said, read_form};
use crate::address::Policy;
use crate::cli::terminal::print;
use crate::error::{Error, Result};
use crate::import::detect::{Candidate, Form, understood};
use crate::import::{Described, Gather, Keyed, Taken};
use crate::record::NativeRow;
use serde_json::{Value, json};
use std::path::Path;

/// Rows, and rejects, that are shown of each text.
const SHOWN: usize = 5;

/// What the texts of a package would come to.
pub(super) struct Foreseen {
    pub(super) read: u64,
    pub(super) rejected: u64,
    pub(super) first_reject: Option<String>,
    /// What would be applied, had it no rejects.
    records: u64,
    files: Vec<Value>,
    words: String,
}

/// Reads everything and applies nothing.
pub(super) fn foresee(
    package: &mut Package<'_>,
    candidate: Candidate,
    said: Said<'_>,
    rejected_rows: &mut RejectsFile,
) -> Result<Foreseen> {
    let mut foreseen = Foreseen {
        read: 0,
        rejected: 0,
        first_reject: None,
        records: 0,
        files: Vec::new(),
        words: String::new(),
    };
    let compression = package.compression;
    package.read(&mut |looked, input| {
        let (mut rows, mut rejects, mut records, mut rejected) = (Vec::new(), Vec::new(), 0, 0);
        let take = |taken: Taken<'_, Shown>| {
            match taken {
                Taken::Records(shown) => {
                    records += shown.records;
                    let room = SHOWN.saturating_sub(rows.len());
                    rows.extend(shown.rows.into_iter().take(room));
                }
                Taken::Reject(reject) => {
                    rejected += 1;
                    if rejects.len() < SHOWN {
                        rejects.push((reject.line, reject.cause.to_string()));
                    }
                    rejected_rows.add(looked, &reject)?;
                }
            }
            Ok(())
        };
        let read = read_form(candidate.form, looked, input, said, Shown::default, take, &|_| ())?;
        foreseen.read += read;
        foreseen.records += records;
        foreseen.rejected += rejected;
        if let (None, Some((line, cause))) = (&foreseen.first_reject, rejects.first()) {
            foreseen.first_reject = Some(format!("line {line}: {cause}"));
        }
        let text = Text { looked, form: candidate.form, rows: &rows, rejects: &rejects };
        foreseen.files.push(text.to_json());
        foreseen.words.push_str(&text.to_words(compression));
        Ok(())
    })?;
    Ok(foreseen)
}

impl Foreseen {
    /// The whole as JSON.
    pub(super) fn to_json(&self, package: &str, compression: &str, candidate: Candidate) -> Value {
        json!({
            "dry_run": true,
            "name": package,
            "kind": candidate.form.kind().as_str(),
            "format": candidate.form.name(),
            "why": candidate.why,
            "compression": compression,
            "files": self.files,
            "read": self.read,
            "records": self.records,
            "rejected": self.rejected,
        })
    }

    /// Prints the whole for a person.
    pub(super) fn print(&self, package: &str, candidate: Candidate) -> Result<()> {
        let what = match candidate.form {
            Form::Native(kind) => format!("native {kind}"),
            Form::Vendor(format) => format!("{} ({})", format.name, format.what),
        };
        let Self { words, read, records, rejected, .. } = self;
        print(|out| {
            writeln!(out, "`{package}`: {what}, by {}", candidate.why)?;
            out.write_all(words.as_bytes())?;
            writeln!(
                out,
                "dry run: read {read}, records {records}, rejected {rejected}; nothing was applied"
            )
        })
    }
}

/// A text as it was understood.
struct Text<'t> {
    looked: &'t Looked,
    form: Form,
    rows: &'t [Vec<String>],
    rejects: &'t [(u64, String)],
}

impl Text<'_> {
    /// How the text is laid out: `JSON lines`, or what separates its cells.
    fn layout(&self) -> String {
        let Looked { seen, delimiter, .. } = self.looked;
        match delimiter {
            None if seen.is_json_lines() => "JSON lines".to_owned(),
            None => "JSON".to_owned(),
            Some(delimiter) => {
                let header = if seen.has_header() { "a header" } else { "no header" };
                format!("delimiter `{}`, {header}", delimiter.escape_debug())
            }
        }
    }

    fn to_json(&self) -> Value {
        let Looked { seen, member, encoding, delimiter, .. } = self.looked;
        let rejects: Vec<Value> = self
            .rejects
            .iter()
            .map(|(line, cause)| json!({"line": line, "cause": cause}))
            .collect();
        let columns: Vec<Value> = understood(self.form, seen)
            .into_iter()
            .map(|(field, column)| json!({"field": field, "column": column}))
            .collect();
        json!({
            "member": member,
            "encoding": encoding.as_str(),
            "delimiter": delimiter.map(String::from),
            "json": seen.is_json(),
            "header": seen.has_header(),
            "columns": columns,
            "rows": self.rows,
            "rejects": rejects,
        })
    }

    fn to_words(&self, compression: &str) -> String {
        let mut words = String::new();
        let Looked { seen, member, encoding, .. } = self.looked;
        if let Some(member) = member {
            words.push_str(&format!("  file `{member}`\n"));
        }
        words.push_str(&format!("  {encoding}, compression {compression}, {}\n", self.layout()));
        for (field, column) in understood(self.form, seen) {
            if let Some(column) = column {
                words.push_str(&format!("  column `{column}` is read as {field}\n"));
            }
        }
        for row in self.rows {
            let row = if row.is_empty() { "nothing".to_owned() } else { row.join("; ") };
            words.push_str(&format!("  row: {row}\n"));
        }
        for (line, cause) in self.rejects {
            words.push_str(&format!("  reject: line {line}: {cause}\n"));
        }
        words
    }
}

/// Shows the first rows of a part and counts the others.
#[derive(Default)]
struct Shown {
    rows: Vec<Vec<String>>,
    records: u64,
}

impl Gather for Shown {
    fn add(&mut self, _: &[u8], row: &NativeRow<'_>) -> Result<()> {
        self.records += 1;
        if self.rows.len() < SHOWN {
            self.rows.push(vec![Described(row).to_string()]);
        }
        Ok(())
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        self.records += rows.len() as u64;
        if self.rows.len() < SHOWN {
            self.rows.push(rows.iter().map(|(_, row)| Described(row).to_string()).collect());
        }
        Ok(())
    }
}

/// The policy of the store, or that of a new one when there is none to ask.
pub(super) fn policy(store: &Path) -> Result<Policy> {
    if store.exists() {
        crate::store::Store::open(store).map(|store| store.policy())
    } else {
        Ok(Policy::EXACT)
    }
}

/// The error an import would end with.
pub(super) fn would_refuse(foreseen: &Foreseen, name: &str, allowed: u64) -> Option<Error> {
    (foreseen.rejected > allowed).then(|| {
        super::too_many_rejects(
            name,
            (foreseen.rejected, foreseen.read, allowed),
            foreseen.first_reject.as_deref().unwrap_or_default(),
        )
    })
}
