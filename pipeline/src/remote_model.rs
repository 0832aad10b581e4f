//! A language model on a server that speaks OpenAI's protocol: vLLM, llama.cpp, LM Studio or one further away. What is
//! sent is the transcript, so whoever names a server decides where it goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use minuting::generative::{Answer, GenerateError, GeneratorDescription, OnTokens, PassageReader, TextGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::http::StatusCode;

/// Letters per token in French and English prose are more than this, by all tokenizers of the field.
const LETTERS_PER_TOKEN_MIN: usize = 3;
/// How often a server that is overloaded is asked.
const ATTEMPTS: u32 = 4;
/// What is waited for a server that does not say how long, doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest that a server may ask to wait.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How long an answer may be in the making: a large model on a small server takes its time.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30 * 60);
/// How long its text may take to come once it is made.
const BODY_WAIT_MAX: Duration = Duration::from_secs(120);

/// Where the model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOptions {
    /// Address of the protocol's root, such as `http://localhost:8000/v1`.
    pub address: String,
    /// The model's name on the server.
    pub model: String,
    /// A key, where the server asks for one.
    pub key: Option<String>,
    /// Tokens that the model's context holds.
    pub context_tokens: usize,
}

/// A model on a server.
pub struct RemoteModel {
    options: RemoteOptions,
    agent: ureq::Agent,
    /// Whether the server refused the protocol's present form of a schema and took the earlier one.
    takes_earlier_form: AtomicBool,
}

struct RemoteReader<'a> {
    model: &'a RemoteModel,
    system: String,
    passage: String,
}

/// What came back, for the reader of an error.
#[derive(Debug, thiserror::Error)]
enum RemoteError {
    #[error("`{address}` answered {status}: {said}")]
    Refused {
        address: String,
        status: StatusCode,
        said: String,
    },
    #[error("`{address}`: {source}; is the server running, and the address right?")]
    Connection { address: String, source: Box<ureq::Error> },
    #[error("`{address}` gave no answer of OpenAI's form")]
    Form { address: String },
}

#[derive(Debug, Serialize, Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Choice {
    message: ChoiceMessage,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChoiceMessage {
    content: Option<String>,
}

impl RemoteModel {
    /// A model that is asked when there is something to ask.
    pub fn new(options: RemoteOptions) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(ANSWER_WAIT_MAX))
            .timeout_recv_body(Some(BODY_WAIT_MAX))
            .http_status_as_error(false)
            .proxy(ureq::Proxy::try_from_env())
            .build();
        Self {
            options: RemoteOptions {
                address: options.address.trim_end_matches('/').to_owned(),
                ..options
            },
            agent: agent.into(),
            takes_earlier_form: AtomicBool::new(false),
        }
    }

    /// One answer; asked again while the server says that it is busy.
    fn complete(&self, body: &Value) -> Result<Completion, GenerateError> {
        let address = format!("{}/chat/completions", self.options.address);
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let mut request = self.agent.post(&address);
            if let Some(key) = &self.options.key {
                request = request.header("Authorization", format!("Bearer {key}"));
            }
            let sent = request.send_json(body);
            let mut response = sent.map_err(|source| {
                let address = address.clone();
                GenerateError::Unreachable(Box::new(RemoteError::Connection {
                    address,
                    source: Box::new(source),
                }))
            })?;
            let status = response.status();
            if status.is_success() {
                let form = |_| {
                    GenerateError::Failed(Box::new(RemoteError::Form {
                        address: address.clone(),
                    }))
                };
                return response.body_mut().read_json().map_err(form);
            }
            let busy = [
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ];
            let busy = busy.contains(&status);
            if busy && attempt < ATTEMPTS {
                let asked = response
                    .headers()
                    .get("Retry-After")
                    .and_then(|value| value.to_str().ok());
                let asked = asked.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
                std::thread::park_timeout(asked.unwrap_or(wait).min(WAIT_MAX));
                wait *= 2;
                attempt += 1;
                continue;
            }
            let said = response.body_mut().read_to_string().unwrap_or_default();
            let error = Box::new(RemoteError::Refused {
                address,
                status,
                said: said.chars().take(300).collect(),
            });
            let for_all = busy
                || status == StatusCode::UNAUTHORIZED
                || status == StatusCode::PAYMENT_REQUIRED
                || status == StatusCode::FORBIDDEN
                || status == StatusCode::NOT_FOUND;
            return Err(if for_all {
                GenerateError::Unreachable(error)
            } else {
                GenerateError::Failed(error)
            });
        }
    }
}

impl TextGenerator for RemoteModel {
    fn description(&self) -> GeneratorDescription {
        GeneratorDescription {
            engine: "remote".to_owned(),
            model: self.options.model.clone(),
            model_sha256: None,
        }
    }

    fn context_tokens(&self) -> usize {
        self.options.context_tokens
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.chars().count().div_ceil(LETTERS_PER_TOKEN_MIN)
    }

    fn read<'a>(
        &'a self,
        system: &str,
        passage: &str,
        _: &mut OnTokens<'_>,
    ) -> Result<Box<dyn PassageReader + 'a>, GenerateError> {
        Ok(Box::new(RemoteReader {
            model: self,
            system: system.to_owned(),
            passage: passage.to_owned(),
        }))
    }
}

impl PassageReader for RemoteReader<'_> {
    /// The schema goes along in the protocol's present form, and in llama.cpp's earlier one where that is refused.
    fn ask(
        &mut self,
        question: &str,
        schema: &Value,
        tokens_max: usize,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Answer, GenerateError> {
        // The passage stands before the question, so that a server that remembers prefixes computes it once.
        let mut body = json!({
            "model": self.model.options.model,
            "temperature": 0,
            "max_tokens": tokens_max,
            "messages": [
                { "role": "system", "content": self.system },
                { "role": "user", "content": format!("{}\n{question}", self.passage) },
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": "minutes", "strict": true, "schema": schema },
            },
        });
        let earlier_form = json!({ "type": "json_object", "schema": schema });
        if self.model.takes_earlier_form.load(Ordering::Relaxed) {
            body["response_format"] = earlier_form.clone();
        }
        let completion = match self.model.complete(&body) {
            Err(GenerateError::Failed(error))
                if body["response_format"] != earlier_form && is_about_the_form(error.as_ref()) =>
            {
                body["response_format"] = earlier_form;
                let completion = self.model.complete(&body)?;
                self.model.takes_earlier_form.store(true, Ordering::Relaxed);
                completion
            }
            other => other?,
        };
        let choice = completion.choices.into_iter().next();
        let address = || self.model.options.address.clone();
        let no_form = || GenerateError::Failed(Box::new(RemoteError::Form { address: address() }));
        let choice = choice.ok_or_else(no_form)?;
        let text = choice.message.content.ok_or_else(no_form)?;
        // Nobody says how far a server is: all that was asked for is told when it is there.
        let tokens = self.model.count_tokens(&self.passage) + self.model.count_tokens(&text);
        if on_tokens(tokens).is_break() {
            return Err(GenerateError::Stopped);
        }
        Ok(Answer {
            is_whole: choice.finish_reason.as_deref() != Some("length"),
            text,
        })
    }
}

/// Whether the server does not know a part of the request. That of llama-cpp-python calls it an internal error, and names
/// the part.
fn is_about_the_form(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let Some(RemoteError::Refused { status, said, .. }) = error.downcast_ref() else {
        return false;
    };
    match *status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => true,
        StatusCode::INTERNAL_SERVER_ERROR => said.contains("response_format"),
        _ => false,
    }
}
