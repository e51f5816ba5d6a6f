//! What the command line says the files are.

use crate::action::import::{Choice, named};
use crate::cli::args::Import;
use crate::cli::input;
use crate::error::{Error, Result};
use crate::record::Kind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the files are to be read as, and the files.
pub(super) fn choice(arguments: &Import) -> Result<(Choice, &[PathBuf])> {
    let (kind, files) = match arguments.files.split_first() {
        Some((word, rest)) if is_kind(word, rest) => {
            (Some(input::word(&word.to_string_lossy())?), rest)
        }
        _ => (None, arguments.files.as_slice()),
    };
    if files.is_empty() {
        return Err(Error::usage("no file to import").with_hint("name it after the KIND"));
    }
    let choice = match (kind, arguments.format.as_deref().map(str::trim)) {
        (Some(kind), None) => Choice::Kind(kind),
        (Some(kind), Some(format)) if format.eq_ignore_ascii_case("native") => Choice::Kind(kind),
        (Some(kind), Some(_)) => {
            return Err(Error::usage(format!("{kind} are native files, --format is a vendor's"))
                .with_hint("give one of them"));
        }
        (None, None) => Choice::Detect,
        (None, Some(format)) if format.eq_ignore_ascii_case("native") => Choice::Native,
        (None, Some(format)) => Choice::Vendor(named(format)?),
    };
    if arguments.list.is_some() && matches!(choice, Choice::Kind(_) | Choice::Native) {
        return Err(Error::usage("a native file names its lists itself")
            .with_hint("leave --list out, or give the file a column `list`"));
    }
    Ok((choice, files))
}

/// Whether the first argument is a KIND. A word that is none, and no file either, is a mistaken one when
/// files follow it.
fn is_kind(word: &Path, rest: &[PathBuf]) -> bool {
    let text = word.to_string_lossy();
    if Kind::from_str(&text).is_ok() {
        return true;
    }
    let is_word = text.bytes().all(|byte| byte.is_ascii_lowercase());
    is_word && !rest.is_empty() && !word.exists()
}
