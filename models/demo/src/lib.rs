//! The demo speech model: Whisper's architecture, a few million weights, trained by `scripts/train_demo_model` on synthetic
//! voices alone. What it knows and what it does not is in `README.md`, and as data in the card beside the weights.

use std::io::{self, Read};

/// The model file, in whisper.cpp's form once it is unpacked. Most rows of its token table are equal, so it packs well.
const PACKED_WEIGHTS: &[u8] = include_bytes!("../greffier-demo-q5_1.bin.gz");

/// Name of the model file.
pub const WEIGHTS_NAME: &str = "greffier-demo-q5_1.bin";

/// Name of the card, which lies beside the model file.
pub const CARD_NAME: &str = "greffier-demo-q5_1.toml";

/// The content of one of the two files by its name; `None` for any other name.
pub fn file(name: &str) -> Option<Box<dyn Read>> {
    match name {
        WEIGHTS_NAME => Some(Box::new(flate2::read::GzDecoder::new(PACKED_WEIGHTS))),
        CARD_NAME => Some(Box::new(io::Cursor::new(include_bytes!("../greffier-demo-q5_1.toml")))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_weights_are_those_of_the_card() {
        let mut card = String::new();
        file(CARD_NAME).unwrap().read_to_string(&mut card).unwrap();
        let card: toml::Table = card.parse().unwrap();
        let mut weights = Vec::new();
        file(WEIGHTS_NAME).unwrap().read_to_end(&mut weights).unwrap();
        assert_eq!(weights.len() as i64, card["bytes"].as_integer().unwrap());
        let digest: String = Sha256::digest(&weights)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digest, card["sha256"].as_str().unwrap());
        assert!(file("another").is_none());
    }
}
