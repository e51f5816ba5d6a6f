//! OPTIZMO: a download of opt-outs, in plain text or as digests, and the domains that come with it.

use super::{Field, Format, Row};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::domain_rule::{InvalidDomain, alias_in_keys, domain_in_keys, is_public_suffix};
use crate::record::{DigestValue, Kind, NativeRow, RecordClass};

const PLAIN: usize = 0;
const HASHED: usize = 1;
const TIMESTAMP: usize = 2;
const DOMAIN: usize = 3;

const DOMAINS: &[&str] = &["domain", "domains"];

/// The download of a list.
pub(super) const OPTIZMO: Format = Format {
    name: "optizmo",
    kind: Kind::Unsubscribes,
    what: "OPTIZMO's opt-outs, plain or hashed, and its suppressed domains",
    fields: &[
        Field::optional(&["plain", "email", "email address"]).occurrence(0).at(0),
        Field::optional(&["hashed", "md5", "sha512", "hash"]).occurrence(0),
        Field::optional(&["timestamp"]),
        Field::optional(DOMAINS).occurrence(0).at(0),
    ],
    takes_list: true,
    holds_digests: true,
    recognise,
    refuse,
    is_bare,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let has = seen.has_one_of(&["plain", "hashed"])
        && seen.is_exactly(&[], &["plain", "hashed", "timestamp", "campaign", "ip"]);
    has.then_some("its columns plain or hashed")
}

/// Says whether the files of one archive are a download: a list of domains, and lists of addresses or
/// digests.
pub(super) fn is_download(files: &[&Seen]) -> bool {
    let is_list = |seen: &Seen| {
        recognise(seen).is_some()
            || !seen.has_header() && seen.rows().iter().all(|row| row.len() == 1)
    };
    let is_domains = |seen: &Seen| {
        is_of_domains(seen.file()) && (is_bare(seen) || seen.is_exactly(&[], DOMAINS))
    };
    files.len() > 1
        && files.iter().any(|seen| is_domains(seen))
        && files.iter().all(|seen| is_domains(seen) || is_list(seen))
}

fn refuse(seen: &Seen) -> Option<String> {
    if !seen.has_header() || is_bare(seen) {
        return None;
    }
    let fields = [PLAIN, HASHED, DOMAIN];
    let has = fields
        .iter()
        .filter_map(|field| OPTIZMO.fields.get(*field))
        .any(|field| seen.has_one_of(field.names));
    (!has).then(|| "no column `plain` or `hashed`".to_owned())
}

/// A list of domains begins with one: a header has no dot.
fn is_bare(seen: &Seen) -> bool {
    is_of_domains(seen.file()) && matches!(seen.names(), [name] if name.contains('.'))
}

/// Says whether a file is the list of domains of a download, by its name.
pub(super) fn is_of_domains(file: &str) -> bool {
    file.contains("domain")
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let (plain, domain) = (row.text(PLAIN)?, row.text(DOMAIN)?);
    let item = if plain.is_empty() { domain } else { plain };
    // The name of a list of addresses may have the word too.
    let is_domain = || !is_address(item) && DigestValue::parse(item, None).is_err();
    let is_of_domains = is_of_domains(row.file()) && !item.is_empty();
    if is_of_domains && is_domain() || item.starts_with(['@', '*']) {
        records.push(domain_rule(row, item)?);
        return Ok(());
    }
    if plain.is_empty() {
        records.push(digest(row, row.needed(HASHED)?)?);
    } else if plain.contains('@') {
        records.push(row.unsubscribe(plain, row.list(), row.time(TIMESTAMP)?));
    } else {
        // A list without a header has digests in its only column.
        records.push(digest(row, plain)?);
    }
    Ok(())
}

fn is_address(item: &str) -> bool {
    item.trim_start_matches(['@', '*']).contains('@')
}

/// A digest of an address that opted out.
fn digest<'a>(row: &Row<'a>, text: &str) -> Result<NativeRow<'a>, RejectCause> {
    let value = DigestValue::parse(text, None).map_err(RejectCause::Digest)?;
    Ok(NativeRow::Digest {
        digest: row.keep_digest(value).as_bytes(),
        list: row.list(),
        class: RecordClass::Bulk,
        source: Some(OPTIZMO.name),
    })
}

/// A rule for `example.com`, which may be written `@example.com`; `*.example.com` and `.example.com` mean its
/// subdomains too.
fn domain_rule<'a>(row: &Row<'a>, item: &str) -> Result<NativeRow<'a>, RejectCause> {
    let below = item.trim_start_matches(['*', '@']);
    let domain = below.trim_start_matches('.');
    let key = domain_in_keys(domain, row.policy()).map_err(RejectCause::Domain)?;
    if is_public_suffix(&key) {
        return Err(RejectCause::Domain(InvalidDomain::PublicSuffix(key)));
    }
    let subdomains = domain.len() < below.len();
    if subdomains && alias_in_keys(domain, row.policy()).is_some() {
        let fault = "its policy gives this domain another name: import the rule as `domains`";
        return Err(RejectCause::Row(fault.to_owned()));
    }
    let kept = row.keep(vec![key]);
    Ok(NativeRow::Domain {
        domain: kept.first().map_or("", String::as_str),
        subdomains,
        at: row.time(TIMESTAMP)?,
        source: Some(OPTIZMO.name),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    const MD5: &str = "55502f40dc8b7c769880b10874abc9d0";

    #[test]
    fn the_plain_address_comes_before_its_digest() {
        let text = format!(
            "plain,hashed,timestamp,campaign,ip\n\
             Ann@Example.com,{MD5},1790083507,7,192.0.2.1\n,{MD5},1790083507,7,\n"
        );
        assert_eq!(detected("x.csv", &text), ["optizmo"]);
        assert_eq!(
            rows(&OPTIZMO, "x.csv", text),
            [
                "unsubscribe Ann@Example.com from everything, since 2026-09-22T13:25:07Z"
                    .to_owned(),
                format!("md5 digest {MD5}"),
            ]
        );
    }

    #[test]
    fn digests_are_told_by_their_length_and_may_have_no_header() {
        let sha512 = "ab".repeat(64);
        let want = [format!("md5 digest {MD5}"), format!("sha512 digest {sha512}")];
        for header in ["hashed\n", ""] {
            let text = format!("{header}{}\n{sha512}\n", MD5.to_uppercase());
            assert_eq!(rows(&OPTIZMO, "list.txt", text), want, "{header}");
        }
        assert_eq!(detected("x.csv", "hashed\n"), ["optizmo"]);
        let of_list = outcome(&OPTIZMO, "x.txt", format!("{MD5}\n"), Some("Offer")).unwrap();
        assert_eq!(of_list.rows, [format!("md5 digest {MD5} for list Offer")]);
        let text = format!("plain,hashed\n,abc\n,\n,{}\n", "0".repeat(33));
        assert_eq!(rejects(&OPTIZMO, "x.csv", text).len(), 3);
    }

    #[test]
    fn a_list_of_domains_loses_not_even_its_first_line() {
        for text in [
            "example.com\n*.example.org\n@example.net\n",
            "domain\nexample.com\n.example.org\nexample.net\n",
        ] {
            assert_eq!(
                rows(&OPTIZMO, "a/suppressed_domains.txt", text),
                [
                    "domain example.com",
                    "domain example.org and its subdomains",
                    "domain example.net",
                ]
            );
        }
        let found = rejects(&OPTIZMO, "domains.txt", "example.com\ncom\nno domain\n");
        assert_eq!(found.len(), 2, "{found:?}");
        let text = format!("{MD5}\nann@example.org\n");
        let want =
            [format!("md5 digest {MD5}"), "unsubscribe ann@example.org from everything".to_owned()];
        assert_eq!(rows(&OPTIZMO, "my_domain_optouts.txt", text), want);
        // Also among addresses.
        let text = "ann@example.org\n@example.com\n*@example.net\n";
        assert_eq!(
            rows(&OPTIZMO, "list.txt", text),
            [
                "unsubscribe ann@example.org from everything",
                "domain example.com",
                "domain example.net",
            ]
        );
    }

    #[test]
    fn a_download_is_a_list_and_its_domains() {
        let seen = |name, text: &str| Seen::of_start(text.as_bytes(), true, name);
        let domains = seen("domains.txt", "example.com\nexample.org\n");
        let addresses = seen("optouts.txt", "ann@example.com\n");
        let digests = seen("optouts.txt", &format!("{MD5}\n"));
        let table = seen("optouts.csv", "plain,timestamp\nann@example.com,1790083507\n");
        for list in [&addresses, &digests, &table] {
            assert!(is_download(&[list, &domains]) && is_download(&[&domains, list]));
            assert!(!is_download(&[list, list]) && !is_download(&[list]));
        }
        assert!(!is_download(&[&domains]), "a list of domains by itself may be anybody's");
        let other = seen("people.csv", "name,email\nAnn,ann@example.com\n");
        assert!(!is_download(&[&addresses, &domains, &other]));
    }

    #[test]
    fn a_file_of_other_columns_is_refused() {
        assert!(outcome(&OPTIZMO, "x.csv", "name\nann\n", None).is_err());
        assert!(outcome(&OPTIZMO, "x.csv", "example.com\n", None).is_err(), "no list of domains");
    }
}
