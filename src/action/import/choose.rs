//! What the files of a package are read as.

use super::package::Looked;
use crate::error::{Error, Result};
use crate::import::detect::{Candidate, Form, detect};
use crate::import::vendor::{self, FORMATS, Format};
use crate::record::Kind;

/// What somebody says the files are.
#[derive(Debug, Clone, Copy)]
pub enum Choice {
    /// Nothing: the files say it themselves.
    Detect,
    /// Native files, of whichever kind.
    Native,
    /// Native files of one kind.
    Kind(Kind),
    /// A vendor's.
    Vendor(&'static Format),
}

/// A vendor's format by its name.
///
/// # Errors
///
/// Usage for a name that is none, naming those there are.
pub fn named(name: &str) -> Result<&'static Format> {
    Format::of_name(name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        Error::usage(format!("unknown format `{name}`"))
            .with_hint(format!("the formats are native, {}", names.join(", ")))
    })
}

/// What the texts of the package `name` are: all the same. `told` is who says so when `choice` does, for a person to
/// read.
///
/// # Errors
///
/// Input when that is not known, or may be several things.
pub fn decide(
    choice: Choice,
    texts: &[&Looked],
    name: &str,
    told: &'static str,
) -> Result<Candidate> {
    match candidates(choice, texts, name, told)?.as_slice() {
        [one] => Ok(*one),
        several => Err(ambiguous(several, name)),
    }
}

/// What the texts of the package `name` may be, one thing at least; as [`decide`] otherwise.
///
/// # Errors
///
/// Input when nothing is known of a text, or they are not all the same.
pub fn candidates(
    choice: Choice,
    texts: &[&Looked],
    name: &str,
    told: &'static str,
) -> Result<Vec<Candidate>> {
    match choice {
        Choice::Kind(kind) => return Ok(vec![Candidate { form: Form::Native(kind), why: told }]),
        Choice::Vendor(format) => {
            return Ok(vec![Candidate { form: Form::Vendor(format), why: told }]);
        }
        Choice::Detect | Choice::Native => {}
    }
    let seen: Vec<_> = texts.iter().map(|looked| &looked.seen).collect();
    if let (Choice::Detect, Some((format, why))) = (choice, vendor::of_archive(&seen)) {
        return Ok(vec![Candidate { form: Form::Vendor(format), why }]);
    }
    let mut common: Option<Vec<Candidate>> = None;
    for looked in texts {
        let mut found = detect(&looked.seen);
        if matches!(choice, Choice::Native) {
            found.retain(|candidate| matches!(candidate.form, Form::Native(_)));
        }
        if found.is_empty() {
            return Err(unknown(looked));
        }
        common = Some(match common {
            None => found,
            Some(mut before) => {
                before.retain(|one| found.iter().any(|other| is_same(one.form, other.form)));
                before
            }
        });
    }
    match common.unwrap_or_default() {
        common if common.is_empty() => Err(mixed(texts, name)),
        common => Ok(common),
    }
}

fn is_same(one: Form, other: Form) -> bool {
    (one.name(), one.kind()) == (other.name(), other.kind())
}

/// The option that says what a file is.
fn option(form: Form) -> String {
    match form {
        Form::Native(kind) => format!("`quell import {kind} FILE`"),
        Form::Vendor(format) => format!("`--format {}` ({})", format.name, format.what),
    }
}

fn ambiguous(candidates: &[Candidate], name: &str) -> Error {
    let options: Vec<String> = candidates.iter().map(|one| option(one.form)).collect();
    Error::input(format!("`{name}` may be {}", options.join(" or ")))
        .with_hint("say which it is; nothing was applied")
}

fn mixed(texts: &[&Looked], name: &str) -> Error {
    let of = |looked: &&Looked| {
        let names: Vec<&str> =
            detect(&looked.seen).iter().map(|candidate| candidate.form.name()).collect();
        format!("`{}` {}", looked.member.as_deref().unwrap_or_default(), names.join(" or "))
    };
    let files: Vec<String> = texts.iter().map(of).collect();
    Error::input(format!("`{name}` holds files of several formats: {}", files.join(", ")))
        .with_hint("extract it, and import them one by one; nothing was applied")
}

/// A file of which nothing is known: its columns, and what would make it known.
fn unknown(looked: &Looked) -> Error {
    const SHOWN: usize = 20;
    let seen = &looked.seen;
    let mut names: Vec<String> =
        seen.names().iter().take(SHOWN).map(|name| format!("`{}`", name.escape_debug())).collect();
    if seen.names().len() > SHOWN {
        names.push(format!("{} more", seen.names().len() - SHOWN));
    }
    let found = if names.is_empty() && seen.rows().is_empty() {
        "it is empty".to_owned()
    } else if names.is_empty() {
        "it begins with a row, not with a header".to_owned()
    } else {
        format!("its columns are {}", names.join(", "))
    };
    Error::input(format!("`{}` is no file that is recognised: {found}", looked.name)).with_hint(
        "name its kind (`quell import unsubscribes FILE`) or its vendor (`--format NAME`), or give \
         it the columns of a native import: `email`, and `reason` for suppressions, or `list` and \
         `preference` for preferences",
    )
}
