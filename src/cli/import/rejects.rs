//! The file of rows that can't be understood, if the user wants one.

use crate::action::import::Looked;
use crate::cli::files;
use crate::error::{Error, Result};
use crate::filter::Output;
use crate::import::{Reject, Rejects};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A rejects file, or none.
#[derive(Default)]
pub(super) struct RejectsFile {
    out: Option<(PathBuf, Rejects<BufWriter<Output>>)>,
    /// Whether rows of several files go into it, so that each must say its own.
    names_files: bool,
}

impl RejectsFile {
    /// Begins the file, for rows of so many files.
    pub(super) fn create(path: Option<&Path>, files: usize) -> Result<Self> {
        let names_files = files > 1;
        let Some(path) = path else { return Ok(Self { out: None, names_files }) };
        let out = BufWriter::new(files::open_output(path)?);
        let rejects = Rejects::new(out).map_err(|error| Error::writing(path, error))?;
        Ok(Self { out: Some((path.to_owned(), rejects)), names_files })
    }

    /// Adds a row of a text.
    pub(super) fn add(&mut self, looked: &Looked, reject: &Reject<'_>) -> Result<()> {
        let Some((path, rejects)) = &mut self.out else { return Ok(()) };
        let name =
            if self.names_files { Some(looked.name.as_str()) } else { looked.member.as_deref() };
        let added = rejects.add(name, reject);
        added.map_err(|error| Error::writing(path, error))
    }

    /// Gives the file its name.
    pub(super) fn publish(self) -> Result<()> {
        let Some((path, rejects)) = self.out else { return Ok(()) };
        let out = rejects.into_inner().into_inner();
        let out = out.map_err(|error| Error::writing(&path, error.into_error()))?;
        out.publish(false).map(|_| ())
    }
}
