//! Quality metrics.

pub mod porter_stemmer;
pub mod rouge;
