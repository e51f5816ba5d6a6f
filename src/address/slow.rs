//! Every rule, in order: the path that decides.

use super::invalid::InvalidAddress;
use super::{KEY_BYTES_MAX, LOCAL_BYTES_MAX, domain, local, parse};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Bytes a cell may have after trimming. Room for any display name, and a bound on everything below.
const CELL_BYTES_MAX: usize = 4096;

/// Writes the key of `raw` and gives its length.
#[cold]
#[inline(never)]
pub(super) fn write(raw: &[u8], bytes: &mut [u8; KEY_BYTES_MAX]) -> Result<usize, InvalidAddress> {
    let cell = std::str::from_utf8(raw).map_err(|_| InvalidAddress::NotUtf8)?;
    let cell = parse::trim(cell);
    if cell.is_empty() {
        return Err(InvalidAddress::Empty);
    }
    if cell.len() > CELL_BYTES_MAX {
        return Err(InvalidAddress::TooLong);
    }
    // Before anything is parsed: `;` and `<` hide in canonical equivalents (U+037E, U+226E), and
    // two spellings of one text must not be split at different places.
    let cell = nfc(cell);
    let address = parse::split(&cell)?;
    let local = local::normalise(address.local)?;
    let domain = domain::normalise(address.domain)?;
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
