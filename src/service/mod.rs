//! The service: opt-outs in, decisions out, and the operator's console, over HTTP.
//!
//! [`router`] gives the routes of a [`State`], [`run`] serves them until it is told to stop. Nothing here reads the wall
//! clock, arguments or the environment, or prints: what the service needs of these it is given.

mod access;
mod answer;
mod console;
mod decide;
mod health;
mod one_click;
mod problem;
mod records;
mod router;
mod server;
mod state;
mod watch;

pub use access::{AccessSettings, Network};
pub use problem::Problem;
pub use router::router;
pub use server::{Limits, Peer, Secured, run};
pub use state::{Settings, State};
