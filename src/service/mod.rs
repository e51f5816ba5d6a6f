//! The service: opt-outs in, decisions out, and the operator's console, over HTTP.
//!
//! [`router()`] gives the routes of a [`State`], [`run`] serves them until it is told to stop. Nothing here reads the wall
//! clock, arguments or the environment, or prints: what the service needs of these it is given.

mod access;
mod answer;
mod change;
mod console;
mod decide;
mod extract;
mod health;
mod limits;
mod log;
mod metrics;
mod one_click;
mod openapi;
mod problem;
mod records;
mod router;
mod server;
mod state;
mod tls;
mod watch;

pub use access::{AccessSettings, Network};
pub use decide::BatchLimits;
pub use limits::Limits;
pub use metrics::Metrics;
pub use problem::Problem;
pub use router::router;
pub use server::{Endpoint, Peer, Secured, run};
pub use state::{IMPORT_BYTES, Settings, State};
pub use tls::Tls;
