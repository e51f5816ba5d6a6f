//! The fast normalisation accepts nothing the general one would not, and gives the same key and hash, whatever
//! stands behind the cell and was in the buffer before.

#![no_main]

use quell::address::{KeyBuffer, Policy};
use quell::index::{KeyHasher, SecretKey};
use std::cell::RefCell;

thread_local! {
    // Kept from run to run, so that what one address leaves behind would show in the next.
    static BUFFERS: RefCell<[KeyBuffer; 3]> = RefCell::default();
}

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    // What is left of the text stands behind the cell.
    let (cell_bytes, text) = input;
    let end = usize::from(cell_bytes).min(text.len());
    let policy = Policy::EXACT;
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    BUFFERS.with_borrow_mut(|[alone, within, general]| {
        let general = policy.key_without_shortcut(&text[..end], general).map(|key| key.as_bytes());
        let alone = policy.key(&text[..end], alone).map(|key| key.as_bytes());
        assert_eq!(alone, general, "the cell alone");
        let within = policy.key_in(text, 0..end, within);
        assert_eq!(
            within.map(|key| key.as_bytes()),
            general,
            "the cell among {} bytes",
            text.len()
        );
        if let (Ok(within), Ok(general)) = (within, general) {
            let (room, length) = within.in_room();
            assert_eq!(hasher.address_in(room, length), hasher.address(general), "the hash");
        }
    });
});
