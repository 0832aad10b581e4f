//! The crate from outside, one file per subject.

mod weights_store;
