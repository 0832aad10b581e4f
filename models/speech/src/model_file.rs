//! Is this a model file that whisper.cpp can load? whisper.cpp ends the whole process on some bad files and reads others
//! half, so every file is walked, header by header, before it is loaded. The weights themselves are not read.

mod layout;
mod mel_filters;
mod random;
mod reader;
mod silero;

use std::path::{Path, PathBuf};

pub use layout::{ModelDimensions, TensorType};
pub(crate) use mel_filters::mel_filters;
#[cfg(test)]
pub(crate) use random::write_random_silero;
pub use random::{RandomModelError, write_random_model};
pub use silero::inspect_silero;

use layout::tensor_layout;
use reader::GgmlReader;

/// Lines of the spectrum that the mel filters weigh: half of 400 samples and the one at zero.
const SPECTRUM_LINES: i32 = 201;

/// A Whisper model file in ggml form that was found whole.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// Where it is.
    pub path: PathBuf,
    /// The network's shape.
    pub dimensions: ModelDimensions,
    /// How its large matrices are stored.
    pub weights: TensorType,
    /// Length in bytes.
    pub bytes: u64,
    /// Whether its vocabulary has the token of one space, without which whisper.cpp cannot suppress blanks and would end
    /// the process trying.
    pub has_blank: bool,
}

/// A model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// It cannot be read.
    #[error("cannot read the model file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not such a model, or not a whole one.
    #[error("{} is no usable model: {problem}, at byte {at}; pull or copy it again", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// Where in the file.
        at: u64,
    },
}

impl ModelFile {
    /// Walks the file at `path`: magic number, dimensions, mel filters, vocabulary, and each tensor's name, shape, type
    /// and length against what the dimensions ask for, up to the last byte.
    ///
    /// # Errors
    /// When the file cannot be read or is not exactly a model.
    pub fn inspect(path: &Path) -> Result<Self, ModelFileError> {
        let mut reader = GgmlReader::open(path)?;
        reader.magic()?;
        let dimensions = ModelDimensions {
            vocabulary: reader.i32()?,
            audio_context: reader.i32()?,
            audio_state: reader.i32()?,
            audio_heads: reader.i32()?,
            audio_layers: reader.i32()?,
            text_context: reader.i32()?,
            text_state: reader.i32()?,
            text_heads: reader.i32()?,
            text_layers: reader.i32()?,
            mels: reader.i32()?,
        };
        let file_type = reader.i32()?;
        let weights = TensorType::of_file(file_type)
            .ok_or_else(|| reader.unusable(format!("weights of the unknown type {file_type}")))?;
        dimensions.check(weights).map_err(|problem| reader.unusable(problem))?;
        inspect_filters(&mut reader, dimensions.mels)?;
        let has_blank = inspect_vocabulary(&mut reader, dimensions.vocabulary)?;
        reader.tensors(&tensor_layout(&dimensions, weights))?;
        Ok(Self {
            path: path.to_owned(),
            dimensions,
            weights,
            bytes: reader.length(),
            has_blank,
        })
    }
}

fn inspect_filters(reader: &mut GgmlReader, mels: i32) -> Result<(), ModelFileError> {
    let shape = (reader.i32()?, reader.i32()?);
    if shape != (mels, SPECTRUM_LINES) {
        return Err(reader.unusable(format!(
            "mel filters of {shape:?} instead of ({mels}, {SPECTRUM_LINES})"
        )));
    }
    reader.skip(4 * mels as u64 * SPECTRUM_LINES as u64)
}

/// Whether the blank is among the words.
fn inspect_vocabulary(reader: &mut GgmlReader, vocabulary: i32) -> Result<bool, ModelFileError> {
    let words = reader.i32()?;
    if !(1..=vocabulary).contains(&words) {
        return Err(reader.unusable(format!("{words} words for a vocabulary of {vocabulary}")));
    }
    let mut has_blank = false;
    for _ in 0..words {
        let length = reader.i32()?;
        if !(0..=1024).contains(&length) {
            return Err(reader.unusable(format!("a word of {length} bytes")));
        }
        has_blank |= reader.bytes(length as usize)? == b" ";
    }
    Ok(has_blank)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// Few enough bytes to be written for each test.
    const SMALL: ModelDimensions = ModelDimensions {
        audio_state: 32,
        audio_heads: 1,
        audio_layers: 1,
        text_state: 32,
        text_heads: 1,
        text_layers: 1,
        ..ModelDimensions::DEMO
    };

    fn small(weights: TensorType) -> Vec<u8> {
        let mut file = Vec::new();
        write_random_model(&SMALL, weights, 1, &mut file).unwrap();
        file
    }

    fn inspect(bytes: &[u8]) -> Result<ModelFile, ModelFileError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        ModelFile::inspect(file.path())
    }

    #[test]
    fn a_written_model_is_found_whole() {
        for weights in [TensorType::F16, TensorType::Q8_0] {
            let bytes = small(weights);
            let model = inspect(&bytes).unwrap();
            assert_eq!(model.dimensions, SMALL);
            assert_eq!(
                (model.weights, model.bytes, model.has_blank),
                (weights, bytes.len() as u64, true)
            );
        }
    }

    #[test]
    fn what_is_no_model_is_named() {
        let problem = |bytes: &[u8]| inspect(bytes).unwrap_err().to_string();
        assert!(problem(b"").contains("ends too early"));
        assert!(problem(b"<html>not found</html>").contains("no ggml file"));
        let mut longer = small(TensorType::F16);
        longer.push(0);
        assert!(problem(&longer).contains("ends too early"), "{}", problem(&longer));
        let missing = ModelFile::inspect(Path::new("/nonexistent/model.bin"));
        assert!(matches!(missing, Err(ModelFileError::Read { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// A model cut anywhere is refused: no half a download is ever loaded.
        #[test]
        fn a_cut_model_is_refused(share in 0.0_f64..1.0) {
            let bytes = small(TensorType::Q8_0);
            prop_assert!(inspect(&bytes[..(bytes.len() as f64 * share) as usize]).is_err());
        }

        /// Wrong header values are refused or harmless: the walk neither panics nor allocates by them.
        #[test]
        fn wrong_headers_do_no_harm(field in 0_usize..12, value in any::<i32>()) {
            let mut bytes = small(TensorType::Q8_0);
            let was = bytes[4 * field..4 * field + 4].to_vec();
            bytes[4 * field..4 * field + 4].copy_from_slice(&value.to_le_bytes());
            if bytes[4 * field..4 * field + 4] != was[..] {
                let inspected = inspect(&bytes);
                // Another number of heads fits the same matrices, and a type plus thousands is that type.
                prop_assert!(inspected.is_err() || [4, 8, 11].contains(&field));
            }
        }
    }
}
