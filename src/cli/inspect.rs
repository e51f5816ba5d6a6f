//! `quell inspect`: what a file seems to be, and what to do with it.

mod columnar;
mod content;
mod show;

use super::args::Inspect;
use super::terminal::print_json;
use super::{Context, exit, files};
use crate::error::{Error, Result};
use crate::source::{Archive, Format, START_BYTES, Start, UnpackLimits, unpack};
use content::Content;
use serde::Serialize;
use std::fs::{File, Metadata};
use std::path::Path;

/// What a file seems to be.
#[derive(Debug, Serialize)]
struct Inspected {
    path: String,
    /// Its length on disk; nothing for a pipe.
    bytes: Option<u64>,
    /// `none`, `gzip`, `zstd` or `zip`.
    compression: &'static str,
    /// What is in it: one, or an archive's files.
    contents: Vec<Content>,
}

/// Runs the command. The file is read to its end: what is said of it holds for all of it.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input), with the place, for a file that can't be decoded.
pub fn run(_context: &Context, arguments: &Inspect) -> Result<u8> {
    let inspected = inspect(arguments)?;
    if arguments.json {
        print_json(&inspected)?;
    } else {
        show::print_text(&inspected)?;
    }
    Ok(exit::DONE)
}

fn inspect(arguments: &Inspect) -> Result<Inspected> {
    let path = &arguments.file;
    let name = path.display().to_string();
    let file = files::open_input(path)?;
    let bytes = file.metadata().ok().filter(Metadata::is_file).map(|m| m.len());
    let limits = UnpackLimits::default();
    let start = Start::read(file, START_BYTES).map_err(|error| Error::reading(path, error))?;
    let looks = content::Look { name: &name, file: &name, own_name: &name, arguments };
    let (compression, contents) = match Format::of(start.first_bytes()) {
        Format::Zip => ("zip", members(seekable(start, bytes, path)?, &limits, &looks)?),
        Format::Parquet => {
            ("none", vec![columnar::content(seekable(start, bytes, path)?, &looks)?])
        }
        _ => {
            let input = unpack(start, &name, &limits)?;
            (input.compression().as_str(), vec![content::of_text(input, &looks)?])
        }
    };
    Ok(Inspected { path: name, bytes, compression, contents })
}

/// The file itself, or a nameless copy of what is no file: some formats are read from their end.
fn seekable(mut start: Start<File>, bytes: Option<u64>, path: &Path) -> Result<File> {
    if bytes.is_some() {
        return Ok(start.into_parts().2);
    }
    let spooled = tempfile::tempfile().and_then(|mut file| {
        std::io::copy(&mut start, &mut file)?;
        Ok(file)
    });
    spooled.map_err(|error| Error::reading(path, error))
}

fn members(file: File, limits: &UnpackLimits, looks: &content::Look<'_>) -> Result<Vec<Content>> {
    let mut archive = Archive::open(file, looks.name, limits)?;
    let mut contents = Vec::new();
    for member in archive.members().to_vec() {
        let name = format!("{}: {}", looks.name, member.name);
        let look = content::Look { name: &name, own_name: &member.name, ..*looks };
        let (format, start) = archive.look(&member)?;
        let mut content = match format {
            Format::Plain => content::of_text(start, &look)?,
            _ => Content { format: "other", note: Some(format.what()), ..Content::default() },
        };
        content.member = Some(member.name.clone());
        contents.push(content);
    }
    Ok(contents)
}
