//! The tokenizer that a GGUF file carries: byte-level ones by candle, SentencePiece ones rebuilt from their scores.

use std::collections::HashMap;
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::decoders::{byte_fallback::ByteFallback, fuse::Fuse, sequence::Sequence, strip::Strip};
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper, Tokenizer};

use super::{TokenizerError, TokenizerWarning};

/// ggml's types of tokens that are not text: unknown, control, user defined, unused.
const NOT_TEXT: std::ops::RangeInclusive<i64> = 2..=5;

/// SentencePiece's space.
const SPACE: &str = "▁";

pub(super) fn tokenizer(
    path: &Path,
    content: &Content,
) -> Result<(Tokenizer, Option<TokenizerWarning>), TokenizerError> {
    let unusable = |problem: String| TokenizerError::Unusable {
        path: path.to_owned(),
        problem,
    };
    let kind = match content.metadata.get("tokenizer.ggml.model") {
        Some(Value::String(kind)) => kind.as_str(),
        _ => return Err(TokenizerError::Absent { path: path.to_owned() }),
    };
    if kind == "llama" {
        let tokenizer = from_pieces(content).map_err(unusable)?;
        let path = path.to_owned();
        return Ok((tokenizer, Some(TokenizerWarning::NormalizerLost { path })));
    }
    let tokenizer = Tokenizer::from_gguf(content).map_err(|error| unusable(error.to_string()))?;
    Ok((tokenizer, None))
}

/// Byte-pair merges in the order of the scores of what they make, as transformers converts such lists.
fn from_pieces(content: &Content) -> Result<Tokenizer, String> {
    let pieces = list(content, "tokenizer.ggml.tokens", |value| {
        value.to_string().ok().cloned()
    })?;
    let scores = list(content, "tokenizer.ggml.scores", |value| value.to_f32().ok())?;
    let kinds = list(content, "tokenizer.ggml.token_type", |value| {
        value.to_i32().ok().map(i64::from)
    })?;
    let texts = kinds
        .iter()
        .zip(&scores)
        .filter(|(kind, _)| **kind == 1)
        .map(|(_, score)| *score);
    let (low, high) = texts.fold((f32::MAX, f32::MIN), |(low, high), score| {
        (low.min(score), high.max(score))
    });
    if low >= high || pieces.len() != scores.len() || pieces.len() != kinds.len() {
        return Err("its tokens have no scores".to_owned());
    }
    let ids: HashMap<&str, u32> = (0..).zip(&pieces).map(|(id, piece)| (piece.as_str(), id)).collect();
    let mut merges = Vec::new();
    for (index, piece) in pieces.iter().enumerate().filter(|(index, _)| kinds[*index] == 1) {
        let splits = piece.char_indices().skip(1).map(|(at, _)| piece.split_at(at));
        let splits = splits.filter_map(|(left, right)| Some((ids.get(left)?, ids.get(right)?, left, right)));
        merges.extend(splits.map(|(left_id, right_id, left, right)| {
            let pair = (left.to_owned(), right.to_owned());
            (scores[index], (*left_id, *right_id), pair)
        }));
    }
    merges.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    let vocabulary: HashMap<String, u32> = ids.iter().map(|(piece, id)| ((*piece).to_owned(), *id)).collect();
    let model = BPE::builder()
        .vocab_and_merges(
            vocabulary.into_iter().collect::<tokenizers::models::bpe::Vocab>(),
            merges.into_iter().map(|merge| merge.2).collect(),
        )
        .byte_fallback(true)
        .fuse_unk(true)
        .build()
        .map_err(|error| error.to_string())?;
    let mut tokenizer = Tokenizer::new(model);
    let replace = |from: &str, to: &str| Replace::new(from, to).map_err(|error| error.to_string());
    let normalizers: Vec<NormalizerWrapper> = vec![Prepend::new(SPACE.to_owned()).into(), replace(" ", SPACE)?.into()];
    tokenizer
        .with_normalizer(Some(Normalizers::new(normalizers)))
        .map_err(|error| error.to_string())?;
    let decoders: Vec<DecoderWrapper> = vec![
        DecoderWrapper::Replace(replace(SPACE, " ")?),
        ByteFallback::new().into(),
        Fuse::new().into(),
        Strip::new(' ', 1, 0).into(),
    ];
    tokenizer.with_decoder(Some(Sequence::new(decoders)));
    let specials = pieces.iter().zip(&kinds).filter(|(_, kind)| NOT_TEXT.contains(kind));
    let specials: Vec<AddedToken> = specials
        .map(|(piece, _)| AddedToken::from(piece.clone(), true))
        .collect();
    tokenizer
        .add_special_tokens(specials)
        .map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

fn list<T>(content: &Content, key: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, String> {
    let values = content.metadata.get(key).and_then(|value| value.to_vec().ok());
    let values = values.and_then(|values| values.iter().map(read).collect::<Option<Vec<T>>>());
    values.ok_or_else(|| format!("{key} is absent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(scores: &[f32]) -> Content {
        let pieces = [
            "<unk>", "<s>", "</s>", "▁", "a", "b", "c", "ab", "▁ab", "bc", "<0xC3>", "<0xA9>",
        ];
        let kinds = [2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 6, 6];
        let text = |text: &str| Value::String(text.to_owned());
        let metadata = [
            ("tokenizer.ggml.model", text("llama")),
            (
                "tokenizer.ggml.tokens",
                Value::Array(pieces.into_iter().map(text).collect()),
            ),
            (
                "tokenizer.ggml.scores",
                Value::Array(scores.iter().map(|score| Value::F32(*score)).collect()),
            ),
            (
                "tokenizer.ggml.token_type",
                Value::Array(kinds.into_iter().map(Value::I32).collect()),
            ),
        ];
        Content {
            magic: candle_core::quantized::gguf_file::VersionedMagic::GgufV3,
            metadata: metadata
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            tensor_infos: HashMap::new(),
            tensor_data_offset: 0,
        }
    }

    #[test]
    fn pieces_are_merged_by_score_under_a_warning() {
        // "bc" is worth more than "ab": "abc" is a + bc.
        let scores = [0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -4.0, -9.0, -10.0, -5.0, 0.0, 0.0];
        let path = Path::new("lucie.gguf");
        let (tokenizer, warning) = tokenizer(path, &content(&scores)).unwrap();
        let ids = |text: &str| tokenizer.encode(text, false).unwrap().get_ids().to_vec();
        assert_eq!(ids("abc"), [3, 4, 9]);
        assert_eq!(ids("ab é"), [8, 3, 10, 11]);
        assert_eq!(tokenizer.decode(&ids("ab é</s>"), true).unwrap(), "ab é");
        assert!(warning.unwrap().to_string().contains("tokenizer.json"));
    }

    #[test]
    fn pieces_without_scores_are_refused() {
        let error = tokenizer(Path::new("lucie.gguf"), &content(&[-1000.0; 12])).unwrap_err();
        assert!(
            error.to_string().contains("put the model's tokenizer.json beside"),
            "{error}"
        );
    }
}
