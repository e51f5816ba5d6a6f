//! The file of rows that can't be understood, if the user wants one.

use super::package::Looked;
use crate::cli::files;
use crate::error::{Error, Result};
use crate::filter::Output;
use crate::import::{Reject, Rejects};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A rejects file, or none.
#[derive(Default)]
pub(super) struct RejectsFile(Option<(PathBuf, Rejects<BufWriter<Output>>)>);

impl RejectsFile {
    /// Begins the file.
    pub(super) fn create(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self(None)) };
        let out = BufWriter::new(files::open_output(path)?);
        let rejects = Rejects::new(out).map_err(|error| Error::writing(path, error))?;
        Ok(Self(Some((path.to_owned(), rejects))))
    }

    /// Adds a row of a text.
    pub(super) fn add(&mut self, looked: &Looked, reject: &Reject<'_>) -> Result<()> {
        let Some((path, rejects)) = &mut self.0 else { return Ok(()) };
        let added = rejects.add(looked.member.as_deref(), reject);
        added.map_err(|error| Error::writing(path, error))
    }

    /// Gives the file its name.
    pub(super) fn publish(self) -> Result<()> {
        let Some((path, rejects)) = self.0 else { return Ok(()) };
        let out = rejects.into_inner().into_inner();
        let out = out.map_err(|error| Error::writing(&path, error.into_error()))?;
        out.publish(false).map(|_| ())
    }
}
