//! The service: opt-outs in, decisions out, and the operator's console, over HTTP.
//!
//! [`router`] gives the routes of a [`State`], [`run`] serves them until it is told to stop. Nothing here reads the wall
//! clock, arguments or the environment, or prints: what the service needs of these it is given.

mod access;
mod answer;
mod console;
mod decide;
mod extract;
mod health;
mod one_click;
mod openapi;
mod problem;
mod records;
mod router;
mod server;
mod state;
mod watch;

pub use problem::Problem;
pub use router::router;
pub use server::{Limits, run};
pub use state::{Settings, State};
