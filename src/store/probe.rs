//! Whether a hashed list was made from addresses as they were written, instead of in lower case.

use super::open::Store;
use crate::address::digest::Forms;
use crate::error::Result;
use crate::ledger::{Ledger, View};
use crate::record::{Algorithm, DigestValue};

/// How many records of each kind are looked through for addresses with capitals: about a second.
const RECORDS_MAX: u64 = 500_000;
/// How many addresses with capitals are looked for in the list.
const ADDRESSES_MAX: usize = 20_000;

/// What a probe of known addresses found in the digests of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DigestProbe {
    /// Addresses known in a spelling with capitals, each spelling once.
    pub probed: u64,
    /// Those whose digest is in the list as they are written, and not in lower case.
    pub only_as_written: u64,
    /// Those whose digest in lower case is in the list.
    pub in_lower_case: u64,
}

impl Store {
    /// Looks for known addresses with capitals among the digests that the import of `generation` added: up
    /// to 20,000 of the first 500,000 records of each kind.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn probe_digests(&self, generation: u64) -> Result<DigestProbe> {
        let view = self.ledger.view()?;
        let mut probe = DigestProbe::default();
        let imports = view.imports()?;
        let import = imports.iter().rev().find(|import| import.counts.generation == generation);
        let Some(import) = import.map(|import| import.id) else { return Ok(probe) };
        let mut algorithms = Vec::new();
        for algorithm in Algorithm::ALL {
            if view.has_digests(algorithm)? {
                algorithms.push(algorithm);
            }
        }
        for spelling in view.spellings(RECORDS_MAX, ADDRESSES_MAX)? {
            let forms = Forms::of(spelling.as_bytes());
            let (Some(lower), Some(written)) = (forms.lower_case(), forms.case_kept()) else {
                continue;
            };
            if lower == written {
                continue;
            }
            probe.probed += 1;
            let holds = |form: &str| -> Result<bool> {
                for algorithm in &algorithms {
                    if is_of(&*view, &algorithm.digest(form.as_bytes()), import)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            if holds(lower)? {
                probe.in_lower_case += 1;
            } else if holds(written)? {
                probe.only_as_written += 1;
            }
        }
        Ok(probe)
    }
}

/// Says whether the ledger has a digest from this import.
fn is_of(view: &dyn View, digest: &DigestValue, import: u64) -> Result<bool> {
    Ok(view.digests_of(digest)?.iter().any(|stored| stored.import == Some(import)))
}
