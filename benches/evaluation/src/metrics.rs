//! Quality metrics.

pub mod classification;
pub mod diarization_error_rate;
pub mod ndcg;
pub mod porter_stemmer;
pub mod rouge;
pub mod segmentation;
pub mod word_error_rate;
