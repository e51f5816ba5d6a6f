//! The query of a request, and its headers → what its batch is asked for.

use crate::action::{batch, words};
use crate::delimited::Dialect;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::{ColumnChoice, OnInvalid, Options};
use crate::record::Class;
use crate::service::Problem;
use crate::service::extract::is_replaced;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

/// What a batch is asked for.
pub(super) struct Parameters {
    pub(super) options: Options,
    /// The delimiter, if one is asked for.
    pub(super) delimiter: Option<Dialect>,
}

/// What a body is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// CSV and its like.
    Csv,
    /// The same, with tabs.
    Tsv,
    /// A JSON object a line.
    Ndjson,
}

impl Parameters {
    /// What the pairs of a query ask for.
    ///
    /// # Errors
    ///
    /// Usage for an unknown name or value: whoever wrote it expects something else than would be done.
    pub(super) fn of(pairs: &[(String, String)]) -> Result<Self> {
        let mut options = Options { input_name: "body".to_owned(), ..Options::default() };
        let mut delimiter = None;
        let mut lists = Vec::new();
        let mut once = Vec::new();
        for (name, value) in pairs {
            // It would name another list than is meant.
            if is_replaced(name) || is_replaced(value) {
                return Err(Error::usage("the query is not UTF-8"));
            }
            let column = || ColumnChoice(value.clone());
            if !matches!(name.as_str(), "list" | "email_column") {
                if once.contains(&name) {
                    return Err(Error::usage(format!("`{name}` is given twice")));
                }
                once.push(name);
            }
            match name.as_str() {
                "list" => lists.push(value.clone()),
                "email_column" => options.email_columns.push(column()),
                "contact_column" => options.contact_column = Some(column()),
                "list_column" => options.list_column = Some(column()),
                "class" => options.class = class(value)?,
                "invalid" => options.invalid = on_invalid(value)?,
                "dedupe" => options.dedupe = truth(name, value)?,
                "no_header" => options.header = !truth(name, value)?,
                "delimiter" => delimiter = Some(batch::delimiter(value)?),
                // Not told: it may be anything, an address too.
                _ => {
                    return Err(Error::usage("the query has a name that means nothing here")
                        .with_hint(
                            "list, class, invalid, email_column, contact_column, list_column, dedupe, \
                             no_header and delimiter are known",
                        ));
                }
            }
        }
        options.lists = words::lists(&lists)?;
        Ok(Self { options, delimiter })
    }

    /// Refuses what says nothing of a body of this kind.
    ///
    /// # Errors
    ///
    /// Usage, for `delimiter` and `no_header` with NDJSON.
    pub(super) fn fit(&self, kind: Kind) -> Result<()> {
        if kind == Kind::Ndjson && (self.delimiter.is_some() || !self.options.header) {
            return Err(Error::usage("delimiter and no_header say nothing of NDJSON"));
        }
        Ok(())
    }
}

fn class(value: &str) -> Result<Class> {
    value.parse().map_err(|_| Error::usage("class is `bulk` or `transactional`"))
}

fn on_invalid(value: &str) -> Result<OnInvalid> {
    match value {
        "withhold" => Ok(OnInvalid::Withhold),
        "keep" => Ok(OnInvalid::Keep),
        "fail" => Ok(OnInvalid::Fail),
        _ => Err(Error::usage("invalid is `withhold`, `keep` or `fail`")),
    }
}

fn truth(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::usage(format!("{name} is `true` or `false`"))),
    }
}

impl Kind {
    /// What the headers of a request say of its body. A missing type is CSV, and so is what clients send that know of
    /// no type: curl's `--data-binary` says that it is a form.
    ///
    /// # Errors
    ///
    /// 415 for types that are neither.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let said = headers.get(header::CONTENT_TYPE).map(|said| said.to_str().unwrap_or("?"));
        let said = said.and_then(|said| said.split(';').next()).unwrap_or_default().trim();
        match said.to_ascii_lowercase().as_str() {
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines" => Ok(Self::Ndjson),
            "text/tab-separated-values" => Ok(Self::Tsv),
            ""
            | "text/csv"
            | "text/plain"
            | "application/csv"
            | "application/vnd.ms-excel"
            | "application/octet-stream"
            | "application/x-www-form-urlencoded"
            | "application/gzip"
            | "application/x-gzip" => Ok(Self::Csv),
            _ => {
                let detail = "the body is said to be neither CSV nor NDJSON";
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
                    .with_hint("send `Content-Type: text/csv` or `application/x-ndjson`"))
            }
        }
    }

    /// The type of the kept rows.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv",
            Self::Tsv => "text/tab-separated-values",
            Self::Ndjson => "application/x-ndjson",
        })
    }
}

/// Says whether the body is said to be compressed by gzip.
///
/// # Errors
///
/// 415 for other codings.
pub(super) fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let said = headers.get(header::CONTENT_ENCODING).map(|said| said.to_str().unwrap_or("?"));
    match said.map(|said| said.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Ok(false),
        Some("gzip" | "x-gzip") => Ok(true),
        Some(_) => {
            let detail = "the body is said to be coded otherwise than by gzip";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
                .with_hint("send it plain, or with `Content-Encoding: gzip`"))
        }
    }
}

/// Says whether the answer may be compressed by gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let said =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|said| said.to_str().ok());
    said.flat_map(|said| said.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |weight: &str| {
            let weight = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="));
            weight.and_then(|weight| weight.trim().parse::<f32>().ok()) == Some(0.0)
        };
        is_gzip && !parts.any(refused)
    })
}

/// An error of a run as a problem: the names of options are those of the query here.
pub(super) fn problem(error: &Error) -> Problem {
    let status = match error.kind() {
        ErrorKind::Usage | ErrorKind::Input => StatusCode::BAD_REQUEST,
        ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Untrusted | ErrorKind::BrokenPipe => StatusCode::SERVICE_UNAVAILABLE,
    };
    let problem = Problem::new(status, in_query(&error.to_string()));
    match error.hint() {
        Some(hint) => problem.with_hint(in_query(hint)),
        None => problem,
    }
}

/// `--email-column` is `email_column` in a query.
fn in_query(words: &str) -> String {
    let word = |word: &str| match word.strip_prefix("--") {
        Some(name) => name.replace('-', "_"),
        None => word.to_owned(),
    };
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_query_says_what_the_options_of_the_command_say() {
        let all = pairs(&[
            ("list", "news"),
            ("list", " offers "),
            ("class", "transactional"),
            ("invalid", "keep"),
            ("email_column", "a"),
            ("email_column", "b"),
            ("contact_column", "id"),
            ("list_column", "3"),
            ("dedupe", "true"),
            ("no_header", ""),
            ("delimiter", "tab"),
        ]);
        let Parameters { options, delimiter } = Parameters::of(&all).unwrap();
        assert_eq!(options.lists, ["news", "offers"]);
        assert_eq!((options.class, options.invalid), (Class::Transactional, OnInvalid::Keep));
        assert_eq!(options.email_columns.len(), 2);
        assert!(options.contact_column.is_some() && options.list_column.is_some());
        assert!(options.dedupe && !options.header);
        assert_eq!(delimiter, Some(Dialect::TSV));
    }

    #[test]
    fn what_is_not_understood_is_refused_without_being_told() {
        for wrong in [
            ("ann@example.com", ""),
            ("class", "ann@example.com"),
            ("invalid", "ann@example.com"),
            ("dedupe", "ann@example.com"),
            ("List", "news"),
            ("list", "caf\u{fffd}"),
            ("email_column", "caf\u{fffd}"),
        ] {
            let Err(error) = Parameters::of(&pairs(&[wrong])) else { panic!("{wrong:?}") };
            assert!(!problem_text(&error).contains("ann@"), "{error}");
        }
        assert!(Parameters::of(&pairs(&[("class", "bulk"), ("class", "bulk")])).is_err());
    }

    fn problem_text(error: &Error) -> String {
        serde_json::to_string(&problem(error)).unwrap()
    }

    #[test]
    fn an_encoding_is_taken_only_when_it_is_not_refused() {
        let takes = |said: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(said));
            takes_gzip(&headers)
        };
        assert!(takes("gzip") && takes("deflate, GZIP;q=0.5, br"));
        assert!(!takes("identity") && !takes("gzip;q=0") && !takes("gzip; q=0.000") && !takes(""));
    }

    #[test]
    fn hints_name_the_query() {
        let error = Error::usage("two columns").with_hint("name one with --email-column NAME");
        let text = problem_text(&error);
        assert!(text.contains("name one with email_column NAME"), "{text}");
    }
}
