//! Each way a manifest can be wrong has its own words, and no wrong one is taken.

use super::*;
use crate::ErrorKind;
use crate::segment::Identity;
use crate::storage::Memory;

fn identity() -> IndexIdentity {
    IndexIdentity {
        ledger_id: "a \"ledger\"".to_owned(),
        segment: Identity { key_id: 7, policy: 3 },
    }
}

fn manifest() -> Manifest {
    let segment = |name: &str, generation| Meta {
        name: name.to_owned(),
        bytes: 4096,
        entries: 9,
        tombstones: 2,
        generation,
    };
    Manifest {
        ledger_id: identity().ledger_id,
        key_id: 7,
        policy: 3,
        generation: u64::MAX,
        cursor: 41,
        mark: -3,
        created_at: Timestamp::from_micros(-5),
        compiled_at: Timestamp::from_micros(i64::MAX),
        dictionary: true,
        segments: vec![segment("b.seg", 1), segment("a.seg", 2)],
    }
}

/// A sound checksum line under any two lines.
fn sealed(lines: &str) -> Vec<u8> {
    format!("{lines}{}\n", checksum_line(lines)).into_bytes()
}

fn refusal(bytes: &[u8]) -> String {
    let error = Manifest::parse(bytes, &identity()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert!(error.hint().is_some_and(|hint| hint.contains("quell compile --full")), "{error}");
    error.to_string()
}

#[test]
fn what_was_written_is_read() {
    let bytes = manifest().to_bytes().unwrap();
    let back = Manifest::parse(&bytes, &identity()).unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", manifest()));
}

/// The file format, byte for byte (docs/format.md).
#[test]
fn the_text_is_as_documented() {
    let text = String::from_utf8(manifest().to_bytes().unwrap()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "quell manifest 1");
    assert_eq!(
        lines[1],
        r#"{"ledger_id":"a \"ledger\"","key_id":"0000000000000007","policy":3,"#.to_owned()
            + r#""generation":18446744073709551615,"cursor":41,"mark":-3,"created_at":-5,"#
            + r#""compiled_at":9223372036854775807,"dictionary":true,"segments":["#
            + r#"{"name":"b.seg","bytes":4096,"entries":9,"tombstones":2,"generation":1},"#
            + r#"{"name":"a.seg","bytes":4096,"entries":9,"tombstones":2,"generation":2}]}"#
    );
    assert_eq!((lines[2].len(), lines.len()), (9 + 32, 3));
}

#[test]
fn any_changed_byte_and_any_cut_is_refused() {
    let sound = manifest().to_bytes().unwrap();
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            refusal(&bytes);
        }
        refusal(&sound[..at]);
    }
    for more in [&b"\n"[..], b"x", &sound] {
        refusal(&[&sound, more].concat());
    }
}

#[test]
fn each_fault_says_what_and_where() {
    assert_eq!(
        Manifest::read(&Memory::new()).unwrap_err().to_string(),
        "index missing: there is no manifest"
    );
    assert_eq!(refusal(b""), "index manifest: truncated: it does not end with its checksum line");
    let text = String::from_utf8(manifest().to_bytes().unwrap()).unwrap();
    let changed = refusal(text.replace("41", "42").as_bytes());
    assert!(
        changed.starts_with("index manifest: damaged: its last line is `xxh3-128 "),
        "{changed}"
    );
    assert_eq!(
        refusal(b"PK\x03\x04"),
        "index manifest: damaged: it does not begin with `quell manifest`"
    );
    assert_eq!(
        refusal(b"quell manifest 2\nanything at all"),
        "index manifest: format version 2, this build reads up to 1"
    );
    let error = Manifest::parse(b"quell manifest 2\n", &identity()).unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.starts_with("upgrade quell")));
}

#[test]
fn another_store_s_manifest_is_refused_by_what_differs() {
    let foreign = |change: fn(&mut Manifest)| {
        let mut manifest = manifest();
        change(&mut manifest);
        refusal(&manifest.to_bytes().unwrap())
    };
    assert_eq!(
        foreign(|manifest| manifest.ledger_id = "other\n".to_owned()),
        r#"index manifest: made from ledger `other\n`, this store's is `a "ledger"`"#
    );
    assert_eq!(
        foreign(|manifest| manifest.key_id = 8),
        "index manifest: made with another secret key: key 0000000000000008, this store has \
         0000000000000007"
    );
    assert_eq!(
        foreign(|manifest| manifest.policy = 0),
        "index manifest: made under address policy 0, this store has 3"
    );
}

/// A field this build does not know may mean anything: that the answers are not to be used, too.
#[test]
fn an_unknown_or_missing_field_is_refused_under_a_sound_checksum() {
    let text = String::from_utf8(manifest().to_bytes().unwrap()).unwrap();
    let line = text.lines().nth(1).unwrap();
    let with = |line: &str| refusal(&sealed(&format!("quell manifest 1\n{line}\n")));
    assert!(with(&line.replacen('{', r#"{"until":5,"#, 1)).contains("unknown field `until`"));
    assert!(with(&line.replace(r#""cursor":41,"#, "")).contains("missing field `cursor`"));
    assert!(with(&line.replace(r#""policy":3"#, r#""policy":3,"policy":3"#)).contains("duplicate"));
    with("");
    with("[]");
}
