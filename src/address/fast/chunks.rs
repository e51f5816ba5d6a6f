//! A plain ASCII address in one pass, on any machine.
//!
//! A cell is read as two chunks of one width, its first bytes and its last ones, which overlap. Every
//! byte is judged without a branch, both as part of a local part and as part of a domain; where the
//! `@` stands picks the judgement that counts. The compiler makes vector instructions of that, and no
//! branch waits to be guessed wrong at each `.` and `@`.

use super::KEY_BYTES_MAX;

/// Positions in a chunk, as the loop compares them.
const POSITIONS: [i8; 32] = {
    let mut positions = [0; 32];
    let mut position: i8 = 0;
    while position < 32 {
        positions[position as usize] = position;
        position += 1;
    }
    positions
};

/// Writes the key of `raw` and gives its length, or gives `None` and leaves the bytes unspecified.
///
/// Accepts `local@domain` of plain bytes without a trailing dot, ASCII white space around it. It takes
/// 8 to 63 bytes: within 63 no label, domain or local part is too long, and the widths below need no
/// fewer than 8.
#[inline]
pub(super) fn write(raw: &[u8], bytes: &mut [u8; KEY_BYTES_MAX]) -> Option<usize> {
    let raw = raw.trim_ascii();
    let at = memchr::memchr(b'@', raw)?;
    if at == 0 || matches!(raw.get(at + 1), None | Some(b'.')) || raw.ends_with(b".") {
        return None;
    }
    // One less than twice the width: the chunks share a byte, so any two dots in a row lie in one of them.
    match raw.len() {
        8..=15 => lower::<8>(raw, at, bytes),
        16..=31 => lower::<16>(raw, at, bytes),
        32..=63 => lower::<32>(raw, at, bytes),
        _ => None,
    }
}

/// Writes `raw` in lower case if every byte may stand where it does; the `@` at `at` is the first.
#[inline]
fn lower<const WIDTH: usize>(
    raw: &[u8],
    at: usize,
    bytes: &mut [u8; KEY_BYTES_MAX],
) -> Option<usize> {
    let at = i8::try_from(at).ok()?;
    let tail = raw.len().checked_sub(WIDTH)?;
    let first = chunk::<WIDTH>(raw.first_chunk()?, at);
    let last = chunk::<WIDTH>(raw.last_chunk()?, at - i8::try_from(tail).ok()?);
    *bytes.first_chunk_mut()? = first.0;
    *bytes.get_mut(tail..)?.first_chunk_mut()? = last.0;
    (first.1 & last.1).then_some(raw.len())
}

/// `chunk` in lower case, and whether every byte is allowed where it is. The `@` is at `at`, which may be
/// before the chunk or behind it.
#[inline]
fn chunk<const WIDTH: usize>(chunk: &[u8; WIDTH], at: i8) -> ([u8; WIDTH], bool) {
    let mut lower = *chunk;
    let mut next = [0; WIDTH];
    next[..WIDTH - 1].copy_from_slice(&chunk[1..]);
    let mut faults = 0;
    for (((lower, &after), &byte), &position) in
        lower.iter_mut().zip(&next).zip(chunk).zip(&POSITIONS)
    {
        let local = (position < at) & is_in_local(byte);
        let domain = (position > at) & is_in_domain(byte) & !((byte == b'.') & (after == b'.'));
        faults |= u8::from(!(local | domain | (position == at)));
        *lower |= u8::from(byte.is_ascii_uppercase()) << 5;
    }
    (lower, faults == 0)
}

/// Says whether `byte` may stand in a domain. Without short circuits, as all below: they would be
/// branches.
#[inline]
fn is_in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_') | (byte == b'.')
}

/// Says whether `byte` is atext or a dot: visible ASCII, and none of `"(),:;<>@[\]`.
#[inline]
fn is_in_local(byte: u8) -> bool {
    let special = (byte == b'"')
        | (byte == b'(')
        | (byte == b')')
        | (byte == b',')
        | matches!(byte, b':'..=b'<')
        | (byte == b'>')
        | (byte == b'@')
        | matches!(byte, b'['..=b']');
    byte.is_ascii_graphic() & !special
}
