//! An address that must be withheld: judged as a row of the run would be, before the run.

use super::columns::Columns;
use super::judge::{Judge, Judged, RowCells};
use super::message::fault_error;
use super::run::Filter;
use crate::address::{KeyBuffer, redact};
use crate::delimited::{Cell, ChunkBuffer, Record};
use crate::error::{Error, Result};
use crate::record::ReasonSet;

impl Filter<'_> {
    /// What withholds a row that holds `address` and nothing else: none if it would be kept. Class, lists
    /// and instant are those of the options, and the judge is the run's own.
    ///
    /// ```
    /// use quell::filter::{Filter, Options, SuppressFiles};
    /// use quell::{address::Policy, index::SecretKey, record::Reason};
    ///
    /// let file = tempfile::NamedTempFile::new()?;
    /// std::fs::write(&file, "canary@example.com\n")?;
    /// let mut files = SuppressFiles::new(&SecretKey::generate()?, Policy::EXACT);
    /// files.add(file.path())?;
    /// let (snapshot, hasher) = files.finish()?;
    /// let (snapshot, hasher, options) = (&snapshot, &hasher, &Options::default());
    /// let filter = Filter { snapshot, hasher, policy: Policy::EXACT, options };
    /// assert_eq!(filter.reasons("Canary@Example.com")?.first(), Some(Reason::Manual));
    /// assert!(filter.reasons("ann@example.com")?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a text that is no address, or several.
    pub fn reasons(&self, address: &str) -> Result<ReasonSet> {
        if let Err(fault) = self.policy.key(address.as_bytes(), &mut KeyBuffer::default()) {
            return Err(Error::usage(format!("`{}` is no address: {fault}", redact(address))));
        }
        let columns = Columns { emails: vec![0], contact: None, list: None };
        let judge = Judge::new(self, &columns, false);
        let text = address.as_bytes();
        let record = Record { start: 0, content_end: text.len(), end: text.len() };
        let cells = [Cell { start: 0, end: text.len(), quoted: false }];
        let cells = RowCells { emails: &cells, contact: None, list: None };
        let mut judged = Judged::new();
        judge
            .add_row(text, record, cells, &mut judged)
            .map_err(|fault| fault_error(self.options, &fault, &ChunkBuffer::default(), 0))?;
        judge.look_up(text, &mut judged);
        let row = judged.rows.first();
        // Not reached: a row that was added is there.
        row.map(|row| row.reasons).ok_or_else(|| Error::untrusted("the filter lost a row"))
    }
}
