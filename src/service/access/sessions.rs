//! Sessions: what a person who signed in with a token shows instead of it. In memory only: a restart ends them all.

use super::tokens::Token;
use crate::error::{Error, Result};
use crate::record::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A session ends so long after it began, whatever happens,
pub(super) const LIFE: Duration = Duration::from_secs(12 * 3_600);
/// and so long after its last request.
pub(super) const IDLE: Duration = Duration::from_secs(3_600);
/// So many sessions one token may have; another one ends the oldest.
const A_TOKEN_MAX: usize = 64;

/// The sessions there are.
#[derive(Debug, Default)]
pub(in crate::service) struct Sessions(Mutex<HashMap<Secret, Session>>);

/// SHA-256 of what the browser shows: the thing itself is nowhere but there.
type Secret = [u8; 32];

/// What a session is called where it may be seen: not what it is shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::service) struct SessionId(u64);

/// A session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub id: SessionId,
    /// The digest of the token it began with. It may do what that token may, while there is that token.
    pub token: [u8; 32],
    pub began_at: Timestamp,
    pub used_at: Timestamp,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= LIFE
            || now.saturating_duration_since(self.used) >= IDLE
    }
}

/// The time, on the clock that never goes back and on the one that people read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub instant: Instant,
    pub timestamp: Timestamp,
}

impl Sessions {
    /// Begins a session, and gives what its cookie is to hold: 256 random bits, never what a client proposed.
    ///
    /// # Errors
    ///
    /// Untrusted when there are no random numbers.
    pub fn begin(&self, token: &Token, now: Moment) -> Result<String> {
        let mut random = [0; 40];
        getrandom::fill(&mut random)
            .map_err(|error| Error::untrusted(format!("no random numbers: {error}")))?;
        let (secret, id) = random.split_at(32);
        let shown = URL_SAFE_NO_PAD.encode(secret);
        let id = id.iter().fold(0, |id, byte| id << 8 | u64::from(*byte));
        let token = token.kept.digest;
        let Moment { instant, timestamp } = now;
        let mut held = self.held();
        held.retain(|_, session| !session.is_over(instant));
        let same = || held.iter().filter(|(_, session)| session.token == token);
        if same().count() >= A_TOKEN_MAX {
            let oldest = same().min_by_key(|(_, session)| session.used).map(|(secret, _)| *secret);
            oldest.and_then(|secret| held.remove(&secret));
        }
        let id = SessionId(id);
        let (began_at, used_at, began, used) = (timestamp, timestamp, instant, instant);
        held.insert(digest(&shown), Session { id, token, began_at, used_at, began, used });
        Ok(shown)
    }

    /// The session that is shown by this, used now. How long the look-up of a digest takes tells nothing of what it is
    /// the digest of.
    pub fn find(&self, shown: &str, now: Moment) -> Option<Session> {
        let secret = digest(shown);
        let mut held = self.held();
        let session = held.get_mut(&secret)?;
        if session.is_over(now.instant) {
            held.remove(&secret);
            return None;
        }
        (session.used, session.used_at) = (now.instant, now.timestamp);
        Some(session.clone())
    }

    /// Ends the session that is shown by this, if there is one.
    pub fn end(&self, shown: &str) -> Option<Session> {
        self.held().remove(&digest(shown))
    }

    /// Ends the session that is called this, if there is one.
    pub fn end_called(&self, id: SessionId) -> bool {
        let mut held = self.held();
        let before = held.len();
        held.retain(|_, session| session.id != id);
        held.len() < before
    }

    /// Ends those whose token `is_known` does not know.
    pub fn keep_those_of(&self, is_known: impl Fn(&[u8; 32]) -> bool) {
        self.held().retain(|_, session| is_known(&session.token));
    }

    /// Those there are, the last used first.
    pub fn all(&self, now: Moment) -> Vec<Session> {
        let mut held = self.held();
        held.retain(|_, session| !session.is_over(now.instant));
        let mut sessions: Vec<Session> = held.values().cloned().collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.used));
        sessions
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Secret, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(shown: &str) -> Secret {
    Sha256::digest(shown.as_bytes()).into()
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::rates::Rate;
    use super::*;
    use crate::ledger::{AccessToken, Role};
    use std::num::NonZeroU32;

    fn token(byte: u8) -> Token {
        let kept = AccessToken {
            name: format!("token {byte}"),
            role: Role::Operator,
            digest: [byte; 32],
            created_at: Timestamp::from_micros(0),
        };
        Token { kept, rate: Rate::new(NonZeroU32::MIN) }
    }

    fn after(start: Instant, seconds: u64) -> Moment {
        let timestamp = Timestamp::from_micros(0);
        Moment { instant: start + Duration::from_secs(seconds), timestamp }
    }

    #[test]
    fn a_session_is_found_by_what_was_given_out_only() {
        let sessions = Sessions::default();
        let now = after(Instant::now(), 0);
        let shown = sessions.begin(&token(1), now).unwrap();
        let other = sessions.begin(&token(1), now).unwrap();
        assert_ne!(shown, other);
        assert_eq!(shown.len(), 43);
        let session = sessions.find(&shown, now).unwrap();
        assert_eq!(session.token, [1; 32]);
        for wrong in ["", "x", &shown[1..], &shown.to_uppercase(), &session.id.to_string()] {
            assert!(sessions.find(wrong, now).is_none(), "{wrong}");
        }
        assert!(sessions.end(&shown).is_some());
        assert!(sessions.find(&shown, now).is_none());
        assert!(sessions.find(&other, now).is_some());
    }

    #[test]
    fn a_session_ends_an_hour_after_its_last_request_and_twelve_after_its_first() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let idle = sessions.begin(&token(1), after(start, 0)).unwrap();
        let busy = sessions.begin(&token(1), after(start, 0)).unwrap();
        for minutes in (0..720).step_by(59) {
            assert!(sessions.find(&busy, after(start, minutes * 60)).is_some(), "{minutes}");
        }
        assert!(sessions.find(&busy, after(start, 12 * 3_600 - 1)).is_some());
        assert!(sessions.find(&busy, after(start, 12 * 3_600)).is_none());
        // Once over, always over.
        assert!(sessions.find(&busy, after(start, 0)).is_none());
        assert!(sessions.find(&idle, after(start, 3_600)).is_none());
        assert!(sessions.find(&idle, after(start, 0)).is_none());
    }

    #[test]
    fn the_sessions_of_a_token_that_is_gone_are_over() {
        let sessions = Sessions::default();
        let now = after(Instant::now(), 0);
        let gone = sessions.begin(&token(1), now).unwrap();
        let kept = sessions.begin(&token(2), now).unwrap();
        sessions.keep_those_of(|digest| digest == &[2; 32]);
        assert!(sessions.find(&gone, now).is_none());
        assert!(sessions.find(&kept, now).is_some());
    }

    #[test]
    fn a_token_has_so_many_sessions_at_most() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let other = sessions.begin(&token(2), after(start, 0)).unwrap();
        let first = sessions.begin(&token(1), after(start, 1)).unwrap();
        for second in 0..A_TOKEN_MAX as u64 {
            sessions.begin(&token(1), after(start, 2 + second)).unwrap();
        }
        let now = after(start, 100);
        assert!(sessions.find(&first, now).is_none());
        assert!(sessions.find(&other, now).is_some());
        assert_eq!(sessions.all(now).len(), A_TOKEN_MAX + 1);
    }

    #[test]
    fn a_session_is_ended_by_its_name() {
        let sessions = Sessions::default();
        let now = after(Instant::now(), 0);
        let shown = sessions.begin(&token(1), now).unwrap();
        let id = sessions.find(&shown, now).unwrap().id;
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(sessions.end_called(id));
        assert!(!sessions.end_called(id));
        assert!(sessions.find(&shown, now).is_none());
    }
}
