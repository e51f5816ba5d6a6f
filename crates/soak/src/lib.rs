//! quell against an independent statement of its contract, and the bodies of its fuzz targets.
//!
//! A [`Trial`](trial::Trial) leads a store and a [`World`](model::World) through the same random steps (imports of every kind, single
//! changes, merges, rebuilds, reopening) and after each step has both decide a large batch of recipients,
//! row by row. `World` is written from the contract's text; whose an address is, it knows by construction
//! ([`People`](people::People)), so that the two sides share neither code nor idea.
//!
//! `make soak` runs trials until 10^8 decisions were compared, or for as long as it is told to.

pub mod batch;
pub mod compare;
pub mod dice;
pub mod files;
pub mod model;
pub mod mutation;
pub mod people;
pub mod targets;
pub mod trial;
