//! From a file's bytes to its header and sections, trusting nothing on the way.

use super::format::{self, HEADER_LEN, Header, Kind, MAGIC, SECTION_LEN, SECTIONS_MAX, Section};
use super::{Identity, fault};
use crate::error::Result;
use crate::storage::Blob;
use std::sync::atomic::{AtomicBool, Ordering};

/// A section whose place is known to be inside the file, and whose checksum may not be checked yet.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) section: Section,
    bytes: Blob,
    checked: AtomicBool,
}

impl Part {
    /// The bytes, whose checksum is read at the first call and remembered when it is right.
    pub(super) fn bytes(&self, name: &str) -> Result<&Blob> {
        // Relaxed: the bytes never change, so two threads at worst both read the checksum.
        if !self.checked.load(Ordering::Relaxed) {
            self.check(name)?;
            self.checked.store(true, Ordering::Relaxed);
        }
        Ok(&self.bytes)
    }

    /// Reads the checksum, whether or not that was done before.
    pub(super) fn check(&self, name: &str) -> Result<()> {
        if format::checksum(&self.bytes) == self.section.checksum {
            return Ok(());
        }
        Err(fault::section(name, self.section.kind.label(), "wrong checksum"))
    }
}

/// The header of the file, known to be ours: whole, of this name, store and version.
pub(super) fn header(name: &str, blob: &Blob, identity: &Identity) -> Result<Header> {
    let found = blob.len() as u64;
    let Some((magic, version)) = format::magic_and_version(blob) else {
        return Err(fault::length(name, found, HEADER_LEN as u64));
    };
    if magic != MAGIC {
        return Err(fault::not_a_segment(name));
    }
    if version != format::VERSION {
        return Err(fault::version(name, version));
    }
    let Some(bytes) = blob.first_chunk() else {
        return Err(fault::length(name, found, HEADER_LEN as u64));
    };
    let Some((header, checksum)) = Header::decode(bytes) else {
        return Err(fault::damaged(name, "header: wrong checksum"));
    };
    let expected = format::name(checksum);
    if name != expected {
        return Err(fault::renamed(name, &expected));
    }
    if header.file_len != found {
        return Err(fault::length(name, found, header.file_len));
    }
    if header.identity != *identity {
        return Err(fault::foreign(name, &header.identity, identity));
    }
    Ok(header)
}

/// The sections of the file, in file order: in bounds, aligned, not overlapping, one of a kind, with
/// nothing but zeros between them.
pub(super) fn parts(name: &str, blob: &Blob, header: &Header) -> Result<Vec<Part>> {
    let rows = section_table(name, blob, header)?;
    let mut end = HEADER_LEN + rows.len() * SECTION_LEN;
    let mut parts: Vec<Part> = Vec::with_capacity(rows.len());
    for row in rows {
        let section = Section::decode(row).map_err(|code| fault::unknown_kind(name, code))?;
        let label = section.kind.label();
        if parts.iter().any(|part| part.section.kind == section.kind) {
            return Err(fault::section(name, label, "there twice"));
        }
        let Some((start, bytes)) = place(&section, blob) else {
            return Err(fault::section(name, label, "outside of the file, or not aligned"));
        };
        if blob.get(end..start).is_none_or(|gap| gap.iter().any(|&byte| byte != 0)) {
            return Err(fault::section(name, label, "overlaps, or is not padded with zeros"));
        }
        end = start + bytes.len();
        parts.push(Part { section, bytes, checked: AtomicBool::new(false) });
    }
    if end != blob.len() {
        return Err(fault::damaged(name, "bytes after the last section"));
    }
    Ok(parts)
}

fn section_table<'a>(
    name: &str,
    blob: &'a Blob,
    header: &Header,
) -> Result<&'a [[u8; SECTION_LEN]]> {
    let count = usize::try_from(header.sections.min(SECTIONS_MAX)).unwrap_or(0);
    let Some(bytes) = blob.get(HEADER_LEN..HEADER_LEN + count * SECTION_LEN) else {
        return Err(fault::damaged(name, "section table: outside of the file"));
    };
    if format::checksum(bytes) != header.section_table {
        return Err(fault::damaged(name, "section table: wrong checksum"));
    }
    Ok(bytes.as_chunks().0)
}

/// Where the section begins, and its bytes, if that can be so.
fn place(section: &Section, blob: &Blob) -> Option<(usize, Blob)> {
    let start = usize::try_from(section.offset).ok()?;
    let length = usize::try_from(section.length).ok()?;
    let bytes = blob.slice(start..start.checked_add(length)?)?;
    let sized = match section.kind.item_len() {
        Some(len) => section.items.checked_mul(len as u64)? == section.length,
        None => true,
    };
    (sized && start.is_multiple_of(section.kind.alignment())).then_some((start, bytes))
}

/// The part of `kind`, if the segment has one.
pub(super) fn of_kind(parts: &[Part], kind: Kind) -> Option<&Part> {
    parts.iter().find(|part| part.section.kind == kind)
}
