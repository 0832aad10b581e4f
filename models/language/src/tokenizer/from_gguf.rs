//! The tokenizer that a GGUF file carries: byte-level ones by candle, SentencePiece ones rebuilt from their scores.

use std::collections::HashMap;
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::decoders::{byte_fallback::ByteFallback, fuse::Fuse, sequence::Sequence, strip::Strip};
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence as PreTokenizers};
use tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper, Tokenizer};

use super::{TokenizerError, TokenizerWarning, highest_id};
use crate::checkpoint::caught;

/// ggml's types of tokens that are not text: unknown, control, user defined, unused.
const NOT_TEXT: std::ops::RangeInclusive<i64> = 2..=5;

/// ggml's type of tokens that are only there so that the list is as long as the weights.
const UNUSED: i32 = 5;

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
    let rules = match content.metadata.get("tokenizer.ggml.pre") {
        Some(Value::String(name)) => name.as_str(),
        _ => "none given",
    };
    let (tokenizer, is_known) = byte_level(content, rules).map_err(|error| unusable(error.to_string()))?;
    let warning = (!is_known).then(|| TokenizerWarning::RulesUnknown {
        path: path.to_owned(),
        name: rules.to_owned(),
    });
    Ok((tokenizer, warning))
}

/// Whether a `tokenizer.json` has the tokens that a GGUF file lists; a file that lists none can't contradict it.
///
/// One token in a hundred may be another, since converters rewrite some texts of added tokens.
pub(super) fn agrees(content: &Content, tokenizer: &Tokenizer) -> bool {
    let tokens = match content.metadata.get("tokenizer.ggml.tokens") {
        Some(Value::Array(tokens)) if !tokens.is_empty() => tokens,
        _ => return true,
    };
    if highest_id(tokenizer) as usize >= tokens.len() {
        return false;
    }
    let kinds = list(content, "tokenizer.ggml.token_type", |kind| kind.to_i32().ok()).unwrap_or_default();
    let (mut same, mut other) = (0_usize, 0_usize);
    for (id, token) in (0_u32..).zip(tokens) {
        if kinds.get(id as usize) == Some(&UNUSED) {
            continue;
        }
        let text = tokenizer.id_to_token(id);
        if text.is_some() && text.as_ref() == token.to_string().ok() {
            same += 1;
        } else {
            other += 1;
        }
    }
    other * 100 <= same
}

/// A byte-level tokenizer, and whether the rules by which it cuts texts before it merges are known.
///
/// Their names are those that llama.cpp's converter writes. candle knows some of them, and puts a space before all texts
/// under any other name. Source: `llama-vocab.cpp` of llama.cpp; for `smollm`, the tokenizer.json of SmolLM.
fn byte_level(content: &Content, rules: &str) -> candle_core::Result<(Tokenizer, bool)> {
    let mut metadata = content.metadata.clone();
    if matches!(rules, "llama-bpe" | "llama-v3" | "llama3") {
        metadata.insert("tokenizer.ggml.pre".to_owned(), Value::String("llama3".to_owned()));
        // What goes without saying under this name: words that are tokens are not merged, and texts have a first token.
        for key in ["tokenizer.ggml.ignore_merges", "tokenizer.ggml.add_bos_token"] {
            metadata.entry(key.to_owned()).or_insert(Value::Bool(true));
        }
    }
    let content = Content {
        magic: content.magic,
        metadata,
        tensor_infos: HashMap::new(),
        tensor_data_offset: 0,
    };
    let mut tokenizer = caught(|| Tokenizer::from_gguf(&content))?;
    let of_gpt2 = ByteLevel::new(false, true, true);
    let is_known = match rules {
        "llama-bpe" | "llama-v3" | "llama3" | "lfm2" | "qwen2" | "smaug-bpe" => true,
        "smollm" => {
            let parts = vec![Digits::new(true).into(), of_gpt2.into()];
            tokenizer.with_pre_tokenizer(Some(PreTokenizers::new(parts)));
            true
        }
        _ => {
            tokenizer.with_pre_tokenizer(Some(of_gpt2));
            matches!(rules, "default" | "gpt-2" | "gpt2")
        }
    };
    Ok((tokenizer, is_known))
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
    use crate::testing::{byte_level, gguf, texts};

    fn content(scores: &[f32]) -> Content {
        let pieces = [
            "<unk>", "<s>", "</s>", "▁", "a", "b", "c", "ab", "▁ab", "bc", "<0xC3>", "<0xA9>",
        ];
        let kinds = [2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 6, 6];
        gguf(vec![
            ("tokenizer.ggml.model", Value::String("llama".to_owned())),
            ("tokenizer.ggml.tokens", texts(&pieces)),
            (
                "tokenizer.ggml.scores",
                Value::Array(scores.iter().map(|score| Value::F32(*score)).collect()),
            ),
            (
                "tokenizer.ggml.token_type",
                Value::Array(kinds.into_iter().map(Value::I32).collect()),
            ),
        ])
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

    const TOKENS: [&str; 15] = [
        "1", "2", "3", "4", "a", "b", "Ġ", "12", "123", "1234", "ab", "x", "y", "xy", "<s>",
    ];

    /// A byte-level tokenizer with rules of this name.
    fn with_rules(rules: Option<&str>) -> (Tokenizer, Option<TokenizerWarning>) {
        let rules = rules.map(|rules| ("tokenizer.ggml.pre", Value::String(rules.to_owned())));
        let first = ("tokenizer.ggml.bos_token_id", Value::U32(14));
        let more = rules.into_iter().chain([first]).collect();
        let content = byte_level(&TOKENS, &["1 2", "12 3", "123 4", "a b"], more);
        tokenizer(Path::new("model.gguf"), &content).unwrap()
    }

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.encode(text, false).unwrap().get_ids().to_vec()
    }

    #[test]
    fn byte_level_texts_are_cut_by_the_rules_that_the_file_names() {
        for (rules, digits) in [
            ("llama-bpe", vec![8, 3]),
            ("llama-v3", vec![8, 3]),
            ("llama3", vec![8, 3]),
            ("qwen2", vec![0, 1, 2, 3]),
            ("smollm", vec![0, 1, 2, 3]),
            ("gpt-2", vec![9]),
            ("default", vec![9]),
        ] {
            let (tokenizer, warning) = with_rules(Some(rules));
            assert_eq!(warning, None, "{rules}");
            assert_eq!(ids(&tokenizer, "1234"), digits, "{rules}");
            // No space is put before the text.
            assert_eq!(ids(&tokenizer, "ab ab"), [10, 6, 10], "{rules}");
            // In Llama 3's vocabulary there are words that no merge makes.
            let is_llama = rules.starts_with("llama");
            let word = if is_llama { vec![13] } else { vec![11, 12] };
            assert_eq!(ids(&tokenizer, "xy"), word, "{rules}");
            let whole = tokenizer.encode("ab", true).unwrap();
            let first = if is_llama { vec![14, 10] } else { vec![10] };
            assert_eq!(whole.get_ids(), first, "{rules}");
        }
    }

    #[test]
    fn rules_that_are_not_known_are_named_in_a_warning() {
        for (rules, name) in [(Some("tekken"), "tekken"), (None, "none given")] {
            let (tokenizer, warning) = with_rules(rules);
            assert_eq!(ids(&tokenizer, "ab"), [10]);
            let warning = warning.unwrap().to_string();
            assert!(
                warning.contains(name) && warning.contains("tokenizer.json"),
                "{warning}"
            );
        }
    }

    #[test]
    fn merges_that_make_no_token_are_an_error() {
        for merge in ["a 1", "1234 1234", "ab"] {
            let content = byte_level(&TOKENS, &[merge], Vec::new());
            let error = tokenizer(Path::new("model.gguf"), &content).unwrap_err();
            assert!(error.to_string().contains("can't be used"), "{error}");
        }
    }
}
