//! Everything `open` leaves out: every checksum again, and whether the sections agree.

use super::Segment;
use super::format::{BUCKET_LEN, Kind, SLOTS, Slots};
use super::{dictionary, fault, sections};
use crate::error::Result;

impl Segment {
    /// Verifies everything: the checksum of every section, the dictionary's own, and that header,
    /// table, full hashes, instants and dictionary agree with each other.
    ///
    /// Cost: reads the whole file, and looks every full hash up.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Untrusted`] with the first thing that is wrong, and its section.
    pub fn verify(&self) -> Result<()> {
        let name = &self.meta().name;
        for part in &self.parts {
            part.check(name)?;
        }
        let checks = [
            ("table", self.fault_in_table()),
            ("entries", self.fault_in_entries()?),
            ("expiring", self.fault_in_expiring()),
            ("dictionary", self.fault_in_dictionary()?),
        ];
        for (label, fault) in checks {
            if let Some(what) = fault {
                return Err(fault::section(name, label, &what));
            }
        }
        Ok(())
    }

    fn fault_in_table(&self) -> Option<String> {
        let (mut entries, mut tombstones) = (0, 0);
        for (at, bucket) in self.table().as_chunks::<BUCKET_LEN>().0.iter().enumerate() {
            let slots = Slots::decode(bucket);
            let count = usize::from(slots.count);
            if count > SLOTS {
                return Some(format!("bucket {at} has {count} entries in {SLOTS} slots"));
            }
            let (used, free) = slots.states.split_at(count);
            let unused = slots.fingerprints.iter().skip(count);
            let empty = free.iter().all(|&state| state == 0)
                && unused.into_iter().all(|&bits| bits == 0)
                && slots.zero == 0;
            if !empty {
                return Some(format!("bucket {at} has something where nothing may be"));
            }
            entries += count as u64;
            tombstones += used.iter().filter(|&&state| state == 0).count() as u64;
        }
        let meta = self.meta();
        let agree = (entries, tombstones) == (meta.entries, meta.tombstones);
        (!agree).then(|| {
            format!(
                "{entries} entries with {tombstones} tombstones, the header says {} with {}",
                meta.entries, meta.tombstones
            )
        })
    }

    fn fault_in_entries(&self) -> Result<Option<String>> {
        let Some(entries) = self.entries()? else { return Ok(None) };
        let (mut found, mut last) = (0, None);
        for entry in entries {
            if last.is_some_and(|last| last >= entry.hash) {
                return Ok(Some(format!("row {found} is not in order")));
            }
            if self.get(entry.hash) != Some(entry.state) {
                return Ok(Some(format!("row {found} is not in the table, or with another state")));
            }
            last = Some(entry.hash);
            found += 1;
        }
        let expected = self.meta().entries;
        let fault = || format!("{found} rows, the header says {expected} entries");
        Ok((found != expected).then(fault))
    }

    fn fault_in_expiring(&self) -> Option<String> {
        let mut last = None;
        for (at, row) in self.all_expiring().enumerate() {
            if last.is_some_and(|last| last > row.hash) {
                return Some(format!("row {at} is not in order"));
            }
            if self.get(row.hash).is_none() {
                return Some(format!("row {at} belongs to no entry"));
            }
            last = Some(row.hash);
        }
        None
    }

    fn fault_in_dictionary(&self) -> Result<Option<String>> {
        let Some(map) = self.dictionary()? else { return Ok(None) };
        let part = sections::of_kind(&self.parts, Kind::Dictionary);
        Ok(dictionary::fault_in(&map, part.map_or(0, |part| part.section.items)))
    }
}
