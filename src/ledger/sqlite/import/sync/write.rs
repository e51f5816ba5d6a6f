//! Every statement by which a sync changes records: whose they are, and what they withhold.

use super::Job;
use super::known::FOR_EVER;
use crate::error::Result;
use crate::ledger::Change;
use crate::ledger::sqlite::claims::{NOBODY, Sub};
use crate::ledger::sqlite::codes::{Coded, algorithm_code};
use crate::ledger::sqlite::rows::digest_of_key;
use crate::ledger::sqlite::sums::seal;
use crate::ledger::sqlite::write::Writer;
use crate::record::{Digest, DomainRule, Kind, Preference, Suppression, Timestamp};
use rusqlite::{ToSql, params};

/// Makes the records of an identity that are nobody's those of the source; how many.
pub(super) fn adopt(job: &Job<'_>, key: &[u8], sub: &Sub) -> Result<u64> {
    let sql = match job.kind {
        Kind::Contacts => {
            "UPDATE contact SET source = ?1, sum = NULL WHERE source IS NULL AND key = ?2 AND contact_id = ?3 \
             AND former = ?4"
        }
        Kind::Unsubscribes => {
            "UPDATE unsubscribe SET source = ?1, sum = NULL WHERE source IS NULL AND key = ?2 AND list = ?3 \
             AND class = ?4"
        }
        Kind::Preferences => {
            "UPDATE preference SET source = ?1, sum = NULL WHERE source IS NULL AND key = ?2 AND list = ?3"
        }
        Kind::Suppressions => {
            "UPDATE suppression SET source = ?1, sum = NULL WHERE source IS NULL AND key = ?2 AND reason = ?3 \
             AND class = ?4"
        }
        Kind::Domains => {
            "UPDATE domain_rule SET source = ?1, sum = NULL WHERE source IS NULL AND key = ?2"
        }
        Kind::Digests => {
            "UPDATE digest SET source = ?1, sum = NULL WHERE source IS NULL AND algorithm = ?2 AND key = ?3 \
             AND list = ?4"
        }
    };
    run(job, sql, &[&job.source], key, sub)
}

/// Makes the source's records of an identity those of `claimant`, or nobody's.
pub(super) fn pass_on(job: &Job<'_>, key: &[u8], sub: &Sub, claimant: &str) -> Result<u64> {
    let sql = match job.kind {
        Kind::Contacts => {
            "UPDATE contact SET source = ?1, sum = NULL WHERE source = ?2 AND key = ?3 AND contact_id = ?4 \
             AND former = ?5"
        }
        Kind::Unsubscribes => {
            "UPDATE unsubscribe SET source = ?1, sum = NULL WHERE source = ?2 AND key = ?3 AND list = ?4 \
             AND class = ?5"
        }
        Kind::Preferences => {
            "UPDATE preference SET source = ?1, sum = NULL WHERE source = ?2 AND key = ?3 AND list = ?4"
        }
        Kind::Suppressions => {
            "UPDATE suppression SET source = ?1, sum = NULL WHERE source = ?2 AND key = ?3 AND reason = ?4 \
             AND class = ?5"
        }
        Kind::Domains => {
            "UPDATE domain_rule SET source = ?1, sum = NULL WHERE source = ?2 AND key = ?3"
        }
        Kind::Digests => {
            "UPDATE digest SET source = ?1, sum = NULL WHERE source = ?2 AND algorithm = ?3 AND key = ?4 \
             AND list = ?5"
        }
    };
    let claimant = Some(claimant).filter(|claimant| *claimant != NOBODY);
    run(job, sql, &[&claimant, &job.source], key, sub)
}

/// Runs a statement that has the columns of an identity behind what comes `first`; how many rows it changed.
fn run(job: &Job<'_>, sql: &str, first: &[&dyn ToSql], key: &[u8], sub: &Sub) -> Result<u64> {
    let (kind, connection) = (job.kind, job.writer.connection());
    let (code, algorithm) = (i64::from(sub.code), algorithm_code(key));
    let suppression = if kind == Kind::Suppressions {
        let (reason, class) = sub.suppression()?;
        (reason.code(), class.code())
    } else {
        (0, 0)
    };
    let identity: &[&dyn ToSql] = match kind {
        Kind::Contacts | Kind::Unsubscribes => &[&key, &sub.name, &code],
        Kind::Preferences => &[&key, &sub.name],
        Kind::Suppressions => &[&key, &suppression.0, &suppression.1],
        Kind::Domains => &[&key],
        Kind::Digests => &[&algorithm, &key, &sub.name],
    };
    let changed = connection.prepare_cached(sql)?.execute(&*[first, identity].concat())?;
    if changed > 0 {
        seal(connection, kind, key)?;
    }
    Ok(changed as u64)
}

/// Records what a preference became.
pub(super) fn preference(writer: &Writer<'_>, key: &[u8], now: &Preference) -> Result<()> {
    let sql = "UPDATE preference SET choice = ?3, at = ?4, sum = NULL WHERE key = ?1 AND list = ?2";
    let at = now.at.map(Timestamp::as_micros);
    let to = params![key, now.list, now.choice.code(), at];
    writer.connection().prepare_cached(sql)?.execute(to)?;
    seal(writer.connection(), Kind::Preferences, key)?;
    writer.touch_list(key, &now.list)
}

/// Records when a suppression ends by now.
pub(super) fn suppression(writer: &Writer<'_>, key: &[u8], now: &Suppression) -> Result<()> {
    let sql = "UPDATE suppression SET expires_at = ?4, sum = NULL WHERE key = ?1 AND reason = ?2 \
               AND class = ?3";
    let end = now.expires_at.map(Timestamp::as_micros);
    let to = params![key, now.reason.code(), now.class.code(), end];
    writer.connection().prepare_cached(sql)?.execute(to)?;
    seal(writer.connection(), Kind::Suppressions, key)?;
    writer.touch(Change::Address(key))
}

/// Records whether a rule covers subdomains by now.
pub(super) fn rule(writer: &Writer<'_>, key: &[u8], now: &DomainRule) -> Result<()> {
    let sql = "UPDATE domain_rule SET subdomains = ?2, sum = NULL WHERE key = ?1";
    writer.connection().prepare_cached(sql)?.execute(params![key, now.subdomains])?;
    seal(writer.connection(), Kind::Domains, key)?;
    writer.touch(Change::Domain(key))
}

/// Records which kinds of send a digest withholds by now.
pub(super) fn digest(writer: &Writer<'_>, key: &[u8], now: &Digest) -> Result<()> {
    let sql =
        "UPDATE digest SET class = ?4, sum = NULL WHERE algorithm = ?1 AND key = ?2 AND list = ?3";
    let list = now.list.as_deref().unwrap_or_default();
    let to = params![algorithm_code(key), key, list, now.class.code()];
    writer.connection().prepare_cached(sql)?.execute(to)?;
    seal(writer.connection(), Kind::Digests, key)?;
    writer.touch_digest(digest_of_key(key)?, list)
}

/// The instant behind what a suppression's rows say.
pub(super) fn end_of(says: i64) -> Option<Timestamp> {
    (says != FOR_EVER).then(|| Timestamp::from_micros(says))
}
