//! The service, asked over HTTP as its users ask it.

mod access;
mod console_import;
mod records;
mod served;
mod start;

pub(crate) use served::{Answer, Served};
