//! Plain ASCII addresses in one pass: the hottest loop there is.
//!
//! It may decline anything, and then says nothing about it; `slow` decides. What it accepts must be
//! byte for byte what `slow` would have written (`properties.rs` holds that).

use super::{DOMAIN_BYTES_MAX, KEY_BYTES_MAX, LABEL_BYTES_MAX, LOCAL_BYTES_MAX};

/// What `byte` becomes in a local part; 0 for a byte that is not ours to judge.
const LOCAL: [u8; 256] = table(b"!#$%&'*+-/=?^_`{|}~.");
/// What `byte` becomes in a domain; 0 for a byte that is not ours to judge.
const DOMAIN: [u8; 256] = table(b"-_.");

/// A table that maps letters to lower case, digits and `others` to themselves, the rest to 0.
const fn table(others: &[u8]) -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = others[at];
        at += 1;
    }
    table
}

/// Writes the key of `raw` and gives its length, or gives `None` and leaves the bytes unspecified.
///
/// Accepts `local@domain` of plain bytes within every limit, without an A-label or a trailing dot.
#[inline]
pub(super) fn write(raw: &[u8], bytes: &mut [u8; KEY_BYTES_MAX]) -> Option<usize> {
    let out = bytes.get_mut(..raw.len())?;
    let mut at = 0;
    for (&byte, slot) in raw.iter().zip(out.iter_mut()) {
        *slot = LOCAL[usize::from(byte)];
        if *slot == 0 {
            break;
        }
        at += 1;
    }
    if at == 0 || at > LOCAL_BYTES_MAX || raw.get(at) != Some(&b'@') {
        return None;
    }
    out[at] = b'@';
    let (raw_domain, domain) = (raw.get(at + 1..)?, out.get_mut(at + 1..)?);
    if raw_domain.len() > DOMAIN_BYTES_MAX {
        return None;
    }
    let mut start = 0;
    for (position, (&byte, slot)) in raw_domain.iter().zip(domain.iter_mut()).enumerate() {
        let lower = DOMAIN[usize::from(byte)];
        if lower == 0 {
            return None;
        }
        *slot = lower;
        if lower == b'.' {
            if position - start > LABEL_BYTES_MAX || position == start {
                return None;
            }
            start = position + 1;
        }
    }
    let last = domain.len() - start.min(domain.len());
    if last == 0 || last > LABEL_BYTES_MAX || has_a_label(domain) {
        return None;
    }
    Some(raw.len())
}

/// Says whether the lower-case `domain` may hold a label that starts with `xn--`.
///
/// Hyphens in a row are rare, so the search for them is the whole cost.
fn has_a_label(domain: &[u8]) -> bool {
    domain.windows(4).any(|four| four == b"xn--")
}
