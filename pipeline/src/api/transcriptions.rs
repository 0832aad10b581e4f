//! Speech to text for programs that speak to OpenAI's interface: the same address, form and answers. Nothing is kept.

use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use datasets::formats::{srt, webvtt};
use datasets::{Language, Meeting, MeetingId, Transcript};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::caller::{Reader, Writer};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use super::uploads::{Unfinished, begin_form_file, next_field, text_of};
use super::wire::serde_name;
use crate::service::run_parameters::RunParameters;
use crate::service::worker::loaded;
use crate::stages::transcribe::{SpeechOptions, TranscriptionJob, TranscriptionStopped, is_recording, sha256_of};

/// The form, as OpenAI documents it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; it is read field by field")]
pub(super) struct TranscriptionForm {
    /// The recording, in any form that `greffier run` takes.
    #[schema(format = Binary)]
    file: String,
    /// Any name: the server has one model.
    model: Option<String>,
    /// ISO 639-1; detected where it is not said.
    language: Option<String>,
    /// Names and words that are likely to be said.
    prompt: Option<String>,
    /// `json`, `text`, `srt`, `verbose_json`, `vtt` or `diarized_json`.
    response_format: Option<String>,
    /// Whether `verbose_json` lists words: `word`, `segment`.
    #[schema(rename = "timestamp_granularities[]")]
    timestamp_granularities: Option<Vec<String>>,
    /// Whether the text comes as server-sent events.
    stream: Option<bool>,
}

/// What the server transcribes with.
#[derive(Serialize, ToSchema)]
pub(super) struct ModelList {
    object: &'static str,
    data: Vec<ModelView>,
}

#[derive(Serialize, ToSchema)]
struct ModelView {
    id: String,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

/// What is asked for beside the file.
#[derive(Default)]
struct Wanted {
    language: Option<Language>,
    prompt: String,
    format: Format,
    has_words: bool,
    is_stream: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Json,
    Text,
    Srt,
    VerboseJson,
    Vtt,
    DiarizedJson,
}

/// Transcribes a recording, as OpenAI's interface does
#[utoipa::path(post, path = "/v1/audio/transcriptions", tag = "transcriptions",
    request_body(content = TranscriptionForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Object), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody)))]
pub(super) async fn transcribe(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    form: Result<Multipart, MultipartRejection>,
) -> Answer<Response> {
    let mut form = form.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let speech = api.service.speech.clone();
    let speech = speech.ok_or_else(|| Problem::unavailable("this server has no speech model"))?;
    let mut wanted = Wanted::default();
    let mut file = None;
    while let Some(field) = next_field(&mut form).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" && file.is_none() {
            let begun = begin_form_file(&api, &caller, &field, &RunParameters::default()).await?;
            let unfinished = Unfinished::new(Arc::clone(&api), begun);
            unfinished.receive(field).await?;
            file = Some(unfinished);
        } else {
            wanted.set(&name, &text_of(field).await?)?;
        }
    }
    let file = file.ok_or_else(|| Problem::bad_request("the form has no field `file`"))?;
    let asked = Arc::clone(&api);
    let options = SpeechOptions {
        language: wanted.language.or(speech.language),
        ..speech
    };
    let prompt = std::mem::take(&mut wanted.prompt);
    // Cancelled with this call, which ends when the caller goes away.
    let unheard = CancellationToken::new();
    let _waiting = unheard.clone().drop_guard();
    let work = move || hear(&asked, &file, options, prompt, &unheard);
    let heard = api.transcribing.run(work).await;
    Ok(wanted.answer(heard.map_err(|problem| problem.until(*ends(&api)))?))
}

/// Names the model, as OpenAI's interface does
#[utoipa::path(get, path = "/v1/models", tag = "transcriptions",
    responses((status = 200, body = ModelList), (status = "4XX", body = ProblemBody)))]
pub(super) async fn models(State(api): State<Arc<Api>>, _: Reader) -> Json<ModelList> {
    let named = api.service.speech.iter().map(|speech| ModelView {
        id: speech
            .model
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        object: "model",
        created: 0,
        owned_by: "greffier",
    });
    Json(ModelList {
        object: "list",
        data: named.collect(),
    })
}

fn ends(api: &Api) -> MutexGuard<'_, Option<Instant>> {
    api.transcribed_at.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hear(
    api: &Api,
    file: &Unfinished,
    options: SpeechOptions,
    vocabulary: String,
    unheard: &CancellationToken,
) -> Answer<Transcript> {
    let path = file.path();
    if !is_recording(path)? {
        return Err(Problem::unprocessable("the file is no recording"));
    }
    let sha256 = sha256_of(path)?;
    let mut slot = api.transcriber.lock().unwrap_or_else(PoisonError::into_inner);
    let transcriber = loaded(&mut slot, options)?;
    let job = TranscriptionJob {
        path: path.to_owned(),
        provenance: transcriber.provenance(&sha256, &vocabulary),
        vocabulary,
        // Beside the file, so that it goes with it.
        journal: path.with_extension("windows.jsonl"),
    };
    let (began, mut sound_ms) = (Instant::now(), 0);
    let transcript = transcriber.transcribe(&job, &mut |done_ms, all_ms| {
        sound_ms = all_ms;
        let left = began.elapsed().as_secs_f64() * (all_ms as f64 / done_ms.max(1) as f64 - 1.0);
        *ends(api) = Duration::try_from_secs_f64(left).ok().map(|left| Instant::now() + left);
        if unheard.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    *ends(api) = None;
    let transcript = transcript.map_err(|error| {
        if error.is::<TranscriptionStopped>() {
            return Problem::internal();
        }
        tracing::warn!(error = format!("{error:#}"), "a recording cannot be transcribed");
        Problem::unprocessable("the recording cannot be transcribed")
    })?;
    let sound = Duration::from_millis(sound_ms);
    api.service.metrics.heard(&transcript, sound, began.elapsed());
    Ok(transcript)
}

impl Wanted {
    fn set(&mut self, name: &str, value: &str) -> Answer<()> {
        let wrong = |error: String| Problem::bad_request(format!("{name}: {error}"));
        match name {
            "language" if !value.is_empty() => {
                let language = value.parse::<Language>();
                self.language = Some(language.map_err(|error| wrong(error.to_string()))?);
            }
            "prompt" => value.clone_into(&mut self.prompt),
            "response_format" => {
                self.format = match value {
                    "json" => Format::Json,
                    "text" => Format::Text,
                    "srt" => Format::Srt,
                    "verbose_json" => Format::VerboseJson,
                    "vtt" => Format::Vtt,
                    "diarized_json" => Format::DiarizedJson,
                    _ => {
                        return Err(wrong(
                            "use json, text, srt, verbose_json, vtt or diarized_json".to_owned(),
                        ));
                    }
                }
            }
            "timestamp_granularities[]" | "timestamp_granularities" => self.has_words |= value == "word",
            "stream" => self.is_stream = value == "true",
            // The model, the temperature and what later clients add change nothing here.
            _ => {}
        }
        Ok(())
    }

    fn answer(&self, transcript: Transcript) -> Response {
        let text = text_of_all(&transcript);
        if self.is_stream && matches!(self.format, Format::Json | Format::Text) {
            return as_stream(&transcript, &text);
        }
        let plain = |media_type, text: String| ([(header::CONTENT_TYPE, media_type)], text).into_response();
        let meeting = Meeting::new(MeetingId::new("transcription"), "");
        match self.format {
            Format::Json => Json(json!({ "text": text })).into_response(),
            Format::Text => plain("text/plain; charset=utf-8", format!("{text}\n")),
            Format::Srt => plain(
                "application/x-subrip; charset=utf-8",
                srt::write(&meeting, &anonymous(transcript)),
            ),
            Format::Vtt => plain(
                "text/vtt; charset=utf-8",
                webvtt::write(&meeting, &anonymous(transcript)),
            ),
            Format::VerboseJson => Json(verbose(&transcript, &text, self)).into_response(),
            Format::DiarizedJson => Json(diarized(&transcript, &text)).into_response(),
        }
    }
}

fn text_of_all(transcript: &Transcript) -> String {
    let texts: Vec<&str> = transcript
        .utterances
        .iter()
        .map(|utterance| utterance.text.as_str())
        .collect();
    texts.join(" ")
}

/// OpenAI's captions name no speakers.
fn anonymous(mut transcript: Transcript) -> Transcript {
    for utterance in &mut transcript.utterances {
        utterance.speaker = None;
    }
    transcript
}

fn seconds(time: Option<datasets::MediaTime>) -> f64 {
    time.map_or(0.0, datasets::MediaTime::seconds)
}

fn verbose(transcript: &Transcript, text: &str, wanted: &Wanted) -> Value {
    let utterances = transcript.utterances.iter().zip(0_usize..);
    let segments: Vec<Value> = utterances
        .map(|(utterance, id)| {
            let start = seconds(utterance.span.map(|span| span.start));
            json!({
                "id": id,
                // Hundredths of a second, as Whisper counts.
                "seek": (start * 100.0).round(),
                "start": start,
                "end": seconds(utterance.span.map(|span| span.end)),
                "text": utterance.text,
                "tokens": [],
                "temperature": 0.0,
                "avg_logprob": mean_log_probability(utterance),
                "compression_ratio": 1.0,
                "no_speech_prob": 0.0,
            })
        })
        .collect();
    let languages = transcript.utterances.iter().find_map(|utterance| utterance.language);
    let language = wanted.language.or(languages);
    let mut answer = json!({
        "task": "transcribe",
        "language": language.map_or_else(String::new, name_of),
        "duration": seconds(transcript.end()),
        "text": text,
        "segments": segments,
        "suppressed": suppressed(transcript),
    });
    if wanted.has_words {
        let words = transcript.utterances.iter().flat_map(|utterance| &utterance.words);
        let words: Vec<Value> = words
            .map(
                |word| json!({ "word": word.text, "start": word.span.start.seconds(), "end": word.span.end.seconds() }),
            )
            .collect();
        answer["words"] = words.into();
    }
    answer
}

/// What the guards took out as invented; OpenAI's clients pass over it.
fn suppressed(transcript: &Transcript) -> Vec<Value> {
    let spans = transcript.suppressed.iter();
    spans
        .map(|suppressed| {
            json!({
                "start": suppressed.span.start.seconds(),
                "end": suppressed.span.end.seconds(),
                "text": suppressed.text,
                "reason": serde_name(&suppressed.reason),
            })
        })
        .collect()
}

fn diarized(transcript: &Transcript, text: &str) -> Value {
    let utterances = transcript.utterances.iter();
    let segments: Vec<Value> = utterances
        .map(|utterance| {
            json!({
                "type": "transcript.text.segment",
                "id": utterance.id,
                "start": seconds(utterance.span.map(|span| span.start)),
                "end": seconds(utterance.span.map(|span| span.end)),
                "text": utterance.text,
                "speaker": utterance.speaker.as_ref().map_or("A", |speaker| speaker.as_str()),
            })
        })
        .collect();
    json!({ "task": "transcribe", "duration": seconds(transcript.end()), "text": text, "segments": segments })
}

/// The text utterance by utterance, and whole at the end.
fn as_stream(transcript: &Transcript, text: &str) -> Response {
    let mut body = String::new();
    let mut add = |event: &Value| {
        body.push_str("data: ");
        body.push_str(&event.to_string());
        body.push_str("\n\n");
    };
    for (utterance, number) in transcript.utterances.iter().zip(0_usize..) {
        let space = if number == 0 { "" } else { " " };
        add(&json!({ "type": "transcript.text.delta", "delta": format!("{space}{}", utterance.text) }));
    }
    add(&json!({ "type": "transcript.text.done", "text": text }));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The mean of the words' log probabilities; 0 where the recognizer gave none.
fn mean_log_probability(utterance: &datasets::Utterance) -> f64 {
    let known = utterance.words.iter().filter_map(|word| word.probability);
    let logs: Vec<f64> = known.map(|probability| f64::from(probability.max(1e-6)).ln()).collect();
    if logs.is_empty() {
        0.0
    } else {
        logs.iter().sum::<f64>() / logs.len() as f64
    }
}

/// Whisper answers with the English name of a language.
fn name_of(language: Language) -> String {
    match language {
        Language::ENGLISH => "english".to_owned(),
        Language::FRENCH => "french".to_owned(),
        other => other.to_string(),
    }
}
