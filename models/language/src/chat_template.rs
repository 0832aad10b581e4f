//! Turns of a conversation as the text that a model was trained on, by the model's own Jinja template.

use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value as Metadata};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value as Json;
use thiserror::Error as ThisError;

use crate::tokenizer::directory_of;

/// The name under which the template is kept.
const NAME: &str = "chat";

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Standing instructions.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// Its name in templates.
    fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// Standing instructions.
    pub fn system(content: impl Into<String>) -> Message {
        Message {
            role: Role::System,
            content: content.into(),
        }
    }

    /// A question.
    pub fn user(content: impl Into<String>) -> Message {
        Message {
            role: Role::User,
            content: content.into(),
        }
    }

    /// An answer of the model.
    pub fn assistant(content: impl Into<String>) -> Message {
        Message {
            role: Role::Assistant,
            content: content.into(),
        }
    }
}

/// Why a template can't be used.
#[derive(Debug, ThisError)]
pub enum ChatTemplateError {
    /// The model's template is not Jinja that is understood here.
    #[error("the model's chat template can't be read")]
    Parse(#[source] Error),
    /// The template refuses these messages, or fails.
    #[error("the model's chat template can't be filled")]
    Render(#[source] Error),
    /// The model has none: it is not one that was taught to converse.
    #[error("the model has no chat template: it continues texts, but does not answer")]
    Absent,
}

/// A model's chat template.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    first_token: String,
    end_token: String,
}

impl ChatTemplate {
    /// Finds a model's template: in the GGUF file, in `chat_template.jinja`, or in `tokenizer_config.json`.
    pub(crate) fn load(model: &Path, content: Option<&Content>) -> Result<Option<ChatTemplate>, ChatTemplateError> {
        let directory = directory_of(model);
        let text = std::fs::read(directory.join("tokenizer_config.json")).unwrap_or_default();
        let config: Json = serde_json::from_slice(&text).unwrap_or_default();
        let template = of_metadata(content, "tokenizer.chat_template")
            .or_else(|| std::fs::read_to_string(directory.join("chat_template.jinja")).ok())
            .or_else(|| of_config(&config["chat_template"]));
        let Some(template) = template else { return Ok(None) };
        let special = |kind: &str| token_of_metadata(content, kind).or_else(|| token_of_config(&config, kind));
        let (first, end) = (special("bos").unwrap_or_default(), special("eos").unwrap_or_default());
        ChatTemplate::new(template, first, end).map(Some)
    }

    pub(crate) fn new(
        template: String,
        first_token: String,
        end_token: String,
    ) -> Result<ChatTemplate, ChatTemplateError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(ChatTemplateError::Parse)?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| {
            Err::<String, _>(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment
            .add_template_owned(NAME, template)
            .map_err(ChatTemplateError::Parse)?;
        Ok(ChatTemplate {
            environment,
            first_token,
            end_token,
        })
    }

    /// The conversation up to where the model's answer begins.
    pub(crate) fn render(&self, messages: &[Message]) -> Result<String, ChatTemplateError> {
        let template = self.environment.get_template(NAME).map_err(ChatTemplateError::Parse)?;
        let message = |message: &Message| context! { role => message.role.name(), content => message.content.as_str() };
        let values = context! {
            messages => messages.iter().map(message).collect::<Vec<_>>(),
            bos_token => self.first_token.as_str(),
            eos_token => self.end_token.as_str(),
            add_generation_prompt => true,
        };
        template.render(values).map_err(ChatTemplateError::Render)
    }
}

fn of_metadata(content: Option<&Content>, key: &str) -> Option<String> {
    match content?.metadata.get(key)? {
        Metadata::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// One template, or several with names.
fn of_config(template: &Json) -> Option<String> {
    let several = template.as_array();
    let named = several.and_then(|templates| templates.iter().find(|template| template["name"] == "default"));
    named
        .map_or(template, |named| &named["template"])
        .as_str()
        .map(str::to_owned)
}

fn token_of_metadata(content: Option<&Content>, kind: &str) -> Option<String> {
    let metadata = &content?.metadata;
    let id = metadata
        .get(&format!("tokenizer.ggml.{kind}_token_id"))?
        .to_u32()
        .ok()?;
    let tokens = metadata.get("tokenizer.ggml.tokens")?.to_vec().ok()?;
    tokens.get(id as usize)?.to_string().ok().cloned()
}

fn token_of_config(config: &Json, kind: &str) -> Option<String> {
    let token = &config[format!("{kind}_token")];
    token.as_str().or(token["content"].as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the manner of Llama 3, with the Python methods that templates use.
    const TEMPLATE: &str = "{% for message in messages %}\n    {% if loop.first %}{{ bos_token }}{% endif %}\n    \
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'].strip() + \
        '<|eot_id|>' }}\n{%- endfor %}\n{% if messages[0].content.startswith('!') %}{{ raise_exception('no') }}{% endif \
        %}\n{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";

    #[test]
    fn a_conversation_is_written_as_the_template_says() {
        let template = ChatTemplate::new(TEMPLATE.to_owned(), "<s>".to_owned(), "</s>".to_owned()).unwrap();
        let messages = [Message::system(" Be brief. "), Message::user("Why?")];
        let expected = "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user\
            <|end_header_id|>\n\nWhy?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
        assert_eq!(template.render(&messages).unwrap(), expected);
        let refused = template.render(&[Message::user("!")]).unwrap_err();
        assert!(matches!(refused, ChatTemplateError::Render(_)));
        assert!(ChatTemplate::new("{% if %}".to_owned(), String::new(), String::new()).is_err());
    }
}
