//! The service, asked over HTTP as its users ask it.

mod config;
mod hostile;
mod records;
mod served;
mod server;
mod start;

pub(crate) use served::{Answer, Served};
