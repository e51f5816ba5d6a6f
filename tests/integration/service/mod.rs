//! The service, asked over HTTP as its users ask it.

mod access;
mod config;
mod console;
mod console_import;
mod decide;
mod decide_filter;
mod documents;
mod hostile;
mod one_click;
mod records;
mod served;
mod server;
mod start;

pub(crate) use served::{Answer, Served};
