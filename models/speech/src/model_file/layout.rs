//! The tensors of a Whisper network by its dimensions, as whisper.cpp names, shapes and stores them.

/// The shape of a Whisper network. Fields are in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelDimensions {
    /// Number of tokens; special tokens derive from it.
    pub vocabulary: i32,
    /// Positions of the encoder: 50 a second, 1500 for 30 s.
    pub audio_context: i32,
    /// Width of the encoder.
    pub audio_state: i32,
    /// Attention heads of the encoder.
    pub audio_heads: i32,
    /// Layers of the encoder.
    pub audio_layers: i32,
    /// Positions of the decoder.
    pub text_context: i32,
    /// Width of the decoder; that of the encoder.
    pub text_state: i32,
    /// Attention heads of the decoder.
    pub text_heads: i32,
    /// Layers of the decoder.
    pub text_layers: i32,
    /// Mel bands: 80, or 128 from large-v3 on.
    pub mels: i32,
}

/// How a tensor is stored, by ggml's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorType {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// 4 bits, blocks of 32, scale.
    Q4_0,
    /// 4 bits, blocks of 32, scale and minimum.
    Q4_1,
    /// 5 bits, blocks of 32, scale.
    Q5_0,
    /// 5 bits, blocks of 32, scale and minimum.
    Q5_1,
    /// 8 bits, blocks of 32, scale.
    Q8_0,
    /// 2 bits, blocks of 256.
    Q2K,
    /// 3 bits, blocks of 256.
    Q3K,
    /// 4 bits, blocks of 256.
    Q4K,
    /// 5 bits, blocks of 256.
    Q5K,
    /// 6 bits, blocks of 256.
    Q6K,
}

/// One tensor as it must stand in the file.
#[derive(Clone, Debug)]
pub(super) struct TensorLayout {
    pub(super) name: String,
    /// Innermost dimension first, ones behind.
    pub(super) shape: [i32; 4],
    pub(super) kind: TensorType,
}

impl ModelDimensions {
    /// OpenAI's `tiny`.
    pub const TINY: Self = Self::multilingual(384, 6, 4);
    /// OpenAI's `base`.
    pub const BASE: Self = Self::multilingual(512, 8, 6);
    /// OpenAI's `small`.
    pub const SMALL: Self = Self::multilingual(768, 12, 12);
    /// The project's own demo shape.
    pub const DEMO: Self = Self::multilingual(192, 3, 4);

    const fn multilingual(state: i32, heads: i32, layers: i32) -> Self {
        Self {
            vocabulary: 51_865,
            audio_context: 1500,
            audio_state: state,
            audio_heads: heads,
            audio_layers: layers,
            text_context: 448,
            text_state: state,
            text_heads: heads,
            text_layers: layers,
            mels: 80,
        }
    }

    /// Whether it tells languages apart; whisper.cpp's rule.
    pub fn is_multilingual(&self) -> bool {
        self.vocabulary >= 51_865
    }

    /// What is wrong with these dimensions, if anything: within them whisper.cpp allocates and computes without an abort.
    pub(super) fn check(&self, weights: TensorType) -> Result<(), String> {
        let within = |name: &str, value: i32, range: std::ops::RangeInclusive<i32>| {
            if range.contains(&value) {
                Ok(())
            } else {
                Err(format!("{name} is {value}, not within {range:?}"))
            }
        };
        // The last special tokens are the 1501 timestamps; with fewer tokens they would lie beyond the table.
        within("vocabulary", self.vocabulary, 51_864..=52_000)?;
        within("audio context", self.audio_context, 64..=1500)?;
        within("audio width", self.audio_state, 32..=2048)?;
        within("audio layers", self.audio_layers, 1..=64)?;
        within("text context", self.text_context, 32..=448)?;
        within("text layers", self.text_layers, 1..=64)?;
        within("audio heads", self.audio_heads, 1..=64)?;
        within("text heads", self.text_heads, 1..=64)?;
        if self.mels != 80 && self.mels != 128 {
            return Err(format!("{} mel bands, not 80 or 128", self.mels));
        }
        if self.text_state != self.audio_state {
            return Err(format!("widths {} and {} differ", self.audio_state, self.text_state));
        }
        if self.audio_state % self.audio_heads != 0 || self.text_state % self.text_heads != 0 {
            return Err(format!(
                "a width of {} is not shared evenly by the heads",
                self.audio_state
            ));
        }
        let (block, _) = weights.block();
        if !(self.audio_state as u64).is_multiple_of(block) {
            return Err(format!(
                "a width of {} is no multiple of the block of {block}",
                self.audio_state
            ));
        }
        Ok(())
    }
}

impl TensorType {
    /// ggml's number of the type.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q2K => 10,
            Self::Q3K => 11,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
        }
    }

    /// The type of the large matrices by the header's file type, whose thousands are a version.
    pub(super) fn of_file(file_type: i32) -> Option<Self> {
        Some(match file_type.checked_rem(1000)? {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            7 => Self::Q8_0,
            8 => Self::Q5_0,
            9 => Self::Q5_1,
            10 => Self::Q2K,
            11 => Self::Q3K,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            _ => return None,
        })
    }
}

/// Every tensor of the network, in the order they are written; whisper.cpp reads them in any.
pub(super) fn tensor_layout(dimensions: &ModelDimensions, weights: TensorType) -> Vec<TensorLayout> {
    let convolution = if weights == TensorType::F32 {
        TensorType::F32
    } else {
        TensorType::F16
    };
    let (state, mels) = (dimensions.audio_state, dimensions.mels);
    let mut tensors = Tensors {
        weights,
        list: Vec::new(),
    };
    tensors.push(
        "encoder.positional_embedding",
        [state, dimensions.audio_context, 1],
        TensorType::F32,
    );
    tensors.push("encoder.conv1.weight", [3, mels, state], convolution);
    tensors.push("encoder.conv1.bias", [1, state, 1], TensorType::F32);
    tensors.push("encoder.conv2.weight", [3, state, state], convolution);
    tensors.push("encoder.conv2.bias", [1, state, 1], TensorType::F32);
    tensors.normalization("encoder.ln_post", state);
    for layer in 0..dimensions.audio_layers {
        tensors.block(&format!("encoder.blocks.{layer}"), state, &["attn"]);
    }
    tensors.push(
        "decoder.positional_embedding",
        [state, dimensions.text_context, 1],
        TensorType::F32,
    );
    tensors.push(
        "decoder.token_embedding.weight",
        [state, dimensions.vocabulary, 1],
        weights,
    );
    tensors.normalization("decoder.ln", state);
    for layer in 0..dimensions.text_layers {
        tensors.block(&format!("decoder.blocks.{layer}"), state, &["attn", "cross_attn"]);
    }
    tensors.list
}

struct Tensors {
    weights: TensorType,
    list: Vec<TensorLayout>,
}

impl Tensors {
    fn push(&mut self, name: &str, [first, second, third]: [i32; 3], kind: TensorType) {
        self.list.push(TensorLayout {
            name: name.to_owned(),
            shape: [first, second, third, 1],
            kind,
        });
    }

    fn normalization(&mut self, name: &str, state: i32) {
        self.push(&format!("{name}.weight"), [state, 1, 1], TensorType::F32);
        self.push(&format!("{name}.bias"), [state, 1, 1], TensorType::F32);
    }

    fn linear(&mut self, name: &str, inputs: i32, outputs: i32, bias: bool) {
        self.push(&format!("{name}.weight"), [inputs, outputs, 1], self.weights);
        if bias {
            self.push(&format!("{name}.bias"), [outputs, 1, 1], TensorType::F32);
        }
    }

    fn block(&mut self, block: &str, state: i32, attentions: &[&str]) {
        for attention in attentions {
            self.normalization(&format!("{block}.{attention}_ln"), state);
            for part in ["query", "key", "value", "out"] {
                self.linear(&format!("{block}.{attention}.{part}"), state, state, part != "key");
            }
        }
        self.normalization(&format!("{block}.mlp_ln"), state);
        self.linear(&format!("{block}.mlp.0"), state, 4 * state, true);
        self.linear(&format!("{block}.mlp.2"), 4 * state, state, true);
    }
}
