//! JSON bodies, understood without a copy, and what is wrong with one, without a word of it: it may hold addresses.

use crate::service::Problem;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use std::fmt;
use std::marker::PhantomData;

/// The problem with a body that could not be read.
pub(super) fn unread(rejection: BytesRejection) -> Problem {
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
                .with_hint("ask in parts, or send the whole batch to /v1/filter")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "the body did not come to its end"),
    }
}

/// Understands a body: 400 when it is no JSON, 422 when it is of another form.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("at line {}, column {}", error.line(), error.column());
        match error.classify() {
            Category::Data => {
                let detail = format!("the body is JSON of another form than is asked for, {place}");
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                    .with_hint("/openapi.json describes the form")
            }
            Category::Eof | Category::Io | Category::Syntax => {
                Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON, {place}"))
            }
        }
    })
}

/// At most so many values; nothing when there are more, of which no more are held than that.
#[derive(Debug)]
pub(super) struct Few<T, const MOST: usize>(pub Option<Vec<T>>);

impl<T, const MOST: usize> Default for Few<T, MOST> {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Counting(PhantomData))
    }
}

struct Counting<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Counting<T, MOST> {
    type Value = Few<T, MOST>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "at most {MOST} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut held = Vec::new();
        while held.len() < MOST {
            match values.next_element()? {
                Some(value) => held.push(value),
                None => return Ok(Few(Some(held))),
            }
        }
        let is_whole = values.next_element::<IgnoredAny>()?.is_none();
        // What follows has to be JSON as well, or the body is none.
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Few(is_whole.then_some(held)))
    }
}
