//! The service, asked over HTTP as its users ask it.

mod one_click;
mod served;
mod start;

pub(crate) use served::{Answer, Served};
