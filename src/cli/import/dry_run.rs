//! `import --dry-run`: what a file would come to, told to a person.

use crate::action::import::{Foreseen, Text};
use crate::address::Policy;
use crate::cli::terminal::print;
use crate::error::Result;
use crate::import::detect::Form;
use std::path::Path;

/// Prints the whole for a person.
pub(super) fn print_foreseen(foreseen: &Foreseen) -> Result<()> {
    let Foreseen { name, candidate, compression, read, records, rejected, .. } = foreseen;
    let what = match candidate.form {
        Form::Native(kind) => format!("native {kind}"),
        Form::Vendor(format) => format!("{} ({})", format.name, format.what),
    };
    let words: String = foreseen.texts.iter().map(|text| to_words(text, compression)).collect();
    print(|out| {
        writeln!(out, "`{name}`: {what}, by {}", candidate.why)?;
        out.write_all(words.as_bytes())?;
        writeln!(
            out,
            "dry run: read {read}, records {records}, rejected {rejected}; nothing was applied"
        )
    })
}

fn to_words(text: &Text, compression: &str) -> String {
    let Text { member, encoding, layout, columns, rows, rejects } = text;
    let mut words = String::new();
    if let Some(member) = member {
        words.push_str(&format!("  file `{member}`\n"));
    }
    words.push_str(&format!("  {encoding}, compression {compression}, {layout}\n"));
    for (field, column) in columns {
        if let Some(column) = column {
            words.push_str(&format!("  column `{column}` is read as {field}\n"));
        }
    }
    for row in rows {
        let row = if row.is_empty() { "nothing".to_owned() } else { row.join("; ") };
        words.push_str(&format!("  row: {row}\n"));
    }
    for (line, cause) in rejects {
        words.push_str(&format!("  reject: line {line}: {cause}\n"));
    }
    words
}

/// The policy of the store, or that of a new one when there is none to ask.
pub(super) fn policy(store: &Path) -> Result<Policy> {
    if store.exists() {
        crate::store::Store::open(store).map(|store| store.policy())
    } else {
        Ok(Policy::EXACT)
    }
}
