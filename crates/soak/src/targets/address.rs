//! Normalisation.

use crate::trial::policies;
use quell::address::{KeyBuffer, Policy};
use quell::index::{KeyHasher, SecretKey};
use std::cell::RefCell;
use std::sync::LazyLock;

thread_local! {
    // Kept from run to run, so that what one address leaves behind would show in the next.
    static BUFFERS: RefCell<[KeyBuffer; 3]> = RefCell::default();
}

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(policies);

/// The fast normalisation accepts nothing the general one would not, and gives the same key and hash,
/// whatever stands behind the cell and was in the buffer before; and a key's key is itself.
///
/// The first byte is the cell's length, the second chooses a policy besides the exact one.
pub fn address(data: &[u8]) {
    let [length, policy, text @ ..] = data else { return };
    let end = usize::from(*length).min(text.len());
    let other = POLICIES[usize::from(*policy) % POLICIES.len()];
    for policy in [Policy::EXACT, other] {
        BUFFERS.with_borrow_mut(|buffers| agree(policy, text, end, buffers));
    }
}

fn agree(policy: Policy, text: &[u8], end: usize, [alone, within, general]: &mut [KeyBuffer; 3]) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    let general = policy.key_without_shortcut(&text[..end], general).map(|key| key.as_bytes());
    let alone = policy.key(&text[..end], alone).map(|key| key.as_bytes());
    assert_eq!(alone, general, "the cell alone");
    let within = policy.key_in(text, 0..end, within);
    let within_key = within.as_ref().map(|key| key.as_bytes()).map_err(Clone::clone);
    assert_eq!(within_key, general, "the cell among {} bytes", text.len());
    if let (Ok(within), Ok(general)) = (within, general) {
        let (room, length) = within.in_room();
        assert_eq!(hasher.address_in(room, length), hasher.address(general), "the hash");
        let mut again = KeyBuffer::default();
        let again = policy.key(general, &mut again).map(|key| key.as_bytes());
        assert_eq!(again, Ok(general), "a key's key");
    }
}
