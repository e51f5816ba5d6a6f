//! A row's cells → a record of its kind.

use super::columns::{Cells, Column};
use super::reject::RejectCause;
use crate::address::Policy;
use crate::record::class::UnknownWord;
use crate::record::domain_rule::{InvalidDomain, alias_in_keys, domain_in_keys, is_public_suffix};
use crate::record::{DigestValue, Kind, NativeRow, RecordClass, Timestamp};
use std::str::FromStr;

/// Memory for the texts of a row whose cells have escaped quotes, and what the row before said.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The contact's id, or the list.
    name: Vec<u8>,
    source: Vec<u8>,
    domain: String,
    alias: Option<String>,
    digest: Option<DigestValue>,
    times: Times,
}

/// The last time that was read, as text and as instant: neighbours often have the same.
#[derive(Debug, Default)]
struct Times {
    text: String,
    at: Option<Timestamp>,
}

/// Which domains may have a rule, and how they become keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct DomainRules {
    pub policy: Policy,
    /// A rule may be for a public suffix.
    pub allow_public_suffix: bool,
}

/// Reads a row of `kind`, which is of addresses, whose address cell is `address`.
///
/// An empty optional cell takes the contract's default; a word that is not one of the contract's is a
/// reject.
pub(super) fn row<'a>(
    kind: Kind,
    address: &'a str,
    cells: Cells<'a>,
    scratch: &'a mut Scratch,
) -> Result<NativeRow<'a>, RejectCause> {
    let Scratch { name, source, times, .. } = scratch;
    let at = time(cells, Column::At, times)?;
    Ok(match kind {
        Kind::Contacts => NativeRow::Contact {
            contact_id: required(cells, Column::ContactId, name)?,
            address,
            bulk_email: word(cells, Column::BulkEmail)?,
            email_allowed: word(cells, Column::EmailAllowed)?,
            at,
            former: yes_or_no(cells, Column::Former)?,
        },
        Kind::Unsubscribes => NativeRow::Unsubscribe {
            address,
            list: one_list(cells.word(Column::List, name)?)?,
            state: word(cells, Column::State)?.unwrap_or_default(),
            class: word(cells, Column::Class)?.unwrap_or(RecordClass::Bulk),
            at,
            source: cells.word(Column::Source, source)?,
        },
        Kind::Preferences => NativeRow::Preference {
            address,
            list: one_list(Some(required(cells, Column::List, name)?))?.unwrap_or_default(),
            choice: word(cells, Column::Preference)?.ok_or(RejectCause::Empty("preference"))?,
            at,
            source: cells.word(Column::Source, source)?,
        },
        Kind::Suppressions => NativeRow::Suppression {
            address,
            reason: word(cells, Column::Reason)?.ok_or(RejectCause::Empty("reason"))?,
            class: word(cells, Column::Class)?.unwrap_or(RecordClass::All),
            at,
            expires_at: time(cells, Column::ExpiresAt, times)?,
            source: cells.word(Column::Source, source)?,
        },
        // They are of no address, and not read here.
        Kind::Domains | Kind::Digests => return Err(RejectCause::Empty(Column::Email.name())),
    })
}

/// Reads a row of `domains`; a second rule is for the domain that the policy puts in the place of the first's.
/// The key of a rule is its domain.
pub(super) fn domain_row<'a>(
    rules: DomainRules,
    cells: Cells<'a>,
    scratch: &'a mut Scratch,
) -> Result<(NativeRow<'a>, Option<NativeRow<'a>>), RejectCause> {
    let Scratch { name, source, times, domain, alias, .. } = scratch;
    let written = required(cells, Column::Domain, name)?;
    *domain = domain_in_keys(written, Policy::EXACT).map_err(RejectCause::Domain)?;
    *alias = alias_in_keys(domain, rules.policy);
    if !rules.allow_public_suffix && is_public_suffix(domain) {
        return Err(RejectCause::Domain(InvalidDomain::PublicSuffix(domain.clone())));
    }
    let subdomains = yes_or_no(cells, Column::Subdomains)?;
    let at = time(cells, Column::At, times)?;
    let source = cells.word(Column::Source, source)?;
    let rule = |domain, subdomains| NativeRow::Domain { domain, subdomains, at, source };
    Ok((rule(domain, subdomains), alias.as_deref().map(|alias| rule(alias, false))))
}

/// Reads a row of `digests`. Its key is the digest.
pub(super) fn digest_row<'a>(
    cells: Cells<'a>,
    scratch: &'a mut Scratch,
) -> Result<NativeRow<'a>, RejectCause> {
    let Scratch { name, source, digest, .. } = scratch;
    let mut text = Vec::new();
    let written = cells.word(Column::Digest, &mut text)?;
    let written = written.ok_or(RejectCause::Empty(Column::Digest.name()))?;
    let algorithm = word(cells, Column::Algorithm)?;
    let value = DigestValue::parse(written, algorithm).map_err(RejectCause::Digest)?;
    Ok(NativeRow::Digest {
        digest: digest.insert(value).as_bytes(),
        list: one_list(cells.word(Column::List, name)?)?,
        class: word(cells, Column::Class)?.unwrap_or(RecordClass::Bulk),
        source: cells.word(Column::Source, source)?,
    })
}

fn required<'a>(
    cells: Cells<'a>,
    column: Column,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a str, RejectCause> {
    cells.word(column, scratch)?.ok_or(RejectCause::Empty(column.name()))
}

/// The name of one list. A `;` parts the lists of a row everywhere else, so no row could be sent for such a one.
pub(super) fn one_list(list: Option<&str>) -> Result<Option<&str>, RejectCause> {
    match list {
        Some(name) if name.contains(';') => Err(RejectCause::SeveralLists),
        _ => Ok(list),
    }
}

fn word<T>(cells: Cells<'_>, column: Column) -> Result<Option<T>, RejectCause>
where
    T: FromStr,
    RejectCause: From<T::Err>,
{
    let mut scratch = Vec::new();
    Ok(cells.word(column, &mut scratch)?.map(str::parse::<T>).transpose()?)
}

/// Empty is no.
fn yes_or_no(cells: Cells<'_>, column: Column) -> Result<bool, RejectCause> {
    let mut scratch = Vec::new();
    let Some(found) = cells.word(column, &mut scratch)? else { return Ok(false) };
    match found.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(UnknownWord {
            what: column.name(),
            found: found.to_owned(),
            expected: "`true` or `false`",
        }
        .into()),
    }
}

fn time(
    cells: Cells<'_>,
    column: Column,
    times: &mut Times,
) -> Result<Option<Timestamp>, RejectCause> {
    let mut scratch = Vec::new();
    let Some(text) = cells.word(column, &mut scratch)? else { return Ok(None) };
    if times.at.is_none() || times.text != text {
        times.at = None;
        let at = Timestamp::parse(text).map_err(|fault| RejectCause::Time(column.name(), fault))?;
        text.clone_into(&mut times.text);
        times.at = Some(at);
    }
    Ok(times.at)
}
