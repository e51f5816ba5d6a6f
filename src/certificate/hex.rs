//! Bytes as lower-case hexadecimal digits.

/// The digits of `bytes`, two a byte.
pub(super) fn digits(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs.map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// The `N` bytes that `text` has the digits of: exactly two each, in lower case.
pub(super) fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (value(*high)? << 4) | value(*low)?;
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_bytes_are_inverse_and_nothing_else_is_taken() {
        let all: [u8; 256] = std::array::from_fn(|byte| u8::try_from(byte).unwrap());
        assert_eq!(bytes(digits(&all).as_bytes()), Some(all));
        assert_eq!(digits(&[0, 15, 255]), "000fff");
        for text in ["0", "000", "0g", "0F", "00 ", ""] {
            assert_eq!(bytes::<1>(text.as_bytes()), None, "{text:?}");
        }
    }
}
