//! Every rule, in order: the path that decides.

use super::explain::{Rule, Watch};
use super::invalid::InvalidAddress;
use super::several::several;
use super::{KEY_BYTES_MAX, LOCAL_BYTES_MAX, domain, local, parse};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Bytes a cell may have after trimming. Room for any display name, and a bound on everything below.
const CELL_BYTES_MAX: usize = 4096;

/// Writes the key of `raw` and gives its length.
#[cold]
#[inline(never)]
pub(super) fn write(raw: &[u8], bytes: &mut [u8; KEY_BYTES_MAX]) -> Result<usize, InvalidAddress> {
    write_watched(raw, bytes, &mut ())
}

/// [`write()`], telling `watch` what each step leaves.
pub(super) fn write_watched(
    raw: &[u8],
    bytes: &mut [u8; KEY_BYTES_MAX],
    watch: &mut impl Watch,
) -> Result<usize, InvalidAddress> {
    write_one(raw, bytes, watch).map_err(|fault| {
        // Whatever is wrong with the cell as one address: a list that holds one is a list.
        let mut parts = several(raw).filter(|part| part.len() < raw.len());
        let is_list = parts.any(|part| write_one(part, bytes, &mut ()).is_ok());
        if is_list { InvalidAddress::SeveralAddresses } else { fault }
    })
}

/// The address in `raw` as it was written: without the white space around it, `mailto:`, a display name and
/// angle brackets, and with its case, its quotes and its spelling as they are.
///
/// `None` when no single address stands in the cell. It may be there for a cell that has no key all the same.
///
/// ```
/// use quell::address::bare;
///
/// assert_eq!(bare(b" Ann <mailto:Ann@Example.COM>"), Some("Ann@Example.COM"));
/// assert_eq!(bare(b"ann"), None);
/// ```
#[must_use]
pub fn bare(raw: &[u8]) -> Option<&str> {
    let cell = parse::trim(std::str::from_utf8(raw).ok()?);
    if cell.len() > CELL_BYTES_MAX {
        return None;
    }
    let address = parse::address(cell, &mut ()).ok()?;
    parse::split(address).is_ok().then_some(address)
}

/// [`write_watched`] of a cell that is taken for one address.
fn write_one(
    raw: &[u8],
    bytes: &mut [u8; KEY_BYTES_MAX],
    watch: &mut impl Watch,
) -> Result<usize, InvalidAddress> {
    let cell = std::str::from_utf8(raw).map_err(|_| InvalidAddress::NotUtf8)?;
    let cell = parse::trim(cell);
    watch.saw(Rule::Trim, || cell.to_owned());
    if cell.is_empty() {
        return Err(InvalidAddress::Empty);
    }
    if cell.len() > CELL_BYTES_MAX {
        return Err(InvalidAddress::TooLong);
    }
    // Before anything is parsed: `;` and `<` hide in canonical equivalents (U+037E, U+226E), and
    // two spellings of one text must not be split at different places.
    let cell = nfc(cell);
    watch.saw(Rule::Nfc, || cell.clone().into_owned());
    let address = parse::split(parse::address(&cell, watch)?)?;
    let local = local::normalise(address.local, |rule, local| {
        watch.saw(rule, || format!("{local}@{}", address.domain));
    })?;
    let domain = domain::normalise(address.domain, |rule, domain| {
        watch.saw(rule, || format!("{local}@{domain}"));
    })?;
    if local.len() > LOCAL_BYTES_MAX {
        return Err(InvalidAddress::LocalTooLong);
    }
    let length = local.len() + 1 + domain.len();
    let Some(out) = bytes.get_mut(..length) else {
        return Err(InvalidAddress::AddressTooLong);
    };
    let (before, after) = out.split_at_mut(local.len());
    before.copy_from_slice(local.as_bytes());
    after[0] = b'@';
    after[1..].copy_from_slice(domain.as_bytes());
    Ok(length)
}

/// `text` in NFC; ASCII is already.
fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_address_is_what_was_written() {
        for (cell, expected) in [
            ("ann@example.com", Some("ann@example.com")),
            (" \u{A0}Ann@Example.COM.\r\n", Some("Ann@Example.COM.")),
            ("\"Smith, Ann\" < MailTo: Ann@example.com >", Some("Ann@example.com")),
            ("mailto:<Ann@example.com>", Some("Ann@example.com")),
            ("\"Ann\"@example.com", Some("\"Ann\"@example.com")),
            ("e\u{301}@B\u{FC}cher.example", Some("e\u{301}@B\u{FC}cher.example")),
            ("ann", None),
            ("", None),
            ("<>", None),
            ("ann@", None),
            ("a@example.com; b@example.com", None),
        ] {
            assert_eq!(bare(cell.as_bytes()), expected, "{cell:?}");
        }
        assert_eq!(bare(b"\xFF@example.com"), None);
    }
}
