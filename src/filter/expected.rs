//! The share of rows that a run is expected to withhold.

use super::select::Tally;
use crate::error::{Error, Result};
use std::fmt;

/// Digits behind the point that a bound may have: more say nothing of fewer than 10^15 rows, and all
/// products stay in 128 bits.
const DECIMALS_MAX: usize = 15;

/// A range of shares of the rows read, ends included.
///
/// ```
/// use quell::filter::ExpectedShare;
///
/// let expected = ExpectedShare::parse("1%..5%")?;
/// assert!(expected.holds(1, 100) && expected.holds(5, 100));
/// assert!(!expected.holds(51, 1000) && !expected.holds(0, 0));
/// assert_eq!(ExpectedShare::parse("0.01..0.05")?, expected);
/// # Ok::<(), quell::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedShare {
    least: Option<Share>,
    most: Option<Share>,
}

/// A number from 0 to 1, in units of 10^-17: [`DECIMALS_MAX`] and two more for the per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Share(u64);

const ONE: u64 = 10_u64.pow(17);

impl ExpectedShare {
    /// Reads `MIN..MAX`: shares from 0 to 1 or in per cent, ends included; one end may be missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for anything else: a number over 1 without `%`, MIN over
    /// MAX, both ends missing.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let Some((least, most)) = text.split_once("..") else {
            return Err(wrong(text, "it is no range").with_hint(
                "write the least and the most share with two points between: `1%..5%`",
            ));
        };
        let bound = |bound: &str| match bound.trim() {
            "" => Ok(None),
            bound => Share::parse(bound, text).map(Some),
        };
        let (least, most) = (bound(least)?, bound(most)?);
        if least.is_none() && most.is_none() {
            return Err(wrong(text, "it has neither end")
                .with_hint("give the least share, the most, or both: `1%..5%`"));
        }
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            return Err(wrong(text, "its least share is over its most"))
                .map_err(|error| error.with_hint("write `%` behind both ends: `1%..5%`"));
        }
        Ok(Self { least, most })
    }

    /// Says whether so many withheld rows of those read are expected. No rows are a share of 0. Exact.
    #[must_use]
    pub fn holds(&self, withheld: u64, read: u64) -> bool {
        // 64 bits times 57.
        let withheld = u128::from(withheld) * u128::from(ONE);
        let of = |share: Share| u128::from(share.0) * u128::from(read.max(1));
        self.least.is_none_or(|least| withheld >= of(least))
            && self.most.is_none_or(|most| withheld <= of(most))
    }
}

impl Share {
    fn parse(bound: &str, text: &str) -> Result<Self> {
        let (number, percent) = match bound.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (bound, false),
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.is_empty() || number.ends_with('.') {
            return Err(wrong(text, &format!("`{bound}` is no number"))
                .with_hint("write shares as `1%` or `0.01`"));
        }
        if decimals.len() > DECIMALS_MAX {
            let what = format!("`{bound}` has more than {DECIMALS_MAX} digits behind the point");
            return Err(wrong(text, &what));
        }
        let places = if percent { 15 } else { 17 };
        let units = format!("{whole}{decimals:0<places$}").parse::<u128>().unwrap_or(u128::MAX);
        match u64::try_from(units) {
            Ok(units) if units <= ONE => Ok(Self(units)),
            _ if percent => Err(wrong(text, &format!("`{bound}` is more than all rows"))),
            _ => Err(wrong(text, &format!("`{bound}` is more than 1, which is all rows"))
                .with_hint(format!("write a percentage as `{bound}%`"))),
        }
    }
}

fn wrong(text: &str, what: &str) -> Error {
    Error::usage(format!("`{text}` is no range of shares: {what}"))
}

/// The share of withheld rows in per cent, with at most four decimals, the rest cut off.
impl fmt::Display for Withheld<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { read, withheld, .. } = *self.0;
        let parts = u128::from(withheld) * 1_000_000 / u128::from(read.max(1));
        let decimals = format!("{:04}", parts % 10_000);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{}{point}{decimals} %", parts / 10_000)
    }
}

/// How many of a run's rows were withheld; displays as a percentage.
#[derive(Debug, Clone, Copy)]
pub struct Withheld<'a>(pub &'a Tally);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Reason;

    fn parse(text: &str) -> ExpectedShare {
        ExpectedShare::parse(text).unwrap()
    }

    #[test]
    fn ends_are_included_and_exact() {
        let third = parse("33.333%..0.5");
        for (withheld, read, holds) in [
            (33_333, 100_000, true),
            (33_332, 100_000, false),
            (1, 3, true),
            (1, 2, true),
            (500_001, 1_000_000, false),
            (u64::MAX / 2, u64::MAX, true),
            (u64::MAX / 2 + 1, u64::MAX, false),
            (u64::MAX, u64::MAX, false),
            (0, 0, false),
        ] {
            assert_eq!(third.holds(withheld, read), holds, "{withheld} of {read}");
        }
        let tenth = parse("0.1..0.1");
        assert!(tenth.holds(1, 10) && tenth.holds(u64::MAX / 10, u64::MAX / 10 * 10));
        assert!(!tenth.holds(100_000_000_001, 1_000_000_000_000));
    }

    #[test]
    fn an_end_may_be_missing_and_no_rows_are_a_share_of_0() {
        assert!(parse("..5%").holds(0, 0) && !parse("..5%").holds(6, 100));
        assert!(parse("1%..").holds(100, 100) && !parse("1%..").holds(0, 0));
        assert!(parse("0..1").holds(0, 0) && parse("0%..100%").holds(7, 7));
        assert!(parse(" 0.5 % .. 50% ").holds(1, 2));
        assert_eq!(parse("0.000000000000001%..").least, Some(Share(1)));
        assert_eq!(parse("0..0").most, Some(Share(0)));
    }

    #[test]
    fn what_can_be_misread_is_refused() {
        for (text, said) in [
            ("5%", "no range"),
            ("", "no range"),
            ("..", "neither"),
            ("1..5", "write a percentage as `5%`"),
            ("1..5%", "over its most"),
            ("5%..1%", "over its most"),
            ("1%...5%", "no number"),
            ("1%..=5%", "no number"),
            ("-1%..5%", "no number"),
            ("1e-2..1", "no number"),
            ("1.%..5%", "no number"),
            ("a..b", "no number"),
            ("..101%", "more than all"),
            ("..1.000000000000001", "more than 1"),
            ("..99999999999999999999999999999999999999999999%", "more than all"),
            ("0.0000000000000001..1", "more than 15 digits"),
        ] {
            let error = ExpectedShare::parse(text).expect_err(text);
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{text}");
            let told = format!("{error} {}", error.hint().unwrap_or_default());
            assert!(told.contains(said), "{text}: {told}");
        }
    }

    #[test]
    fn a_share_is_shown_in_per_cent() {
        for (kept, withheld, shown) in [
            (0, 0, "0 %"),
            (0, 1, "100 %"),
            (2, 1, "33.3333 %"),
            (19, 1, "5 %"),
            (1999, 1, "0.05 %"),
            (u64::MAX - 1, 1, "0 %"),
        ] {
            let tally = Tally::of(kept, &[(Reason::Bounce, withheld)]);
            assert_eq!(Withheld(&tally).to_string(), shown);
        }
    }
}
