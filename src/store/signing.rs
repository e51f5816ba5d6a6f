//! `signing.key`: what a store's certificates are signed with.

use super::open::Store;
use super::settings::{unreadable, write_new};
use super::{LEDGER, SIGNING};
use crate::certificate::SigningKey;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

impl Store {
    /// What this store's certificates are signed with. A store of before there were certificates is given a
    /// key now, durable when this returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when it is damaged, or can't be read or made.
    pub fn signing_key(&self) -> Result<SigningKey> {
        if let Some(key) = Self::signing_key_of(&self.path)? {
            return Ok(key);
        }
        add_signing_key(&self.path)?;
        // It may be another's, who was here at the same time: then both have that one.
        Self::signing_key_of(&self.path)?.ok_or_else(|| missing(&self.path))
    }

    /// What the certificates of the store or the index at `path` are signed with, if there is a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when it is damaged or can't be read.
    pub fn signing_key_of(path: &Path) -> Result<Option<SigningKey>> {
        let path = path.join(SIGNING);
        match fs::read(&path) {
            Ok(text) => SigningKey::from_text(&text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// [`Store::signing_key_of`] where it must be.
    ///
    /// # Errors
    ///
    /// As there, and when there is none.
    pub fn signing_key_beside(path: &Path) -> Result<SigningKey> {
        Self::signing_key_of(path)?.ok_or_else(|| missing(path))
    }
}

/// Writes the signing key of a new store, for its owner's eyes only.
pub(super) fn write_signing_key(store: &Path, key: &SigningKey) -> Result<()> {
    write_new(&store.join(SIGNING), key.to_text().as_bytes(), 0o600)
}

/// Gives a store that has none a signing key: whole under its name, or not there.
fn add_signing_key(store: &Path) -> Result<()> {
    let key = SigningKey::generate()?;
    let path = store.join(SIGNING);
    let write = || -> io::Result<()> {
        // Readable by its owner only, as all files of the crate are.
        let mut file = tempfile::Builder::new().prefix(".quell-signing-").tempfile_in(store)?;
        file.write_all(key.to_text().as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.error),
        }
        File::open(store)?.sync_all()
    };
    write().map_err(|error| Error::writing(&path, error))
}

fn missing(store: &Path) -> Error {
    let path = store.join(SIGNING);
    let hint = if store.join(LEDGER).exists() {
        "run a filter with --certificate, which makes one, or restore it from the backup"
    } else {
        "copy signing.key from the store that the index is of, if this machine may sign for it"
    };
    Error::untrusted(format!("no signing key at `{}`", path.display())).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_however_many_ask_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path();
        assert!(Store::signing_key_of(store).unwrap().is_none());
        assert!(Store::signing_key_beside(store).is_err());
        let keys: BTreeSet<String> = std::thread::scope(|scope| {
            let make = || {
                add_signing_key(store).unwrap();
                Store::signing_key_beside(store).unwrap().public_key().to_string()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(keys.len(), 1);
        let files: Vec<_> = fs::read_dir(store).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(files.len(), 1, "nothing is left beside it");
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_signs_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path();
        write_signing_key(store, &SigningKey::from_seed(&[1; 32])).unwrap();
        let path = store.join(SIGNING);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..60]).unwrap();
        let error = Store::signing_key_of(store).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Untrusted);
        assert!(error.hint().unwrap_or_default().contains("restore signing.key"));
    }
}
