//! The fast normalisation accepts nothing the general one would not, and gives the same key.

#![no_main]

use quell::address::{KeyBuffer, Policy};

libfuzzer_sys::fuzz_target!(|cell: &[u8]| {
    let (mut fast, mut general) = (KeyBuffer::new(), KeyBuffer::new());
    let policy = Policy::EXACT;
    let fast = policy.key(cell, &mut fast).map(|key| key.as_bytes().to_vec());
    let general = policy.key_without_shortcut(cell, &mut general).map(|key| key.as_bytes().to_vec());
    assert_eq!(fast, general);
});
