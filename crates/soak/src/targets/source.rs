//! Bytes of any file: decompressed, unpacked, decoded.

use quell::source::{Archive, Compression, Encoding, Format, UnpackLimits, text, unpack};
use std::io::Read;

const LIMITS: UnpackLimits =
    UnpackLimits { free_bytes: 1 << 20, ratio_max: 100, window_log_max: 20 };

/// As many bytes as are looked at.
const BYTES_MAX: u64 = 4 << 20;

/// Whatever a file's bytes are, they are decoded or refused; what is UTF-8 already stays as it is.
pub fn source(data: &[u8]) {
    let Ok(mut unpacked) = unpack(data, "fuzz", &LIMITS) else { return };
    let plain = unpacked.compression() == Compression::None;
    if plain && Format::of(data) == Format::Zip {
        if let Ok(mut archive) = Archive::spool(data, "fuzz.zip", &LIMITS) {
            for member in archive.members().to_vec() {
                if let Ok(start) = archive.read(&member) {
                    let _ = start.take(BYTES_MAX).read_to_end(&mut Vec::new());
                }
            }
        }
        return;
    }
    let mut bytes = Vec::new();
    if (&mut unpacked).take(BYTES_MAX).read_to_end(&mut bytes).is_err() {
        return;
    }
    if plain {
        assert_eq!(bytes, data, "what is not compressed stays as it is");
    }
    let Ok(mut decoded) = text(&bytes[..], "fuzz", None) else { return };
    let encoding = decoded.encoding();
    let mut out = Vec::new();
    if decoded.read_to_end(&mut out).is_err() {
        return;
    }
    assert!(std::str::from_utf8(&out).is_ok(), "{encoding:?} gives UTF-8");
    if encoding == Encoding::Utf8 {
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        assert_eq!(out, &bytes[mark..], "UTF-8 without its mark");
    }
}
