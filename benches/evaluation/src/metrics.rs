//! Quality metrics.

pub mod classification;
pub mod ndcg;
pub mod porter_stemmer;
pub mod rouge;
pub mod segmentation;
