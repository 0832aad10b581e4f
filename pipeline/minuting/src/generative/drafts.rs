//! What the model is asked for, as JSON schemas, and what it answered.
//!
//! A constrained model writes properties in the order of the schema, which is that of the alphabet: first what a statement
//! rests on, then the statement; first the statements of a topic, then its title.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Letters of a statement, at most: a runaway answer is cut by the schema and not by the context.
const STATEMENT_LETTERS_MAX: usize = 300;

/// One statement as the model wrote it, with the ids of what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) evidence: Vec<String>,
    /// Of an action: who is to do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    pub(super) text: String,
    /// Of an action: until when, in the words that were said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
}

/// A topic as the model wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DraftTopic {
    /// Empty where the answer was cut before it, or claims what is not proven.
    #[serde(default)]
    pub(super) title: String,
    pub(super) statements: Vec<Draft>,
}

/// The answer to the question for topics.
#[derive(Debug, Deserialize)]
pub(super) struct TopicsAnswer {
    pub(super) topics: Vec<DraftTopic>,
}

/// The answer to a question for statements.
#[derive(Debug, Deserialize)]
pub(super) struct StatementsAnswer {
    pub(super) statements: Vec<Draft>,
}

/// At most `count` topics whose statements rest on some of `ids`.
pub(super) fn topics_schema(ids: &[&str], count: usize, statements_max: usize) -> Value {
    let topic = object(json!({
        "statements": list(draft(ids, None), 1, statements_max),
        "title": { "type": "string", "minLength": 1, "maxLength": 80 },
    }));
    object(json!({ "topics": list(topic, 1, count) }))
}

/// Statements that rest on some of `ids`.
pub(super) fn statements_schema(ids: &[&str], count_max: usize) -> Value {
    object(json!({ "statements": list(draft(ids, None), 0, count_max) }))
}

/// Actions that rest on some of `ids`, each done by one of `people` or by nobody in particular.
pub(super) fn actions_schema(ids: &[&str], people: &[&str], count_max: usize) -> Value {
    object(json!({ "statements": list(draft(ids, Some(people)), 0, count_max) }))
}

fn draft(ids: &[&str], people: Option<&[&str]>) -> Value {
    // In the order of the alphabet, whether or not serde_json keeps the order of insertion.
    let mut properties = Map::new();
    let evidence = list(json!({ "type": "string", "enum": ids }), 1, 6);
    properties.insert("evidence".to_owned(), evidence);
    if let Some(people) = people {
        let mut owners: Vec<Value> = people.iter().map(|name| json!(name)).collect();
        owners.push(Value::Null);
        properties.insert("owner".to_owned(), json!({ "enum": owners }));
    }
    let text = json!({ "type": "string", "minLength": 1, "maxLength": STATEMENT_LETTERS_MAX });
    properties.insert("text".to_owned(), text);
    if people.is_some() {
        let until = json!({ "type": ["string", "null"], "maxLength": 60 });
        properties.insert("until".to_owned(), until);
    }
    object(properties.into())
}

/// An object with exactly these properties.
fn object(properties: Value) -> Value {
    let required: Vec<String> = properties
        .as_object()
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn list(items: Value, min: usize, max: usize) -> Value {
    json!({ "type": "array", "items": items, "minItems": min, "maxItems": max })
}

/// Reads an answer; a server that knows no schemas may have put words or a code fence around it.
///
/// # Errors
/// What is wrong with its form.
pub(super) fn parse<T: DeserializeOwned>(answer: &str) -> Result<T, String> {
    let inner = match (answer.find('{'), answer.rfind('}')) {
        (Some(start), Some(end)) if start < end => &answer[start..=end],
        _ => return Err("no JSON object".to_owned()),
    };
    // The message of serde_json may quote the answer, which quotes the meeting: place and kind are enough.
    serde_json::from_str(inner).map_err(|error| {
        let kind = error.classify();
        format!("{kind:?} error at line {}, column {}", error.line(), error.column())
    })
}

/// Reads an answer that was cut at the limit of its tokens: the items in it that are whole.
///
/// # Errors
/// What is wrong with its form, as of one without a whole item.
pub(super) fn parse_cut<T: DeserializeOwned>(answer: &str) -> Result<T, String> {
    let start = answer.find('{').ok_or("no JSON object")?;
    // Brackets that are open, and what would close them after the last whole item.
    let (mut open, mut whole) = (Vec::new(), None);
    let (mut is_text, mut is_escaped) = (false, false);
    for (at, letter) in answer[start..].char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_text,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
                if letter == '}' && open.last() == Some(&']') {
                    let rest: String = open.iter().rev().collect();
                    whole = Some(format!("{}{rest}", &answer[start..=start + at]));
                }
            }
            _ => {}
        }
    }
    parse(&whole.ok_or("it was cut before its first item was whole")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_that_was_cut_the_whole_items_stand() {
        let whole = json!({ "topics": [
            { "statements": [{ "evidence": ["u1"], "text": "A \"}]\" said." }], "title": "One" },
            { "statements": [{ "evidence": ["u2"], "text": "B." }, { "evidence": ["u3"], "text": "C." }], "title": "Two" },
        ] });
        let whole = whole.to_string();
        let mut counts = Vec::new();
        for cut in 0..=whole.len() {
            let found: Result<TopicsAnswer, String> = parse_cut(&whole[..cut]);
            let statements = found.map_or(0, |found| found.topics.iter().map(|topic| topic.statements.len()).sum());
            counts.push(statements);
        }
        assert!(counts.is_sorted(), "{counts:?}");
        counts.dedup();
        assert_eq!(counts, [0, 1, 2, 3]);
    }

    #[test]
    fn words_around_an_answer_do_no_harm() {
        let answer =
            "Here you are:\n```json\n{\"statements\": [{\"text\": \"We ship.\", \"evidence\": [\"u1\"]}]}\n```";
        let parsed: StatementsAnswer = parse(answer).unwrap();
        assert_eq!(parsed.statements[0].text, "We ship.");
        assert_eq!(parsed.statements[0].owner, None);
    }

    #[test]
    fn an_error_does_not_repeat_what_was_said() {
        let error = parse::<StatementsAnswer>("{\"statements\": \"the secret\"}").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
        assert!(parse::<StatementsAnswer>("no").is_err());
    }

    #[test]
    fn schemas_close_their_objects_and_name_the_evidence() {
        let schema = actions_schema(&["u1", "u2"], &["Ann"], 3);
        let draft = &schema["properties"]["statements"]["items"];
        assert_eq!(draft["additionalProperties"], false);
        assert_eq!(draft["properties"]["evidence"]["items"]["enum"], json!(["u1", "u2"]));
        assert_eq!(draft["properties"]["owner"]["enum"], json!(["Ann", null]));
        assert_eq!(draft["required"], json!(["evidence", "owner", "text", "until"]));
    }
}
