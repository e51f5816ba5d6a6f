//! The service, asked over HTTP as its users ask it.

mod decide;
mod decide_filter;
mod served;
mod start;

pub(crate) use served::{Answer, Served};
