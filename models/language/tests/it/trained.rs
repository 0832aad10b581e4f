//! Weights that learnt something, in a file as llama.cpp's tools write them: the model of `models/sentence`.

use std::ops::ControlFlow;
use std::path::Path;

use language_model::{GenerationEnd, GenerationOptions, Kernel, LanguageModel, Message, ModelFiles, ModelOptions};

fn sentence_model() -> LanguageModel {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sentence/greffier-sentence-q8_0.gguf");
    // The same on every machine: where two words are nearly as likely, rounding chooses.
    let options = ModelOptions {
        kernel: Some(Kernel::Exact),
        ..ModelOptions::default()
    };
    let files = ModelFiles {
        weights,
        tokenizer: None,
    };
    LanguageModel::load(&files, &options).unwrap()
}

/// What PyTorch writes with the same weights before they are quantized, by `scripts/train_sentence_model/score.py`.
const WRITTEN: [(&str, &str); 2] = [
    (
        "Project Manager: Okay, so we have a budget of twelve euros fifty for the production.\n\
         Industrial Designer: And the selling price would be twenty five euros.\n\
         Marketing Expert: Yeah, that is what the market says.",
        "The production cost was 12.5 Euros to produce.",
    ),
    (
        "User Interface: I think the buttons should be bigger, because older people cannot see the small ones.\n\
         Marketing Expert: Yes, and they lose the remote all the time.\n\
         Project Manager: So bigger buttons, okay.",
        "The remote will have buttons outside, a button, and be made of buttons.",
    ),
];

#[test]
fn a_trained_model_writes_what_it_wrote_where_it_was_trained() {
    let model = sentence_model();
    assert!(model.warning().is_none());
    for (said, expected) in WRITTEN {
        let tokens = model.encode_chat(&[Message::user(said)]).unwrap();
        let mut session = model.session();
        session.prefill(&tokens, &mut |_| ControlFlow::Continue(())).unwrap();
        let options = GenerationOptions {
            max_tokens: 64,
            ..GenerationOptions::default()
        };
        let answer = session.generate(&options, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((answer.text.trim(), answer.end), (expected, GenerationEnd::Complete));
    }
}
