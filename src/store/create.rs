//! A new store, whole or not at all.

use super::settings::{Settings, write_secret};
use super::signing::write_signing_key;
use super::{INDEX, LEDGER, SETTINGS, Store};
use crate::address::Policy;
use crate::certificate::SigningKey;
use crate::error::{Error, Result};
use crate::index::{Index, IndexIdentity, KeyHasher, SecretKey};
use crate::ledger::{self, Ledger, SqliteLedger};
use crate::record::Timestamp;
use crate::segment::Identity;
use crate::storage::Disk;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Store {
    /// Creates a store at `path`: made beside it and renamed, so that a crash leaves no half of one.
    ///
    /// # Errors
    ///
    /// Refused when there is a store, or anything else, already; untrusted when it can't be written.
    pub fn create(path: &Path, policy: Policy, now: Timestamp) -> Result<()> {
        if path.join(SETTINGS).exists() {
            return Err(Error::refused(format!("`{}` is a store already", path.display()))
                .with_hint("nothing was changed; name another directory with --store"));
        }
        let occupied = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if occupied || path.is_file() {
            let message = format!("`{}` is there already and is no store", path.display());
            return Err(Error::refused(message)
                .with_hint("nothing was changed; name another directory with --store"));
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let failed = |error| Error::writing(path, error);
        make_durably(&parent).map_err(failed)?;
        // Opened before there is anything to undo: without a descriptor left nothing appears.
        let names = fs::File::open(&parent).map_err(failed)?;
        let making =
            tempfile::Builder::new().prefix(".quell-init-").tempdir_in(&parent).map_err(failed)?;
        fill(making.path(), policy, now)?;
        set_mode(making.path()).map_err(failed)?;
        // Replaces an empty directory, and fails on any other.
        fs::rename(making.path(), path).map_err(failed)?;
        // Its old name is gone, so there is nothing for the guard to remove.
        let _ = making.keep();
        names.sync_all().map_err(failed)
    }
}

/// Makes a directory and those above it that are missing, their names durable.
fn make_durably(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    if above != path {
        make_durably(above)?;
    }
    // Another command may have been quicker.
    match fs::create_dir(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::File::open(above)?.sync_all(),
    }
}

fn fill(store: &Path, policy: Policy, now: Timestamp) -> Result<()> {
    let secret = SecretKey::generate()?;
    write_secret(store, &secret)?;
    write_signing_key(store, &SigningKey::generate()?)?;
    let key_id = KeyHasher::new(&secret).key_id();
    let identity =
        ledger::Identity { policy: policy.to_string(), key_id: format!("{key_id:016x}") };
    let ledger = SqliteLedger::create(&store.join(LEDGER), &identity, now)?;
    let ledger_id = ledger.ledger_id().to_owned();
    drop(ledger);
    let index = store.join(INDEX);
    let disk = Disk::create_at(&index).map_err(|error| Error::writing(&index, error))?;
    let segment = Identity { key_id, policy: policy.id() };
    let identity = IndexIdentity { ledger_id: ledger_id.clone(), segment };
    Index::create(Arc::new(disk), identity, now)?;
    // Last: what has settings is a store.
    Settings { policy, ledger_id }.write(store)?;
    fs::File::open(store)
        .and_then(|store| store.sync_all())
        .map_err(|error| Error::writing(store, error))
}

/// A store holds addresses: nobody but its owner reads it.
fn set_mode(store: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(store, fs::Permissions::from_mode(0o700))
}
