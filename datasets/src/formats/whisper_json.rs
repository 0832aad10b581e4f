//! JSON of speech recognizers: whisper.cpp, and openai-whisper with its kin (faster-whisper, WhisperX, the HTTP API).

use serde::Deserialize;

use super::utterance_list::{Found, UtteranceList, one_line};
use super::{Format, Input, MeetingRead, ReadFileError, ReadProblem};
use crate::{Language, MediaTime, TimeSpan, Word};

mod tokens;

/// Reads a transcript; `format` is one of the two.
///
/// # Errors
/// When the JSON is broken or of another shape, or no segment has text.
pub(super) fn read(input: &Input<'_>, format: Format) -> Result<MeetingRead, ReadFileError> {
    let mut list = UtteranceList::default();
    let language = match format {
        Format::WhisperCpp => {
            let file: CppFile = parse(input, format)?;
            file.transcription
                .into_iter()
                .for_each(|segment| list.push(segment.found()));
            file.result.language
        }
        _ => {
            let file: OpenFile = parse(input, format)?;
            let (segments, words, language) = file.parts();
            push_segments(&mut list, segments, words);
            language
        }
    };
    let mut read = list.into_meeting(input, format)?;
    read.meeting.language = language.as_deref().and_then(language_named);
    Ok(read)
}

fn parse<'a, T: Deserialize<'a>>(input: &'a Input<'_>, format: Format) -> Result<T, ReadFileError> {
    serde_json::from_str(input.text.trim()).map_err(|source| {
        let line = Some(source.line()).filter(|&line| line > 0);
        input.error(line, ReadProblem::Json { format, source })
    })
}

/// The HTTP API writes languages in full.
fn language_named(name: &str) -> Option<Language> {
    const NAMES: &[(&str, &str)] = &[
        ("arabic", "ar"),
        ("chinese", "zh"),
        ("dutch", "nl"),
        ("english", "en"),
        ("french", "fr"),
        ("german", "de"),
        ("italian", "it"),
        ("japanese", "ja"),
        ("portuguese", "pt"),
        ("russian", "ru"),
        ("spanish", "es"),
    ];
    let name = name.trim().to_lowercase();
    let code = NAMES
        .iter()
        .find(|(long, _)| *long == name)
        .map_or(name.as_str(), |(_, code)| code);
    code.parse().ok()
}

#[derive(Deserialize)]
struct CppFile {
    #[serde(default)]
    result: CppResult,
    transcription: Vec<CppSegment>,
}

#[derive(Default, Deserialize)]
struct CppResult {
    #[serde(default)]
    language: Option<String>,
}

#[derive(Deserialize)]
struct CppSegment {
    offsets: CppOffsets,
    text: String,
    #[serde(default)]
    tokens: Vec<tokens::CppToken>,
    #[serde(default)]
    speaker: Option<Speaker>,
}

/// Milliseconds.
#[derive(Clone, Copy, Deserialize)]
struct CppOffsets {
    from: i64,
    to: i64,
}

/// A number or a name; whisper.cpp writes `?` where it cannot tell.
#[derive(Deserialize)]
#[serde(untagged)]
enum Speaker {
    Name(String),
    Number(u32),
}

impl Speaker {
    fn label(self) -> Option<String> {
        match self {
            Self::Name(name) if name == "?" => None,
            Self::Name(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => Some(format!("Speaker {name}")),
            Self::Name(name) => Some(name),
            Self::Number(number) => Some(format!("Speaker {number}")),
        }
    }
}

impl CppOffsets {
    fn span(self) -> TimeSpan {
        TimeSpan::new(MediaTime(self.from.max(0)), MediaTime(self.to.max(0)))
    }
}

impl CppSegment {
    fn found(self) -> Found {
        let span = self.offsets.span();
        Found {
            id: None,
            speaker: self.speaker.and_then(Speaker::label),
            span: Some(span),
            words: tokens::words(&self.tokens, &self.text, span),
            text: self.text,
        }
    }
}

/// A list of segments alone is what faster-whisper users write.
#[derive(Deserialize)]
#[serde(untagged)]
enum OpenFile {
    Whole(OpenWhole),
    Segments(Vec<OpenSegment>),
}

#[derive(Deserialize)]
struct OpenWhole {
    segments: Vec<OpenSegment>,
    /// The HTTP API gives the words beside the segments.
    #[serde(default)]
    words: Vec<OpenWord>,
    #[serde(default)]
    language: Option<String>,
}

/// Times in seconds.
#[derive(Deserialize)]
struct OpenSegment {
    start: f64,
    end: f64,
    text: String,
    #[serde(default)]
    words: Vec<OpenWord>,
    #[serde(default)]
    speaker: Option<Speaker>,
}

/// WhisperX gives no times for words it could not align.
#[derive(Deserialize)]
struct OpenWord {
    #[serde(alias = "text")]
    word: String,
    #[serde(default)]
    start: Option<f64>,
    #[serde(default)]
    end: Option<f64>,
    #[serde(default, alias = "score")]
    probability: Option<f32>,
}

impl OpenFile {
    fn parts(self) -> (Vec<OpenSegment>, Vec<OpenWord>, Option<String>) {
        match self {
            Self::Whole(file) => (file.segments, file.words, file.language),
            Self::Segments(segments) => (segments, Vec::new(), None),
        }
    }
}

/// Words beside the segments belong to the segment they begin in.
fn push_segments(list: &mut UtteranceList, segments: Vec<OpenSegment>, words: Vec<OpenWord>) {
    let mut beside = words.into_iter().peekable();
    let count = segments.len();
    for (position, mut segment) in segments.into_iter().enumerate() {
        let is_last = position + 1 == count;
        while let Some(word) = beside.next_if(|word| is_last || word.start.is_none_or(|start| start < segment.end)) {
            segment.words.push(word);
        }
        let span = seconds_span(segment.start, segment.end);
        list.push(Found {
            id: None,
            speaker: segment.speaker.and_then(Speaker::label),
            span: Some(span),
            words: segment.words.into_iter().filter_map(OpenWord::timed).collect(),
            text: segment.text,
        });
    }
}

impl OpenWord {
    fn timed(self) -> Option<Word> {
        let span = seconds_span(self.start?, self.end?);
        let text = one_line(&self.word);
        (!text.is_empty()).then_some(Word {
            text,
            span,
            probability: self.probability,
        })
    }
}

fn seconds_span(start: f64, end: f64) -> TimeSpan {
    TimeSpan::new(
        MediaTime::from_seconds(start.max(0.0)),
        MediaTime::from_seconds(end.max(0.0)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::read as read_any;

    fn read_json(text: &str) -> MeetingRead {
        read_any("a.json", text.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn segments_of_openai_whisper_have_words() {
        let read = read_json(
            r#"{"text":" Hi you","language":"fr","segments":[{"id":0,"seek":0,"start":0.5,"end":1.25,"text":" Hi you",
               "words":[{"word":" Hi","start":0.5,"end":0.8,"probability":0.9},{"word":" you","start":0.8,"end":1.2}]}]}"#,
        );
        let utterance = &read.transcript.utterances[0];
        assert_eq!(read.meeting.language, Some(Language::FRENCH));
        assert_eq!(utterance.span, Some(TimeSpan::new(MediaTime(500), MediaTime(1250))));
        assert_eq!(utterance.words[0].probability, Some(0.9));
        assert_eq!(utterance.words[1].span.start, MediaTime(800));
    }

    #[test]
    fn words_beside_the_segments_find_their_segment() {
        let read = read_json(
            r#"{"language":"english","segments":[{"start":0,"end":1,"text":"Hi"},{"start":1,"end":2,"text":"you all","speaker":"Ann"}],
               "words":[{"word":"Hi","start":0.1,"end":0.5},{"word":"you","start":1.0,"end":1.4},{"word":"all","start":1.5,"end":2.2}]}"#,
        );
        let counts: Vec<_> = read
            .transcript
            .utterances
            .iter()
            .map(|utterance| utterance.words.len())
            .collect();
        assert_eq!(counts, [1, 2]);
        assert_eq!(read.meeting.language, Some(Language::ENGLISH));
        assert_eq!(read.meeting.participants[0].name, "Ann");
    }

    #[test]
    fn whisper_cpp_times_are_milliseconds() {
        let read = read_json(
            r#"{"systeminfo":"x","result":{"language":"en"},"transcription":[{"timestamps":{"from":"","to":""},
               "offsets":{"from":120,"to":900},"text":" Hi.","speaker":"0"},{"offsets":{"from":900,"to":950},"text":" "}]}"#,
        );
        assert_eq!(read.transcript.utterances.len(), 1);
        let utterance = &read.transcript.utterances[0];
        assert_eq!(utterance.span.unwrap().start, MediaTime(120));
        assert_eq!(utterance.speaker.as_ref().unwrap().as_str(), "Speaker 0");
    }

    #[test]
    fn other_json_is_an_error_with_its_line() {
        let error = read_any("a.json", b"{\n\"segments\": 3}").unwrap_err();
        assert!(matches!(error.problem, ReadProblem::Json { .. }), "{error:?}");
        let error = read_any("a.json", b"{\"transcription\":\n[{\"offsets\":1}]}").unwrap_err();
        assert_eq!(error.line, Some(2));
    }
}
