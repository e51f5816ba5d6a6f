//! The addresses near one address, as an automaton over the dictionary.

use super::kinds::{fold_case, folded};
use crate::address::is_yahoo;
use fst::Automaton;

/// No place in a domain.
const NOWHERE: u8 = u8::MAX;

/// Accepts the keys that [`between`](super::kinds::between) has kinds for, and few others.
///
/// Two automata run side by side on the bits of a word, one a place in the local part: one lets a character be
/// wrong, missing or one too many; the other passes over dots, folds case and leaves the local part at a `+`.
/// After the `@` the domain must be the address's own, or Gmail's other one.
pub(super) struct Near {
    plain: Places,
    folded: Places,
    domain: Vec<u8>,
    /// Gmail's other domain, at Gmail.
    other: Option<&'static [u8]>,
    /// Whether a `-` begins a tag too.
    dash: bool,
}

/// For each character, the places of a text where it stands.
struct Places {
    ascii: [u128; 128],
    others: Vec<(char, u128)>,
    /// The bit of the end.
    end: u128,
}

/// How far a key was read.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// Places reached without an edit, and with one at most.
    without: u128,
    edited: u128,
    /// Places reached in the folded text.
    folded: u128,
    /// In a tag.
    tag: bool,
    /// How much of the domain was read: after an edit, after folding, and of the other domain.
    domains: [u8; 3],
    /// A character that is not complete, and how many bytes it lacks.
    partial: u32,
    lacking: u8,
}

impl Near {
    /// The automaton of `key`; `None` for a local part in quotes, which is near nothing.
    pub(super) fn new(key: &str) -> Option<Self> {
        let (local, domain) = key.rsplit_once('@')?;
        let folded = folded(key, None);
        let (folded, _) = folded.rsplit_once('@')?;
        if local.starts_with('"') {
            return None;
        }
        Some(Self {
            plain: Places::new(local)?,
            folded: Places::new(folded)?,
            other: match domain {
                "gmail.com" => Some(b"googlemail.com"),
                "googlemail.com" => Some(b"gmail.com"),
                _ => None,
            },
            dash: is_yahoo(domain.as_bytes()),
            domain: domain.as_bytes().to_vec(),
        })
    }

    /// One more character of the local part.
    fn step(&self, state: &mut State, c: char) {
        let here = self.plain.of(c);
        let limit = self.plain.end << 1;
        let without = (state.without & here) << 1;
        // Right; wrong; one too many; then one that is missing.
        let edited = (state.edited & here) << 1 | state.without << 1 | state.without | without << 1;
        (state.without, state.edited) = (without, edited & (limit - 1));
        match c {
            _ if state.tag => {}
            '.' => state.folded |= (state.folded & self.folded.of(c)) << 1,
            _ => {
                let ends = c == '+' || (c == '-' && self.dash);
                state.tag |= ends && state.folded & self.folded.end != 0;
                state.folded = if c.is_ascii() {
                    (state.folded & self.folded.of(c)) << 1
                } else {
                    fold_case(c).fold(state.folded, |places, c| (places & self.folded.of(c)) << 1)
                };
            }
        }
        if state.tag {
            state.folded = 0;
        }
    }

    /// The `@`: only what is at the end of a local part goes on.
    fn enter_domain(&self, state: &State) -> State {
        let mut domains = [NOWHERE; 3];
        if (state.without | state.edited) & self.plain.end != 0 {
            domains[0] = 0;
        }
        if state.tag || state.folded & self.folded.end != 0 {
            domains[1] = 0;
            domains[2] = if self.other.is_some() { 0 } else { NOWHERE };
        }
        State { without: 0, edited: 0, folded: 0, tag: false, domains, ..*state }
    }

    fn domain(&self, number: usize) -> &[u8] {
        if number == 2 { self.other.unwrap_or_default() } else { &self.domain }
    }
}

impl Places {
    fn new(text: &str) -> Option<Self> {
        let mut places = Self { ascii: [0; 128], others: Vec::new(), end: 1 };
        for c in text.chars() {
            let bit = places.end;
            match places.ascii.get_mut(c as usize) {
                Some(known) => *known |= bit,
                None => places.others.push((c, bit)),
            }
            // A bit beyond the end must be there too. No local part of a key is near that long.
            places.end = bit.checked_shl(1).filter(|end| *end < 1 << 126)?;
        }
        Some(places)
    }

    fn of(&self, c: char) -> u128 {
        match self.ascii.get(c as usize) {
            Some(places) => *places,
            None => self.others.iter().filter(|(other, _)| *other == c).map(|(_, bit)| bit).sum(),
        }
    }
}

impl Automaton for Near {
    type State = State;

    fn start(&self) -> State {
        State {
            without: 1,
            edited: 0b11,
            folded: 1,
            tag: false,
            domains: [NOWHERE; 3],
            partial: 0,
            lacking: 0,
        }
    }

    fn is_match(&self, state: &State) -> bool {
        state.domains.iter().enumerate().any(|(number, &read)| {
            read != NOWHERE && usize::from(read) == self.domain(number).len()
        })
    }

    fn can_match(&self, state: &State) -> bool {
        (state.without | state.edited | state.folded) != 0
            || state.tag
            || state.domains != [NOWHERE; 3]
    }

    fn accept(&self, state: &State, byte: u8) -> State {
        let mut next = *state;
        if state.domains != [NOWHERE; 3] {
            for (number, read) in next.domains.iter_mut().enumerate() {
                let right = self.domain(number).get(usize::from(*read)) == Some(&byte);
                *read = if right && *read != NOWHERE { *read + 1 } else { NOWHERE };
            }
            return next;
        }
        // Keys are UTF-8.
        (next.partial, next.lacking) = match byte {
            b'@' => return self.enter_domain(state),
            ..0x80 => (u32::from(byte), 0),
            0x80..0xC0 => {
                (state.partial << 6 | u32::from(byte & 0x3F), state.lacking.saturating_sub(1))
            }
            0xC0..0xE0 => (u32::from(byte & 0x1F), 1),
            0xE0..0xF0 => (u32::from(byte & 0x0F), 2),
            0xF0.. => (u32::from(byte & 0x07), 3),
        };
        if next.lacking == 0 {
            let c = char::from_u32(next.partial).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.step(&mut next, c);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::between;
    use super::*;
    use proptest::prelude::*;

    fn accepts(near: &Near, key: &str) -> bool {
        let mut state = near.start();
        for byte in key.bytes() {
            state = near.accept(&state, byte);
            if !near.can_match(&state) {
                return false;
            }
        }
        near.is_match(&state)
    }

    fn key() -> impl Strategy<Value = String> {
        let local = "[abs.+-]{1,5}|(a|s|\u{df}|\u{e9}|\u{3c3}|\u{3c2}|\u{1F600}|\\.|\\+){1,5}";
        let domain = prop::sample::select(vec![
            "gmail.com",
            "googlemail.com",
            "yahoo.com",
            "example.com",
            "gmail.com.example",
        ]);
        (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_key_that_is_near_is_accepted(one in key(), other in key()) {
            let near = Near::new(&one).unwrap();
            prop_assert!(accepts(&near, &one));
            if between(&one, &other).is_some() {
                prop_assert!(accepts(&near, &other), "{} {}", one, other);
            }
        }
    }

    #[test]
    fn the_longest_local_parts_have_room_and_most_keys_are_refused() {
        let long = "a".repeat(64);
        let near = Near::new(&format!("{long}@example.com")).unwrap();
        assert!(accepts(&near, &format!("{long}b@example.com")));
        assert!(accepts(&near, &format!("{}@example.com", &long[1..])));
        assert!(!accepts(&near, &format!("{}@example.com", &long[2..])));
        assert!(!accepts(&near, &format!("{long}@example.org")));
        assert!(!accepts(&near, &format!("{long}@example.co")));
        assert!(Near::new("\"a b\"@example.com").is_none());
    }
}
