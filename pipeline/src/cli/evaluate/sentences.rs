//! Runs a sentence model on annotated communities of utterances.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context as _;
use evaluation::sentences::{Community, SentenceScores, evaluate_sentences};
use language_model::{GenerationOptions, LanguageModel, Message, ModelFiles, ModelOptions};

/// Tokens of a prompt, and of a sentence, at most: as in training.
const PROMPT_TOKENS_MAX: usize = 384;
const SENTENCE_TOKENS_MAX: usize = 64;

/// Scores the model in the file `weights` on `data`.
pub(super) fn evaluate(data: &Path, weights: &Path) -> anyhow::Result<SentenceScores> {
    let files = ModelFiles {
        weights: weights.to_owned(),
        tokenizer: None,
    };
    let model = LanguageModel::load(&files, &ModelOptions::default())
        .with_context(|| format!("loading the language model `{}`", weights.display()))?;
    let count = |text: &str| model.tokenizer().count(text).unwrap_or(text.len());
    let mut write = |community: &Community| {
        let prompt = community.prompt(PROMPT_TOKENS_MAX, &count);
        let mut tokens = model.encode_chat(&[Message::user(prompt)])?;
        // One utterance may be too long: its begin and the marks at the end of the prompt stay.
        if tokens.len() > PROMPT_TOKENS_MAX + 1 {
            tokens.drain(PROMPT_TOKENS_MAX..tokens.len() - 1);
        }
        let mut session = model.session();
        session.prefill(&tokens, &mut |_| ControlFlow::Continue(()))?;
        let options = GenerationOptions {
            max_tokens: SENTENCE_TOKENS_MAX,
            ..GenerationOptions::default()
        };
        let answer = session.generate(&options, &mut |_| ControlFlow::Continue(()))?;
        Ok(answer.text.trim().to_owned())
    };
    Ok(evaluate_sentences(data, &mut write)?)
}
