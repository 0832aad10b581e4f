//! The index from outside: what is put in is found, by those who may see it, until it is taken out.

mod access;
mod index_directory;
mod recommendations;
mod searches;
mod vectors;

use std::path::Path;

use datasets::{
    Access, Language, Meeting, MeetingId, Participant, SpeakerLabel, Transcript, Utterance, Viewer, Visibility,
};
use index::{EmbeddingSpec, Filters, Index, IndexWriter, MeetingEntry, SearchMode, SearchRequest};

/// A meeting and what was said in it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) meeting: Meeting,
    pub(crate) transcript: Transcript,
}

/// A meeting held by `people`, who speak in turn.
pub(crate) fn held(id: &str, day: i64, people: &[&str], texts: &[&str]) -> Held {
    let participants = people
        .iter()
        .map(|name| Participant::from_speaker(SpeakerLabel::new(*name)))
        .collect();
    let utterances = texts.iter().enumerate().map(|(position, text)| Utterance {
        speaker: people
            .get(position % people.len().max(1))
            .map(|name| SpeakerLabel::new(*name)),
        ..Utterance::new(Utterance::id_at(position), *text)
    });
    Held {
        meeting: Meeting {
            started_at: (day > 0).then(|| jiff::Timestamp::from_second(day * 86_400).expect("a valid day")),
            participants,
            language: Some(Language::ENGLISH),
            access: Access {
                visibility: Visibility::Participants,
                ..Access::default()
            },
            ..Meeting::new(MeetingId::new(id), format!("Meeting {id}"))
        },
        transcript: Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        },
    }
}

/// Puts a meeting, each utterance of at least `words_min` words a passage.
pub(crate) fn put(writer: &mut IndexWriter, held: &Held, vectors: Option<&[Vec<f32>]>) {
    let passages: Vec<index::Passage> = held
        .transcript
        .utterances
        .iter()
        .enumerate()
        .map(|(position, utterance)| index::Passage {
            utterances: position..position + 1,
            text: utterance.text.clone(),
        })
        .collect();
    writer
        .put_meeting(&MeetingEntry {
            meeting: &held.meeting,
            transcript: &held.transcript,
            minutes: None,
            action_statuses: None,
            passages: Some(&passages),
            vectors,
        })
        .expect("the meeting is put");
}

/// An index of these meetings.
pub(crate) fn index_of(folder: &Path, meetings: &[Held]) -> Index {
    let index = Index::open_or_create(folder, None).expect("the index opens");
    let mut writer = index.writer().expect("the writer is free");
    for held in meetings {
        put(&mut writer, held, None);
    }
    writer.commit().expect("the commit is written");
    index
}

pub(crate) fn request(text: &str) -> SearchRequest {
    SearchRequest {
        text: text.to_owned(),
        vector: None,
        mode: SearchMode::Hybrid,
        filters: Filters::default(),
        viewer: Viewer::Operator,
        limit: 10,
        offset: 0,
    }
}

/// `meeting/first utterance` of each hit that has utterances.
pub(crate) fn places(index: &Index, request: &SearchRequest) -> Vec<String> {
    let hits = index.search(request).expect("the search runs").hits;
    hits.iter()
        .filter_map(|hit| Some(format!("{}/{}", hit.meeting.as_ref()?, hit.utterances.as_ref()?.0)))
        .collect()
}

pub(crate) fn spec(dimensions: usize) -> EmbeddingSpec {
    EmbeddingSpec {
        dimensions,
        model_sha256: "0".repeat(64),
    }
}

#[test]
fn no_file_of_this_folder_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let this = std::fs::read_to_string(folder.join("main.rs")).expect("this file");
    for entry in std::fs::read_dir(folder).expect("this folder") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name in UTF-8");
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || this.contains(&format!("mod {module};")), "{name}");
    }
}
