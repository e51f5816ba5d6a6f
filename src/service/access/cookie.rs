//! The cookie that a session is shown by.

use super::sessions::LIFE;
use axum::http::{HeaderMap, HeaderValue, header};

/// Over plain HTTP, which a browser takes `__Host-` from not,
const PLAIN: &str = "quell_session";
/// and over HTTPS: no other host of the domain can set a cookie of this name, so nobody can be given a session that is
/// not their own.
const HOST_ONLY: &str = "__Host-quell_session";

/// What the request's cookie shows. More than one of the name is none: somebody put one there, and which can't be told.
pub(super) fn shown(headers: &HeaderMap, is_secure: bool) -> Option<&str> {
    let own = name(is_secure);
    let lines = headers.get_all(header::COOKIE).iter();
    let mut values = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == own)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// The header that has the browser show `session` from now on.
pub(super) fn set(session: &str, is_secure: bool) -> Option<HeaderValue> {
    line(session, LIFE.as_secs(), is_secure)
}

/// The header that has the browser forget what it shows.
pub(super) fn forget(is_secure: bool) -> Option<HeaderValue> {
    line("", 0, is_secure)
}

/// `HttpOnly`: no script sees it. `SameSite=Strict`: no other site's page sends it.
fn line(value: &str, seconds: u64, is_secure: bool) -> Option<HeaderValue> {
    let name = name(is_secure);
    let secure = if is_secure { "; Secure" } else { "" };
    let line =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::try_from(line).ok()
}

fn name(is_secure: bool) -> &'static str {
    if is_secure { HOST_ONLY } else { PLAIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &[&str], is_secure: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
        }
        shown(&headers, is_secure).map(str::to_owned)
    }

    #[test]
    fn one_cookie_of_the_name_is_taken() {
        let a = Some("a".to_owned());
        assert_eq!(seen(&["quell_session=a"], false), a);
        assert_eq!(seen(&["x=y; quell_session=a; z"], false), a);
        assert_eq!(seen(&["x=y;quell_session=a"], false), a);
        assert_eq!(seen(&["x=y", "quell_session=a"], false), a);
        assert_eq!(seen(&["quell_session=a=b"], false).as_deref(), Some("a=b"));
        assert_eq!(seen(&[], false), None);
        assert_eq!(seen(&["quell_session"], false), None);
        assert_eq!(seen(&["QUELL_SESSION=a"], false), None);
        assert_eq!(seen(&["quell_session2=a; xquell_session=a"], false), None);
    }

    #[test]
    fn two_of_the_name_are_none() {
        assert_eq!(seen(&["quell_session=a; quell_session=b"], false), None);
        assert_eq!(seen(&["quell_session=a", "quell_session=a"], false), None);
    }

    #[test]
    fn a_cookie_that_anybody_may_set_is_none_where_it_is_secure() {
        assert_eq!(seen(&["quell_session=a"], true), None);
        assert_eq!(seen(&["__Host-quell_session=a"], true).as_deref(), Some("a"));
        assert_eq!(seen(&["quell_session=b; __Host-quell_session=a"], true).as_deref(), Some("a"));
    }

    #[test]
    fn the_line_says_everything() {
        assert_eq!(
            set("abc", true).unwrap(),
            "__Host-quell_session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure"
        );
        assert_eq!(
            forget(false).unwrap(),
            "quell_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
        assert!(set("a\r\nb: c", false).is_none());
    }
}
