//! What people ask, drawn from the library itself: words of it typed letter by letter, and recommendations for texts of it,
//! for invitations to its series and for its meetings.

use anyhow::{Result, ensure};
use benches::synthetic_library::Random;
use datasets::library::Library;
use datasets::{Meeting, Transcript};
use index::PassageOptions;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Requests that are drawn of each kind.
const DRAWN: usize = 2000;
/// Meetings of the next days, for which everybody who takes part is recommended something.
const COMING: usize = 100;
/// Words of a text, about a passage.
const TEXT_WORDS: usize = 100;
/// Words of an invitation's agenda.
const AGENDA_WORDS: usize = 25;
/// Words of five minutes of talk.
const TALK_WORDS: usize = 750;
/// Words that are typed, at most.
const TYPED_WORDS: usize = 3;
/// Letters before the page asks for the first time.
const TYPED_LETTERS_MIN: usize = 2;
/// Hits that the page asks for.
const TYPED_LIMIT: usize = 30;

/// One request, ready to be sent.
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<String>,
}

/// Meetings of a library, each with a piece of what was said in it.
pub(crate) struct Sample {
    /// In the library.
    pub(crate) meetings: usize,
    /// In the library, as the index cuts them.
    pub(crate) passages: usize,
    pieces: Vec<(Meeting, String)>,
}

/// Makes a context of a meeting and what was said in it: its kind, and itself.
type Draw = fn(&Meeting, &str) -> (&'static str, Value);

impl Sample {
    pub(crate) fn draw(library: &Library) -> Result<Self> {
        let mut random = Random(6);
        let mut sample = Self {
            meetings: 0,
            passages: 0,
            pieces: Vec::new(),
        };
        for id in library.meeting_ids()? {
            let meeting = library.meeting(&id)?;
            let transcript = library.transcript(&id)?.unwrap_or_default();
            sample.meetings += 1;
            sample.passages += index::passages_with(Some(&meeting), &transcript, PassageOptions::default()).len();
            let piece = piece(&transcript, &mut random);
            if !piece.is_empty() {
                sample.pieces.push((meeting, piece));
            }
        }
        ensure!(!sample.pieces.is_empty(), "nothing is said in the library");
        Ok(sample)
    }

    /// The loads by name.
    pub(crate) fn loads(&self) -> Vec<(&'static str, Vec<Request>)> {
        vec![
            (
                "search_as_you_type",
                self.typed("/v1/search", &format!("&limit={TYPED_LIMIT}&typing=true")),
            ),
            (
                "search_by_words",
                self.typed("/v1/search", &format!("&limit={TYPED_LIMIT}&mode=keyword&typing=true")),
            ),
            ("suggest", self.typed("/v1/suggest", "")),
            (
                "recommendations",
                self.recommendations(&[text, invitation, meeting], DRAWN),
            ),
            (
                "recommendations_again",
                self.recommendations(&[invitation, meeting], COMING),
            ),
            ("recommendations_live", self.recommendations(&[live], DRAWN)),
        ]
    }

    /// Phrases of the library letter by letter, each after the other.
    fn typed(&self, path: &str, rest: &str) -> Vec<Request> {
        let mut random = Random(7);
        let mut requests = Vec::new();
        for _ in 0..DRAWN {
            let (_, said) = &self.pieces[random.below(self.pieces.len())];
            let words: Vec<&str> = said.split_whitespace().filter(|word| is_plain(word)).collect();
            let first = random.below(words.len().max(1));
            let last = (first + 1 + random.below(TYPED_WORDS)).min(words.len());
            let phrase = words[first.min(last)..last].join(" ");
            // Plain words are ASCII: a letter is a byte.
            let typed = (TYPED_LETTERS_MIN..=phrase.len()).map(|letters| &phrase[..letters]);
            requests.extend(typed.filter(|typed| !typed.ends_with(' ')).map(|typed| Request {
                kind: "typed",
                path: format!("{path}?q={}{rest}", typed.replace(' ', "%20")),
                body: None,
            }));
        }
        requests
    }

    /// One request after the other of each of the kinds.
    fn recommendations(&self, kinds: &[Draw], drawn: usize) -> Vec<Request> {
        let mut random = Random(8);
        let mut draw = |of: &Draw| {
            let (meeting, said) = &self.pieces[random.below(self.pieces.len())];
            let (kind, value) = of(meeting, said);
            Request {
                kind,
                path: "/v1/recommendations".to_owned(),
                body: Some(json!({ "context": { kind: value } }).to_string()),
            }
        };
        kinds.iter().cycle().take(drawn * kinds.len()).map(&mut draw).collect()
    }
}

/// Consecutive words of what was said, from anywhere.
fn piece(transcript: &Transcript, random: &mut Random) -> String {
    let texts = transcript.utterances.iter().map(|utterance| utterance.text.as_str());
    let words: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
    let first = random.below((words.len() + 1).saturating_sub(TALK_WORDS).max(1));
    words[first..(first + TALK_WORDS).min(words.len())].join(" ")
}

fn is_plain(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn first_words(text: &str, count: usize) -> String {
    text.split_whitespace().take(count).collect::<Vec<_>>().join(" ")
}

fn text(_: &Meeting, said: &str) -> (&'static str, Value) {
    ("text", first_words(said, TEXT_WORDS).into())
}

/// To the next meeting of the same series, which takes place now.
fn invitation(meeting: &Meeting, said: &str) -> (&'static str, Value) {
    let people: Vec<&str> = meeting.participants.iter().map(|one| one.name.as_str()).collect();
    let event = json!({
        "title": meeting.title,
        "agenda": first_words(said, AGENDA_WORDS),
        "people": people,
        "series": meeting.series,
        "starts_at": Timestamp::now(),
    });
    ("event", event)
}

fn meeting(meeting: &Meeting, _: &str) -> (&'static str, Value) {
    ("meeting", meeting.id.as_str().into())
}

fn live(meeting: &Meeting, said: &str) -> (&'static str, Value) {
    ("live", json!({ "text": said, "meeting": meeting.id }))
}
