//! The vector of a text, as its own type: a speaker's embedding is another thing and never compared with it.

/// A text's embedding: a unit vector of f32, one entry per dimension of the encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct TextEmbedding(Box<[f32]>);

impl TextEmbedding {
    /// Scales a vector to length 1. A zero vector stays zero: it has no direction to keep.
    pub fn from_unscaled(mut vector: Vec<f32>) -> TextEmbedding {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
        }
        TextEmbedding(vector.into_boxed_slice())
    }

    /// The entries, in the encoder's order.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Gives the entries away without a copy.
    pub fn into_vec(self) -> Vec<f32> {
        self.0.into_vec()
    }

    /// Cosine similarity to another embedding of the same encoder, in [-1, 1]; the missing entries of the shorter
    /// of two embeddings of different encoders count as zero.
    pub fn cosine(&self, other: &TextEmbedding) -> f32 {
        self.0.iter().zip(&*other.0).map(|(left, right)| left * right).sum()
    }
}

impl AsRef<[f32]> for TextEmbedding {
    fn as_ref(&self) -> &[f32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_scaled_to_length_one_and_zero_stays_zero() {
        assert_eq!(TextEmbedding::from_unscaled(vec![3.0, 4.0]).as_slice(), &[0.6, 0.8]);
        assert_eq!(TextEmbedding::from_unscaled(vec![0.0, 0.0]).as_slice(), &[0.0, 0.0]);
    }

    #[test]
    fn cosine_is_one_for_the_same_direction_and_zero_across() {
        let along = TextEmbedding::from_unscaled(vec![2.0, 0.0]);
        let across = TextEmbedding::from_unscaled(vec![0.0, 5.0]);
        assert_eq!(along.cosine(&along), 1.0);
        assert_eq!(along.cosine(&across), 0.0);
    }
}
