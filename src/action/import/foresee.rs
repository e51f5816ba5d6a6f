//! What a file would come to, and how it is understood, without applying anything.

use super::package::{Looked, Package};
use super::{Said, TakeReject, read_form, too_many_rejects};
use crate::error::{Error, Result};
use crate::import::detect::{Candidate, Form, understood};
use crate::import::{Described, Gather, Keyed, Taken};
use crate::record::NativeRow;
use crate::source::Encoding;
use serde_json::{Value, json};

/// Rows, and rejects, that are shown of each text.
const SHOWN: usize = 5;

/// What the texts of a package would come to.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// The file's name as it was given.
    pub name: String,
    /// What it is read as, and why.
    pub candidate: Candidate,
    /// `none`, `gzip`, `zstd` or `zip`.
    pub compression: &'static str,
    /// Rows read.
    pub read: u64,
    /// Rows that can't be understood.
    pub rejected: u64,
    /// Where and why the first of them is.
    pub first_reject: Option<String>,
    /// Records that would be applied, had it no rejects.
    pub records: u64,
    /// Its texts, in their order.
    pub texts: Vec<Text>,
}

/// A text as it was understood.
#[derive(Debug, Clone)]
pub struct Text {
    /// The file's name in its archive.
    pub member: Option<String>,
    /// How its bytes are letters.
    pub encoding: Encoding,
    /// How it is laid out.
    pub layout: Layout,
    /// What it is read by: a field, and the column that is it, if one is.
    pub columns: Vec<(&'static str, Option<String>)>,
    /// Its first rows, each as the records it says.
    pub rows: Vec<Vec<String>>,
    /// The first rows that can't be understood: line and cause.
    pub rejects: Vec<(u64, String)>,
}

/// How a text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// It is JSON.
    pub is_json: bool,
    /// It is one JSON object a line.
    pub is_json_lines: bool,
    /// It begins with the names of its columns.
    pub has_header: bool,
    /// What separates its cells, if it is no JSON.
    pub delimiter: Option<char>,
}

/// Reads everything and applies nothing. `progress` is told of bytes that were read.
///
/// # Errors
///
/// Input for a file that can't be read; what `reject` says.
pub fn foresee(
    package: &mut Package<'_>,
    candidate: Candidate,
    said: Said<'_>,
    reject: TakeReject<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Foreseen> {
    let mut foreseen = Foreseen {
        name: package.name.clone(),
        candidate,
        compression: package.compression,
        read: 0,
        rejected: 0,
        first_reject: None,
        records: 0,
        texts: Vec::new(),
    };
    package.read(&mut |looked, input| {
        let mut text = Text::of(looked, candidate.form);
        let (mut records, mut rejected) = (0, 0);
        let take = |taken: Taken<'_, Shown>| {
            match taken {
                Taken::Records(shown) => {
                    records += shown.records;
                    let room = SHOWN.saturating_sub(text.rows.len());
                    text.rows.extend(shown.rows.into_iter().take(room));
                }
                Taken::Reject(row) => {
                    rejected += 1;
                    if text.rejects.len() < SHOWN {
                        text.rejects.push((row.line, row.cause.to_string()));
                    }
                    reject(looked, &row)?;
                }
            }
            Ok(())
        };
        foreseen.read +=
            read_form(candidate.form, looked, input, said, Shown::default, take, progress)?;
        foreseen.records += records;
        foreseen.rejected += rejected;
        if let (None, Some((line, cause))) = (&foreseen.first_reject, text.rejects.first()) {
            foreseen.first_reject = Some(format!("line {line}: {cause}"));
        }
        foreseen.texts.push(text);
        Ok(())
    })?;
    Ok(foreseen)
}

impl Foreseen {
    /// The error an import would end with, where so many rows that can't be understood are allowed.
    #[must_use]
    pub fn refusal(&self, allowed: u64) -> Option<Error> {
        (self.rejected > allowed).then(|| {
            let first = self.first_reject.as_deref().unwrap_or_default();
            too_many_rejects(&self.name, (self.rejected, self.read, allowed), first)
        })
    }

    /// The whole as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { candidate, .. } = self;
        let files: Vec<Value> = self.texts.iter().map(Text::to_json).collect();
        json!({
            "dry_run": true,
            "name": self.name,
            "kind": candidate.form.kind().as_str(),
            "format": candidate.form.name(),
            "why": candidate.why,
            "compression": self.compression,
            "files": files,
            "read": self.read,
            "records": self.records,
            "rejected": self.rejected,
        })
    }
}

impl Text {
    fn of(looked: &Looked, form: Form) -> Self {
        let Looked { seen, member, encoding, delimiter, .. } = looked;
        Self {
            member: member.clone(),
            encoding: *encoding,
            layout: Layout {
                is_json: seen.is_json(),
                is_json_lines: seen.is_json_lines(),
                has_header: seen.has_header(),
                delimiter: *delimiter,
            },
            columns: understood(form, seen),
            rows: Vec::new(),
            rejects: Vec::new(),
        }
    }

    fn to_json(&self) -> Value {
        let rejects: Vec<Value> = self
            .rejects
            .iter()
            .map(|(line, cause)| json!({"line": line, "cause": cause}))
            .collect();
        let columns: Vec<Value> = self
            .columns
            .iter()
            .map(|(field, column)| json!({"field": field, "column": column}))
            .collect();
        json!({
            "member": self.member,
            "encoding": self.encoding.as_str(),
            "delimiter": self.layout.delimiter.map(String::from),
            "json": self.layout.is_json,
            "header": self.layout.has_header,
            "columns": columns,
            "rows": self.rows,
            "rejects": rejects,
        })
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.delimiter {
            None if self.is_json_lines => f.write_str("JSON lines"),
            None => f.write_str("JSON"),
            Some(delimiter) => {
                let header = if self.has_header { "a header" } else { "no header" };
                write!(f, "delimiter `{}`, {header}", delimiter.escape_debug())
            }
        }
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
