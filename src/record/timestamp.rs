//! An instant, in whole microseconds since 1970 (UTC).

use std::fmt;

/// An instant: microseconds since 1970-01-01T00:00:00Z. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// A text that is not one of the accepted forms of a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTime(String);

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a time; expected RFC 3339, `YYYY-MM-DD[ HH:MM[:SS]]` (UTC), RFC 2822 or \
             Unix seconds",
            self.0
        )
    }
}

impl std::error::Error for InvalidTime {}

impl Timestamp {
    /// The instant `micros` microseconds after 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads a time in any form of contract §4: RFC 3339, `YYYY-MM-DD[ HH:MM[:SS]]` (UTC), RFC 2822,
    /// Unix seconds. Surrounding space is ignored; fractions beyond microseconds are cut.
    ///
    /// ```
    /// use quell::record::Timestamp;
    ///
    /// let want = Timestamp::from_micros(1_767_225_600_000_000);
    /// for text in ["2026-01-01", "2026-01-01 00:00", "2026-01-01T01:00:00+01:00", "1767225600",
    ///              "Thu, 1 Jan 2026 00:00:00 +0000"] {
    ///     assert_eq!(Timestamp::parse(text)?, want);
    /// }
    /// assert!(Timestamp::parse("yesterday").is_err());
    /// # Ok::<(), quell::record::timestamp::InvalidTime>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidTime`] when the text is in none of these forms or outside the years −9999 to 9999.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let text = text.trim();
        let invalid = || InvalidTime(text.to_owned());
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds: i64 = text.parse().map_err(|_| invalid())?;
            let instant = jiff::Timestamp::from_second(seconds).map_err(|_| invalid())?;
            return Ok(Self(instant.as_microsecond()));
        }
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(instant.as_microsecond()));
        }
        if let Ok(instant) = jiff::fmt::rfc2822::parse(text) {
            return Ok(Self(instant.timestamp().as_microsecond()));
        }
        let civil = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .into_iter()
            .find_map(|format| {
                let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
                parsed
                    .to_datetime()
                    .or_else(|_| Ok::<_, jiff::Error>(parsed.to_date()?.into()))
                    .ok()
            })
            .ok_or_else(invalid)?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| invalid())?;
        Ok(Self(zoned.timestamp().as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}
