//! Quality metrics.

pub mod classification;
pub mod porter_stemmer;
pub mod rouge;
pub mod segmentation;
