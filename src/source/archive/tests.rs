//! Archives whole, cut, with wrong checksums, and with names and contents that mean harm.

use super::*;
use std::io::{Cursor, Write};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

fn zipped(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        if name.ends_with('/') {
            zip.add_directory(*name, options).unwrap();
        } else {
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn open(bytes: &[u8]) -> Result<Archive> {
    Archive::spool(bytes, "export.zip", &UnpackLimits::default())
}

fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut archive = open(bytes)?;
    let mut files = Vec::new();
    for member in archive.members().to_vec() {
        let mut text = Vec::new();
        archive
            .read(&member)?
            .read_to_end(&mut text)
            .map_err(|error| Error::reading(Path::new("export.zip"), error))?;
        files.push((member.name, text));
    }
    Ok(files)
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let error = read_all(bytes).map(|files| files.len()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Input);
    assert!(error.to_string().contains(words), "{error}: {words}");
}

const FILES: [(&str, &[u8]); 2] =
    [("a/unsubscribed.csv", b"email\nann@example.com\n"), ("cleaned.csv", b"")];

#[test]
fn the_files_of_an_archive_are_read_in_its_order() {
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let with_others = [
            ("a/", &b""[..]),
            FILES[0],
            ("__MACOSX/a/._unsubscribed.csv", b"\0\x05"),
            (".DS_Store", b"\0"),
            FILES[1],
        ];
        let want = FILES.map(|(name, text)| (name.to_owned(), text.to_vec()));
        assert_eq!(read_all(&zipped(&with_others, method)).unwrap(), want);
    }
    assert!(read_all(&zipped(&[], CompressionMethod::Stored)).unwrap().is_empty());
}

#[test]
fn a_name_is_a_name_whatever_it_looks_like() {
    let names = ["../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a\n\x1b[31m.csv"];
    let files = names.map(|name| (name, &b"email\n"[..]));
    let read = read_all(&zipped(&files, CompressionMethod::Stored)).unwrap();
    assert_eq!(read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
}

#[test]
fn an_archive_that_is_cut_anywhere_is_an_error() {
    let bytes = zipped(&FILES, CompressionMethod::Deflated);
    for length in 0..bytes.len() {
        assert!(read_all(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_changes_no_text() {
    let bytes = zipped(&FILES, CompressionMethod::Deflated);
    let want: Vec<_> = FILES.iter().map(|(_, text)| text.to_vec()).collect();
    let mut refused = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            // Names, times and permissions have no checksum; a file may become a folder by its mode.
            match read_all(&flipped) {
                Ok(files) => {
                    for (name, text) in files {
                        assert!(want.contains(&text), "bit {bit} of byte {at}: {name}");
                    }
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > bytes.len(), "{refused} of {} bits", bytes.len() * 8);
}

#[test]
fn what_is_not_read_is_told() {
    let stored = CompressionMethod::Stored;
    refused(&zipped(&[("[Content_Types].xml", b"<x/>")], stored), "a spreadsheet");
    refused(&zipped(&[("x.csv.gz", b"\x1f\x8b\x08")], stored), "compressed or binary");
    refused(&zipped(&[("x.zip", &zipped(&FILES, stored))], stored), "compressed or binary");
    // An encrypted member: the first bit of its flags, in both of its headers.
    let mut bytes = zipped(&FILES[..1], stored);
    bytes[6] |= 1;
    let central = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    bytes[central + 8] |= 1;
    refused(&bytes, "is encrypted");
    // A method that nobody reads.
    let mut bytes = zipped(&FILES[..1], stored);
    bytes[8] = 97;
    bytes[central + 10] = 97;
    refused(&bytes, "can't be read");
}

#[test]
fn a_member_that_grows_without_end_is_refused() {
    let zeros = vec![b'0'; 3 << 20];
    let bytes = zipped(&[("x.csv", &zeros)], CompressionMethod::Deflated);
    let limits = UnpackLimits { free_bytes: 1 << 20, ratio_max: 100, ..UnpackLimits::default() };
    let mut archive = Archive::spool(&bytes[..], "x.zip", &limits).unwrap();
    let member = archive.members()[0].clone();
    let error = archive.read(&member).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("grows without end"), "{error}");
    // One that lies about its length: in the central directory, which is what counts.
    let mut lying = bytes.clone();
    let central = memchr::memmem::find(&lying, b"PK\x01\x02").unwrap();
    lying[central + 24..central + 28].copy_from_slice(&5u32.to_le_bytes());
    refused(&lying, "not as long");
}

#[test]
fn files_that_share_their_bytes_are_a_trick() {
    let bytes = zipped(&[FILES[0], ("b/unsubscribed.csv", FILES[0].1)], CompressionMethod::Stored);
    // The second entry of the directory points at the first file, too.
    let mut shared = bytes.clone();
    let first = memchr::memmem::find(&shared, b"PK\x01\x02").unwrap();
    let second = first + 4 + memchr::memmem::find(&shared[first + 4..], b"PK\x01\x02").unwrap();
    shared[second + 42..second + 46].copy_from_slice(&0u32.to_le_bytes());
    refused(&shared, "overlap");
}
