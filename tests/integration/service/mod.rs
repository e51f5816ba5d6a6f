//! The service, asked over HTTP as its users ask it.

mod console_import;
mod served;
mod start;

pub(crate) use served::{Answer, Served};
