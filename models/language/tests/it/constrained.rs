//! Answers held to a schema: whatever the weights, the answer is JSON of that schema.

use std::ops::ControlFlow;

use language_model::{GenerationEnd, GenerationOptions, Kernel, Sampling};
use serde_json::{Value as Json, json};

use crate::files::{load, writing_case};

#[test]
fn random_weights_write_valid_json() {
    let case = writing_case();
    let model = load(&case, Kernel::fastest());
    let schema = json!({
        "type": "object",
        "properties": {
            "summary": {"type": "string", "maxLength": 30},
            "citations": {"type": "array", "items": {"enum": ["u1", "u12", "u13"]}, "minItems": 1, "maxItems": 3},
        },
        "required": ["summary", "citations"],
        "additionalProperties": false,
    });
    let constraint = model.constraint(&schema).unwrap();
    let mut session = model.session();
    session.prefill(&[1, 2, 3], &mut |_| ControlFlow::Continue(())).unwrap();
    for seed in 0..20 {
        let options = GenerationOptions {
            max_tokens: 400,
            sampling: Sampling::Random {
                temperature: 1.0,
                top_p: 1.0,
                seed,
            },
            constraint: Some(constraint.clone()),
            stop: Vec::new(),
        };
        let answer = session
            .fork()
            .generate(&options, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(answer.end, GenerationEnd::Complete, "{}", answer.text);
        let json: Json = serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text));
        assert!(json["summary"].as_str().is_some_and(|text| text.chars().count() <= 30));
        let citations = json["citations"].as_array().unwrap();
        assert!((1..=3).contains(&citations.len()));
        assert!(
            citations
                .iter()
                .all(|citation| ["u1", "u12", "u13"].contains(&citation.as_str().unwrap()))
        );
        // {"summary": " and ", "citations": ["u are never asked of the model.
        assert!(
            answer.forced_tokens >= 28,
            "{} of {}",
            answer.forced_tokens,
            answer.tokens.len()
        );
    }
}

#[test]
fn a_schema_that_cannot_be_kept_is_refused() {
    let case = writing_case();
    let model = load(&case, Kernel::fastest());
    let error = model.constraint(&json!({"type": "no such type"})).unwrap_err();
    assert!(error.to_string().contains("can't be held to"), "{error}");
}
