//! The times vendors write.

use crate::record::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Reads a time in a form of [`Timestamp::parse`], or in one of those only vendors use: Unix milliseconds
/// and Unix seconds with a fraction, `YYYYMMDD`, `YYYYMMDD[T]HHMMSS`, RFC 2822 with `UTC`, and what Go's
/// `time.String` writes. Without a zone it is UTC. `None` for anything else: `3/4/2026` is two days, and
/// no time.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::parse(text).ok().or_else(|| other(text));
    }
    match text.len() {
        // As seconds these were days of 1970: before e-mail, and long before its vendors.
        8 => civil("%Y%m%d", text),
        // Unix milliseconds begin where Unix seconds end, with the year 10000.
        13 => text.parse::<i64>().ok()?.checked_mul(1000).map(Timestamp::from_micros),
        14 => civil("%Y%m%d%H%M%S", text),
        _ => Timestamp::parse(text).ok(),
    }
}

fn other(text: &str) -> Option<Timestamp> {
    if let Some(time) = text.strip_suffix(" UTC").and_then(|rest| {
        Timestamp::parse(&format!("{rest} GMT")).or_else(|_| Timestamp::parse(rest)).ok()
    }) {
        return Some(time);
    }
    civil("%Y%m%dT%H%M%S", text).or_else(|| fraction(text)).or_else(|| go(text))
}

/// A time of no zone, read as UTC.
fn civil(format: &str, text: &str) -> Option<Timestamp> {
    let parsed = strtime::parse(format, text).ok()?;
    let date_time: DateTime =
        parsed.to_datetime().or_else(|_| parsed.to_date().map(Into::into)).ok()?;
    let instant = date_time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// Unix seconds with a fraction: `1790083507.123456`.
fn fraction(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let seconds = Timestamp::parse(seconds).ok()?.as_micros();
    Some(Timestamp::from_micros(seconds.checked_add(micros.parse().ok()?)?))
}

/// `2006-01-02 15:04:05.999999999 -0700 MST`, and ` m=+0.000000001` behind it.
fn go(text: &str) -> Option<Timestamp> {
    let mut words = text.split_ascii_whitespace();
    let (date, time, offset) = (words.next()?, words.next()?, words.next()?);
    let _zone = words.next()?;
    if words.next().is_some_and(|word| !word.starts_with("m=")) {
        return None;
    }
    let parsed =
        strtime::parse("%Y-%m-%d %H:%M:%S%.f %z", format!("{date} {time} {offset}")).ok()?;
    Some(Timestamp::from_micros(parsed.to_timestamp().ok()?.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendors_time_is_the_same_instant() {
        let want = Timestamp::parse("2011-10-21T11:02:55Z").unwrap();
        for text in [
            "1319194975",
            "1319194975000",
            "1319194975.0",
            "Fri, 21 Oct 2011 11:02:55 GMT",
            "Fri, 21 Oct 2011 11:02:55 UTC",
            "Fri, 21 Oct 2011 13:02:55 +0200",
            "2011-10-21 11:02:55",
            "2011-10-21 11:02:55.0000",
            "2011-10-21 11:02:55 UTC",
            "2011-10-21T11:02:55",
            "20111021T110255",
            "20111021110255",
            "2011-10-21 11:02:55 +0000 UTC",
            "2011-10-21 13:02:55.000000000 +0200 CEST m=+0.012",
        ] {
            assert_eq!(parse(text), Some(want), "{text}");
        }
        assert_eq!(parse("20111021"), Timestamp::parse("2011-10-21").ok());
        let micros = parse("2015-11-03 10:22:19.9567").unwrap().as_micros();
        assert_eq!(micros % 1_000_000, 956_700);
    }

    #[test]
    fn a_time_that_may_be_two_is_none() {
        for text in [
            "",
            "3/4/2026",
            "03/24/2016 10:22",
            "yesterday",
            "20111332",
            "99999999999999",
            "1.2.3",
            "N/A",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
