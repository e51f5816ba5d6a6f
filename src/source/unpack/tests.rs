//! Compressed files whole, joined, padded, cut, flipped, and made to grow without end.

use super::*;
use flate2::write::GzEncoder;
use std::io::Write;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn read_with(bytes: &[u8], limits: &UnpackLimits) -> Result<(Compression, Vec<u8>)> {
    let mut unpacked = unpack(bytes, "list.csv", limits)?;
    let mut text = Vec::new();
    unpacked
        .read_to_end(&mut text)
        .map_err(|error| Error::reading(Path::new("list.csv"), error))?;
    Ok((unpacked.compression(), text))
}

fn read(bytes: &[u8]) -> Result<(Compression, Vec<u8>)> {
    read_with(bytes, &UnpackLimits::default())
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let error = read(bytes).map(|(_, text)| text.len()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Input);
    assert!(error.to_string().contains(words), "{error}: {words}");
    assert!(error.hint().is_some(), "{error}");
}

/// A text that no codec keeps in one block.
fn long_text() -> Vec<u8> {
    (0..60_000u64)
        .flat_map(|row| {
            let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("p{row}@example.com,{mixed:x}\n").into_bytes()
        })
        .collect()
}

#[test]
fn plain_bytes_are_given_as_they_are() {
    for text in [&b""[..], b"\x1f", b"email\n", &long_text()] {
        assert_eq!(read(text).unwrap(), (Compression::None, text.to_vec()));
    }
}

#[test]
fn compressed_files_are_decompressed_whatever_their_length() {
    for text in [&b""[..], b"email\n", &long_text()] {
        assert_eq!(read(&gzip(text)).unwrap(), (Compression::Gzip, text.to_vec()));
        assert_eq!(read(&zstandard(text)).unwrap(), (Compression::Zstd, text.to_vec()));
    }
}

#[test]
fn members_and_frames_stand_one_after_the_other() {
    let parts: [&[u8]; 4] = [b"email\n", b"", b"ann@example.com\n", &long_text()];
    let whole = parts.concat();
    assert_eq!(read(&parts.map(gzip).concat()).unwrap().1, whole);
    assert_eq!(read(&parts.map(zstandard).concat()).unwrap().1, whole);
    let skipped = b"\x53*M\x18\x03\x00\x00\x00any";
    let frames = [&skipped[..], &zstandard(b"email\n"), skipped, &zstandard(b"x\n"), skipped];
    assert_eq!(read(&frames.concat()).unwrap(), (Compression::Zstd, b"email\nx\n".to_vec()));
}

#[test]
fn zeros_behind_gzip_data_are_padding_and_anything_else_is_an_error() {
    let data = gzip(b"email\n");
    for zeros in [1, 511, 300_000] {
        let padded = [&data[..], &vec![0; zeros]].concat();
        assert_eq!(read(&padded).unwrap().1, b"email\n");
        refused(&[&padded[..], b"x"].concat(), "something else stands behind the end");
    }
    refused(&[&data[..], b"ann@example.com\n"].concat(), "something else stands behind");
    // The start of a member that is none.
    refused(&[&data[..], b"\x1f\x8b"].concat(), "too early");
    refused(&[&data[..], b"\x1f\x8c\x08\0\0\0\0\0\0\0\0"].concat(), "damaged");
    refused(&[&zstandard(b"email\n")[..], b"garbage"].concat(), "damaged");
    refused(&[&zstandard(b"email\n")[..], &[0; 512]].concat(), "damaged");
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error_with_its_place() {
    let text = b"email\nann@example.com\nbob@example.com\n".repeat(3);
    for data in [gzip(&text), zstandard(&text)] {
        let two = [&data[..], &data].concat();
        for length in 0..two.len() {
            let whole = length == 0 || length == data.len();
            let cut = read(&two[..length]);
            match cut {
                Ok((compression, got)) if whole => {
                    assert!(length == 0 && got.is_empty() || got == text, "{compression}");
                }
                // Less than a magic is text, and no CSV with an address column.
                Ok((Compression::None, got)) => {
                    assert!(length < 4 && got == two[..length], "{length}");
                }
                Ok((compression, _)) => panic!("{compression} cut at {length} looks whole"),
                Err(error) => {
                    let words = format!("at byte {length} ");
                    assert!(error.to_string().contains(&words), "{error}: {words}");
                }
            }
        }
    }
}

#[test]
fn a_long_file_that_is_cut_is_an_error() {
    let text = long_text();
    for data in [gzip(&text), zstandard(&text)] {
        for length in [data.len() - 1, data.len() - 9, data.len() / 2, 70_000, 66_000] {
            refused(&data[..length], "too early");
        }
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_changes_nothing() {
    let text = b"email,list\nann@example.com,news\nbob@example.com,offers\n".repeat(2);
    for data in [gzip(&text), zstandard(&text)] {
        for at in 0..data.len() {
            for bit in 0..8 {
                let mut flipped = data.clone();
                flipped[at] ^= 1 << bit;
                if let Ok((compression, got)) = read(&flipped) {
                    let unknown = compression == Compression::None && at < 4 && got == flipped;
                    assert!(unknown || got == text, "bit {bit} of byte {at} changed the text");
                }
            }
        }
    }
}

#[test]
fn a_wrong_checksum_is_an_error() {
    let mut data = zstandard(b"email\n");
    *data.last_mut().unwrap() ^= 1;
    refused(&data, "checksum");
    let mut data = gzip(b"email\n");
    let at = data.len() - 6;
    data[at] ^= 1;
    refused(&data, "damaged");
}

#[test]
fn data_that_grow_without_end_are_refused_beyond_what_is_free() {
    let limits = UnpackLimits { free_bytes: 1 << 20, ratio_max: 100, ..UnpackLimits::default() };
    let zeros = vec![0; 3 << 20];
    for data in [gzip(&zeros), zstandard(&zeros)] {
        let error = read_with(&data, &limits).unwrap_err();
        assert!(error.to_string().contains("more than 100 : 1"), "{error}");
        assert!(read(&data).is_ok(), "below a gibibyte nothing is");
        assert!(read_with(&data, &UnpackLimits { free_bytes: 4 << 20, ..limits }).is_ok());
        assert!(read_with(&data, &UnpackLimits { ratio_max: 1 << 30, ..limits }).is_ok());
    }
    // A file whose every row has something of its own passes easily.
    let text = long_text();
    let limits = UnpackLimits { free_bytes: 1, ..limits };
    assert_eq!(read_with(&gzip(&text), &limits).unwrap().1, text);
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    let text = long_text();
    encoder.write_all(&text).unwrap();
    let data = encoder.finish().unwrap();
    assert_eq!(read(&data).unwrap().1, text);
    let limits = UnpackLimits { window_log_max: 20, ..UnpackLimits::default() };
    assert!(read_with(&data, &limits).is_err());
}

#[test]
fn only_one_layer_is_read() {
    let inner = b"email\n";
    refused(&gzip(&gzip(inner)), "inside a gzip file");
    refused(&zstandard(&gzip(inner)), "inside a zstd file");
    refused(&gzip(&zstandard(inner)), "inside a gzip file");
    refused(&gzip(b"PK\x03\x04..."), "inside a gzip file");
}

#[test]
fn a_file_named_as_compressed_that_is_neither_is_refused() {
    let mut data = gzip(b"email\n");
    data[0] = 0;
    assert!(unpack(&data[..], "list.csv.gz", &UnpackLimits::default()).is_err());
    assert!(unpack(&b"email\n"[..], "list.csv.gz", &UnpackLimits::default()).is_ok());
}

/// A reader that fails after some bytes, as a disk does.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_disk_that_fails_is_not_told_as_damaged_data() {
    let data = gzip(&long_text());
    let mut unpacked =
        unpack(Failing(&data[..100_000]), "list.csv", &UnpackLimits::default()).unwrap();
    let error = unpacked.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert!(unpacked.read(&mut [0; 8]).is_err(), "an error stays one");
}

#[test]
fn the_input_comes_back_read_to_its_end() {
    for data in [gzip(b"email\n"), zstandard(b"email\n"), b"email\n".to_vec()] {
        let mut unpacked =
            unpack(Cursor::new(data.clone()), "x", &UnpackLimits::default()).unwrap();
        unpacked.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(unpacked.into_inner().unwrap().position(), data.len() as u64);
    }
}
