//! A Parquet input: a file that can be read from any place.

use super::input::Input;
use super::results::Results;
use crate::error::{Error, Result};
use crate::filter::{Filter, Summary, panics_are_errors, spool};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::panic;
use std::path::Path;

/// A second handle of `source`, if it is a file that can be read from any place and begins where it is now.
pub(super) fn seekable(source: &File) -> Option<File> {
    let is_file = source.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut second = source.try_clone().ok().filter(|_| is_file)?;
    (second.stream_position().ok()? == 0).then_some(second)
}

/// Filters a Parquet input: in its place when it is a plain file, else from a temporary copy.
///
/// # Errors
///
/// As [`spool`] and [`Filter::run_parquet`]; [`ErrorKind::Input`](crate::ErrorKind::Input) for a file that is
/// written to while its digest and its rows are read.
pub(super) fn run(
    filter: &Filter<'_>,
    input: &mut Input,
    seekable: Option<File>,
    results: &mut Results,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Summary> {
    let name = &filter.options.input_name;
    let failed = |error| Error::reading(Path::new(name), error);
    let mut watched = None;
    let file = match seekable.filter(|_| input.plain_bytes().is_some()) {
        Some(mut file) => {
            // A digest is of all bytes in their order, so they are read twice. Both handles share one position.
            if results.are_told() {
                let second = file.try_clone().map_err(failed)?;
                watched = Some((version(&second).map_err(failed)?, second));
                io::copy(input, &mut io::sink()).map_err(failed)?;
            }
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            file
        }
        None => spool(input, name)?,
    };
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |told| {
        if !panics_are_errors() {
            before(told);
        }
    }));
    let (kept, withheld) = results.writers();
    let summary = filter.run_parquet(file, kept, withheld, progress)?;
    match watched {
        Some((before, file)) if version(&file).map_err(failed)? != before => {
            Err(Error::input(format!("`{name}` was changed while it was read"))
                .with_hint("filter it when nothing writes to it"))
        }
        _ => Ok(summary),
    }
}

/// What changes when somebody writes to a file: its length, and when it was written to.
fn version(file: &File) -> io::Result<(u64, i64, i64)> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}
