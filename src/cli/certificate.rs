//! `quell certificate`: whether a run's signed statement holds, and what it is checked with.

use super::args::{Certificate as Command, CertificateVerify};
use super::terminal::print_line;
use super::{Context, exit, files};
use crate::certificate::{Certificate, Mismatch, Part, PublicKey, Statement};
use crate::error::{Error, Result};
use crate::filter::Measured;
use crate::ledger::Ledger;
use crate::store::Store;
use std::io::{self, Read};
use std::path::Path;

/// Far more than a certificate has: what is longer is none, and is not read into memory.
const LENGTH_MAX: u64 = 16 << 20;

/// Runs the command.
///
/// # Errors
///
/// As the contract's exit codes say.
pub fn run(context: &Context, command: &Command) -> Result<u8> {
    match command {
        Command::Verify(arguments) => verify(context, arguments),
        Command::PublicKey => {
            let key = if Store::has_ledger(&context.store) {
                Store::open(&context.store)?.signing_key()?
            } else {
                Store::signing_key_beside(&context.store)?
            };
            print_line(&key.public_key().to_string())?;
            Ok(exit::DONE)
        }
    }
}

/// Exit code 1 when something does not match.
fn verify(context: &Context, arguments: &CertificateVerify) -> Result<u8> {
    let key = match &arguments.public_key {
        Some(given) => public_key(given)?,
        None => own_key(context)?,
    };
    let mut text = Vec::new();
    let failed = |error| Error::reading(&arguments.path, error);
    files::open_input(&arguments.path)?.take(LENGTH_MAX).read_to_end(&mut text).map_err(failed)?;
    match checked(context, arguments, &key, &text)? {
        Ok(certificate) => {
            say(context, arguments, &key, &certificate)?;
            Ok(exit::DONE)
        }
        Err(mismatch) => {
            print_line(&mismatch.to_string())?;
            context.terminal.warn(&format!(
                "the {} does not match: rely on nothing that `{}` states",
                mismatch.part,
                arguments.path.display()
            ));
            Ok(exit::FAULTY)
        }
    }
}

/// A key that was named: its digits, or a file that holds them.
fn public_key(given: &str) -> Result<PublicKey> {
    if let Some(key) = PublicKey::from_text(given.as_bytes()) {
        return Ok(key);
    }
    let path = Path::new(given);
    let mut text = Vec::new();
    files::open_input(path)?
        .take(LENGTH_MAX)
        .read_to_end(&mut text)
        .map_err(|error| Error::reading(path, error))?;
    PublicKey::from_text(&text).ok_or_else(|| {
        Error::input(format!("`{given}` is no public key")).with_hint(
            "a public key is 64 hexadecimal digits: what `quell certificate public-key` prints",
        )
    })
}

/// The key of the store at hand.
fn own_key(context: &Context) -> Result<PublicKey> {
    let key = Store::signing_key_of(&context.store)?;
    key.map(|key| key.public_key()).ok_or_else(|| {
        Error::untrusted("nothing to check the certificate with: no --public-key, and no store that has one")
            .with_hint(
                "name the signer's key, as `quell certificate public-key` prints it there; the one in the \
                 certificate proves nothing by itself",
            )
    })
}

type Checked<T> = std::result::Result<T, Mismatch>;

/// The certificate, or the first thing of it that does not match.
fn checked(
    context: &Context,
    arguments: &CertificateVerify,
    key: &PublicKey,
    text: &[u8],
) -> Result<Checked<Certificate>> {
    let certificate = match Certificate::verified(text, key) {
        Ok(certificate) => certificate,
        Err(mismatch) => return Ok(Err(mismatch)),
    };
    if let Err(mismatch) = in_ledger(context, arguments, &certificate)? {
        return Ok(Err(mismatch));
    }
    for (part, path) in [
        (Part::Input, &arguments.input),
        (Part::Output, &arguments.output),
        (Part::Suppressed, &arguments.suppressed),
    ] {
        let Some(path) = path else { continue };
        let (bytes, sha256) = measured(path)?;
        if let Err(mismatch) = certificate.check_file(part, bytes, &sha256) {
            let what = format!("`{}` has {}", path.display(), mismatch.what);
            return Ok(Err(Mismatch::new(part, what)));
        }
    }
    Ok(Ok(certificate))
}

/// Checks that the history the certificate names is that of the ledger at hand, if there is one.
///
/// With a key that was named, a ledger that can't be asked is not: a certificate holds without any.
fn in_ledger(
    context: &Context,
    arguments: &CertificateVerify,
    certificate: &Certificate,
) -> Result<Checked<()>> {
    if !Store::has_ledger(&context.store) {
        return Ok(Ok(()));
    }
    let named = arguments.public_key.is_some();
    let store = match Store::open(&context.store) {
        Ok(store) => store,
        Err(error) if named => {
            context.terminal.warn(&format!("the store's history is not compared: {error}"));
            return Ok(Ok(()));
        }
        Err(error) => return Err(error),
    };
    let Statement { ledger_id, generation, chain, .. } = &certificate.statement;
    if ledger_id != store.ledger().ledger_id() {
        let what =
            format!("it is of the store `{ledger_id}`, this is `{}`", store.ledger().ledger_id());
        if !named {
            return Ok(Err(Mismatch::new(Part::Ledger, what)));
        }
        context.terminal.detail(&format!("the store's history is not compared: {what}"));
        return Ok(Ok(()));
    }
    let view = store.ledger().view()?;
    if view.mark_of(*generation)?.is_none() {
        let what =
            format!("the store has no generation {generation}: is it restored from a backup?");
        return Ok(Err(Mismatch::new(Part::Ledger, what)));
    }
    let Some(chain) = chain else { return Ok(Ok(())) };
    let head = view.chain_at(chain.events)?;
    Ok(certificate.check_chain(head.as_ref().map(|head| &head.link)))
}

/// A file's length and SHA-256.
fn measured(path: &Path) -> Result<(u64, String)> {
    let mut file = Measured::new(files::open_input(path)?, true);
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::reading(path, error)),
        }
    }
    let digest = file.digest().map(|digest| digest.to_string());
    Ok((Measured::bytes(&file), digest.unwrap_or_default()))
}

fn say(
    context: &Context,
    arguments: &CertificateVerify,
    key: &PublicKey,
    certificate: &Certificate,
) -> Result<()> {
    let statement = &certificate.statement;
    print_line(&format!(
        "verified: read {}, kept {}, withheld {}, generation {} of store {}, made {} by {key}",
        statement.read,
        statement.kept,
        statement.withheld,
        statement.generation,
        statement.ledger_id,
        statement.made_at,
    ))?;
    let files = [
        ("--input", &arguments.input, true),
        ("--output", &arguments.output, true),
        ("--suppressed", &arguments.suppressed, statement.suppressed.is_some()),
    ];
    let unchecked: Vec<&str> = files
        .iter()
        .filter(|(_, given, stated)| given.is_none() && *stated)
        .map(|(option, ..)| *option)
        .collect();
    if !unchecked.is_empty() {
        context.terminal.note(&format!("no file was given for {}", unchecked.join(", ")));
    }
    Ok(())
}
