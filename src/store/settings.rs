//! `quell.toml` and `secret.key`: what a store is, and the key of its hashes.

use super::{SECRET, SETTINGS};
use crate::address::Policy;
use crate::error::{Error, Result};
use crate::index::SecretKey;
use serde::Deserialize;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// The version of the store's layout that this build reads and writes.
const FORMAT: u32 = 1;

/// What a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub policy: Policy,
    pub ledger_id: String,
}

#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "read as Versioned before the rest is believed")]
    format: u32,
    policy: String,
    ledger_id: String,
}

impl Settings {
    /// Reads a store's settings.
    pub fn read(store: &Path) -> Result<Self> {
        let path = store.join(SETTINGS);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::untrusted(format!("no store at `{}`", store.display()))
                    .with_hint(format!(
                        "create one with `quell init --store {}`, or name another with --store or \
                         QUELL_STORE",
                        store.display()
                    )));
            }
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let format = toml::from_str::<Versioned>(&text).map_err(|error| damaged(&path, &error))?;
        if format.format > FORMAT {
            return Err(Error::untrusted(format!(
                "`{}`: store format {}, this build reads up to {FORMAT}",
                path.display(),
                format.format
            ))
            .with_hint("upgrade quell"));
        }
        let file = toml::from_str::<File>(&text).map_err(|error| damaged(&path, &error))?;
        let policy = file.policy.parse().map_err(|error| damaged(&path, &error))?;
        Ok(Self { policy, ledger_id: file.ledger_id })
    }

    /// Writes the settings of a new store.
    pub fn write(&self, store: &Path) -> Result<()> {
        let text = format!(
            "# What this store is. Written by `quell init`; a change here is an error, not a \
             setting.\nformat = {FORMAT}\npolicy = \"{}\"\nledger_id = \"{}\"\n",
            self.policy, self.ledger_id
        );
        write_new(&store.join(SETTINGS), text.as_bytes(), 0o644)
    }
}

/// Reads a store's secret.
pub(super) fn read_secret(store: &Path) -> Result<SecretKey> {
    let path = store.join(SECRET);
    let text = fs::read(&path).map_err(|error| {
        unreadable(&path, &error)
            .with_hint("without its secret an index can't be read: restore it from the backup")
    })?;
    SecretKey::from_text(&text)
}

/// Writes the secret of a new store, for its owner's eyes only.
pub(super) fn write_secret(store: &Path, secret: &SecretKey) -> Result<()> {
    write_new(&store.join(SECRET), secret.to_text().as_bytes(), 0o600)
}

pub(super) fn write_new(path: &Path, contents: &[u8], mode: u32) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(contents)?;
        file.sync_all()
    };
    write().map_err(|error| Error::writing(path, error))
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::untrusted(format!("cannot read `{}`: {error}", path.display()))
        .with_hint("check the store's permissions, or restore it from the backup")
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> Error {
    let what = error.to_string();
    let what = what.trim().lines().last().unwrap_or_default().to_owned();
    Error::untrusted(format!("`{}` is damaged: {what}", path.display()))
        .with_hint("restore it from the backup (docs/operations.md)")
}
