//! Weights on disk: little endian, one model after another. A model is its bias, its measures as three `f32` each, the
//! step of its weights, and its marks as sorted 32-bit hashes with weights as multiples of the step in 16 bits.

use std::collections::HashMap;

use super::{LinearModel, Measure};

/// The first bytes of a file; the last one is the version.
const MAGIC: &[u8; 8] = b"grflin\0\x01";

/// Bytes are no models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseModelError {
    /// The first bytes are not those of a file of linear models in this version.
    #[error("not a file of linear models of this version")]
    Magic,
    /// The file ends before a number that it announced.
    #[error("the weights break off at byte {offset}")]
    Truncated {
        /// Where the missing bytes were expected.
        offset: usize,
    },
}

impl LinearModel {
    /// Writes `models` as a file. Weights of marks are rounded to 1/32767 of the largest; those that become zero go.
    pub fn to_bytes(models: &[Self]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(count(models.len()));
        for model in models {
            model.write(&mut bytes);
        }
        bytes
    }

    /// Reads the models that [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another kind or version, or break off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>, ParseModelError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(ParseModelError::Magic)?;
        let mut reader = Reader { body, offset: 0 };
        let models = reader.u32()?;
        (0..models).map(|_| reader.model()).collect()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.bias.to_le_bytes());
        bytes.extend(count(self.measures.len()));
        for measure in &self.measures {
            for value in [measure.mean, measure.deviation, measure.weight] {
                bytes.extend(value.to_le_bytes());
            }
        }
        let largest = self
            .marks
            .values()
            .fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let step = (largest / f32::from(i16::MAX)).max(f32::MIN_POSITIVE);
        let rounded = self
            .marks
            .iter()
            .map(|(&mark, weight)| (mark, (weight / step).round() as i16));
        let mut marks: Vec<(u32, i16)> = rounded.filter(|&(_, weight)| weight != 0).collect();
        marks.sort_unstable();
        bytes.extend(step.to_le_bytes());
        bytes.extend(count(marks.len()));
        for (mark, weight) in marks {
            bytes.extend(mark.to_le_bytes());
            bytes.extend(weight.to_le_bytes());
        }
    }
}

fn count(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

struct Reader<'a> {
    body: &'a [u8],
    offset: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ParseModelError> {
        let truncated = ParseModelError::Truncated {
            offset: MAGIC.len() + self.offset,
        };
        let taken = self
            .body
            .get(self.offset..self.offset + N)
            .and_then(|bytes| bytes.try_into().ok());
        self.offset += N;
        taken.ok_or(truncated)
    }

    fn u32(&mut self) -> Result<u32, ParseModelError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn f32(&mut self) -> Result<f32, ParseModelError> {
        Ok(f32::from_le_bytes(self.take()?))
    }

    fn model(&mut self) -> Result<LinearModel, ParseModelError> {
        let mut model = LinearModel {
            bias: self.f32()?,
            ..LinearModel::default()
        };
        for _ in 0..self.u32()? {
            let (mean, deviation, weight) = (self.f32()?, self.f32()?, self.f32()?);
            model.measures.push(Measure {
                mean,
                deviation,
                weight,
            });
        }
        let step = self.f32()?;
        let marks = (0..self.u32()?).map(|_| {
            let mark = self.u32()?;
            Ok((mark, f32::from(i16::from_le_bytes(self.take()?)) * step))
        });
        model.marks = marks.collect::<Result<HashMap<u32, f32>, ParseModelError>>()?;
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn models_come_back_within_a_rounding_step() {
        let model = LinearModel {
            bias: -3.25,
            measures: vec![Measure {
                mean: 1.0,
                deviation: 2.0,
                weight: -0.5,
            }],
            marks: HashMap::from([(7, 8.0), (9, -1.234), (11, 1e-9)]),
        };
        let bytes = LinearModel::to_bytes(&[model.clone(), LinearModel::default()]);
        let read = LinearModel::from_bytes(&bytes).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].bias, &read[0].measures), (model.bias, &model.measures));
        assert!((read[0].marks[&9] + 1.234).abs() < 8.0 / 32767.0);
        assert_eq!(read[0].marks.len(), 2);
        let cut = &bytes[..bytes.len() - 1];
        assert_eq!(
            LinearModel::from_bytes(cut),
            Err(ParseModelError::Truncated {
                offset: bytes.len() - 4
            })
        );
        assert_eq!(LinearModel::from_bytes(b"zip"), Err(ParseModelError::Magic));
    }

    proptest! {
        #[test]
        fn any_bytes_are_models_or_an_error(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(body);
            let _ = LinearModel::from_bytes(&bytes);
        }
    }
}
