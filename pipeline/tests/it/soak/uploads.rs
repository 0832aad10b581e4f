//! Uploads, in one piece or in several, sent again after a kill until they are accepted, and followed to their end; and files
//! that are put into a watched folder.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::WATCHED;
use super::clients::text;
use super::ledger::{Content, Fate, Kept};
use super::load::{Deed, Load, Unanswered};
use super::random::Random;
use super::talk::{Talk, new_word};
use crate::server::form;

/// Jobs that are looked after at once.
const FOLLOWED: usize = 8;
/// Recordings are short, and few: each takes seconds.
const SOUND_SECONDS: usize = 3;
const SOUND_ONE_IN: usize = 12;

/// How long a client waits when the server is busy.
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// A file to be sent.
struct Parcel {
    key: String,
    file_name: String,
    bytes: Vec<u8>,
    fields: Vec<(&'static str, String)>,
}

/// Uploads meetings until the load is over.
pub(super) fn upload(load: &Load, mut random: Random, sound: &[Vec<i16>]) {
    while !load.is_over() {
        let is_sound = random.one_in(SOUND_ONE_IN);
        let parcel = if is_sound {
            Parcel::sound(load, &mut random, sound)
        } else {
            Parcel::text(load, &mut random)
        };
        // Some are given up at the first kill: they are there or not.
        let is_patient = !random.one_in(8);
        let job = match random.below(5) {
            // The model may refuse so short a recording, which its job alone tells.
            0 if !is_sound => in_watched_folder(load, &parcel),
            1 | 2 => in_one_piece(load, &parcel, is_patient),
            _ => in_pieces(load, &mut random, &parcel, is_patient),
        };
        if let Some(job) = job {
            let mut ledger = load.ledger();
            let kept = ledger.of(&parcel.key);
            kept.job = job;
            // Whoever deleted it already was quicker.
            if kept.fate == Fate::Sent {
                kept.fate = Fate::Accepted;
            }
        }
        follow(load);
        load.pause(&mut random);
    }
}

impl Parcel {
    fn text(load: &Load, random: &mut Random) -> Self {
        let talk = Talk::new(random);
        let parcel = Self {
            key: talk.word.clone(),
            // Its title too, where none is told.
            file_name: format!("soak-{}.vtt", talk.word),
            bytes: talk.vtt().into_bytes(),
            fields: vec![
                ("title", talk.title()),
                ("started_at", talk.started_at()),
                ("series", "soak".to_owned()),
            ],
        };
        parcel.enter(load, Content::Text(talk))
    }

    fn sound(load: &Load, random: &mut Random, sound: &[Vec<i16>]) -> Self {
        let word = new_word();
        let length = SOUND_SECONDS * 16_000;
        let from = random.below(sound[0].len() - length);
        let bytes = wav(&sound[0][from..from + length]);
        let parcel = Self {
            file_name: format!("soak-{word}.wav"),
            fields: vec![("title", format!("Soak {word}"))],
            bytes: bytes.clone(),
            key: word,
        };
        parcel.enter(load, Content::Sound(bytes))
    }

    /// Before it is sent: from the first byte on it may be there.
    fn enter(self, load: &Load, content: Content) -> Self {
        load.ledger().meetings.insert(self.key.clone(), Kept::new(content));
        self
    }
}

/// The job, where one was accepted and is known; outer `None` where nothing is known.
type Accepted = Option<Option<String>>;

/// A file of a watched folder is taken, whether the server is up or not.
fn in_watched_folder(load: &Load, parcel: &Parcel) -> Accepted {
    let part = load.bench.path(WATCHED).join(format!("{}.part", parcel.file_name));
    std::fs::write(&part, &parcel.bytes).unwrap();
    std::fs::rename(&part, part.with_extension("")).unwrap();
    load.count("files put into the watched folder");
    Some(None)
}

fn in_one_piece(load: &Load, parcel: &Parcel, is_patient: bool) -> Accepted {
    let fields: Vec<(&str, &str)> = parcel
        .fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let (media_type, body) = form(&parcel.file_name, &parcel.bytes, &fields);
    loop {
        // The same file of the same person is the same meeting, however often it is sent.
        match load.call(
            Deed::Upload,
            "POST",
            "/v1/meetings",
            &[("content-type", &media_type)],
            &body,
        ) {
            Ok(answer) if answer.status == 202 => {
                return Some(Some(answer.json()["job"]["id"].as_str().unwrap().to_owned()));
            }
            Ok(answer) => {
                load.fault(format!("an upload is answered {} {}", answer.status, answer.text()));
                return None;
            }
            Err(Unanswered::Killed) if !is_patient || load.caller().is_none() => return None,
            Err(Unanswered::Killed) => load.ledger().of(&parcel.key).is_sent_again = true,
            Err(Unanswered::Busy) => load.wait(BUSY_WAIT),
        }
    }
}

fn in_pieces(load: &Load, random: &mut Random, parcel: &Parcel, is_patient: bool) -> Accepted {
    let place = begin(load, parcel)?;
    let tus = ("tus-resumable", "1.0.0");
    let (length, mut offset, mut was_all_sent) = (parcel.bytes.len(), 0, false);
    loop {
        // The last may be empty: then all has come, and the answer was lost.
        let end = (offset + length / 4 + random.below(length)).min(length);
        was_all_sent |= end == length;
        let at = offset.to_string();
        let headers = [
            tus,
            ("upload-offset", at.as_str()),
            ("content-type", "application/offset+octet-stream"),
        ];
        match load.call(Deed::Piece, "PATCH", &place, &headers, &parcel.bytes[offset..end]) {
            Ok(answer) if answer.status == 204 => {
                if let Some(job) = answer.header("greffier-job") {
                    return Some(Some(job.to_owned()));
                }
                offset = end;
            }
            // Whoever was killed may stand elsewhere, or have finished; HEAD tells.
            Ok(answer) if matches!(answer.status, 404 | 409) => {}
            Ok(answer) => load.fault(format!("a piece is answered {} {}", answer.status, answer.text())),
            Err(Unanswered::Killed) if !is_patient || load.caller().is_none() => return None,
            Err(_) => load.wait(BUSY_WAIT),
        }
        match stands_at(load, &place)? {
            Stand::At(at) => {
                if at > length || at < offset {
                    load.fault(format!(
                        "{place} stands at {at}, {offset} of {length} were acknowledged"
                    ));
                }
                offset = at;
            }
            Stand::Job(job) => return Some(Some(job)),
            // It goes when its job is done.
            Stand::Done if was_all_sent => return Some(None),
            Stand::Done => {
                load.fault(format!("{place} is gone at {offset} of {length}"));
                return None;
            }
        }
    }
}

/// Where an upload is.
enum Stand {
    At(usize),
    Job(String),
    Done,
}

/// Begins an upload: one that nobody heard of never becomes a meeting, so another is begun.
fn begin(load: &Load, parcel: &Parcel) -> Option<String> {
    let name = [("filename", parcel.file_name.clone())];
    let pairs = name.iter().chain(&parcel.fields);
    let metadata: Vec<String> = pairs
        .map(|(name, value)| format!("{name} {}", STANDARD.encode(value)))
        .collect();
    let (length, metadata) = (parcel.bytes.len().to_string(), metadata.join(","));
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", length.as_str()),
        ("upload-metadata", metadata.as_str()),
    ];
    loop {
        match load.call(Deed::Upload, "POST", "/v1/uploads", &headers, &[]) {
            Ok(answer) if answer.status == 201 => return Some(answer.header("location").unwrap().to_owned()),
            Ok(answer) => {
                load.fault(format!("an upload is begun with {} {}", answer.status, answer.text()));
                return None;
            }
            Err(_) if load.caller().is_none() => return None,
            Err(_) => load.wait(BUSY_WAIT),
        }
    }
}

fn stands_at(load: &Load, place: &str) -> Option<Stand> {
    loop {
        match load.call(Deed::Read, "HEAD", place, &[("tus-resumable", "1.0.0")], &[]) {
            Ok(answer) if answer.status == 404 => return Some(Stand::Done),
            Ok(answer) => {
                let job = answer.header("greffier-job").map(|job| Stand::Job(job.to_owned()));
                let offset = || answer.header("upload-offset")?.parse().ok().map(Stand::At);
                return job.or_else(offset);
            }
            Err(_) if load.caller().is_none() => return None,
            Err(_) => load.wait(BUSY_WAIT),
        }
    }
}

/// Looks after jobs: those that are done have made their meeting.
fn follow(load: &Load) {
    let open: Vec<(String, Option<String>)> = {
        let ledger = load.ledger();
        let open = ledger.meetings.iter().filter(|(_, kept)| kept.fate == Fate::Accepted);
        open.take(FOLLOWED)
            .map(|(key, kept)| (key.clone(), kept.job.clone()))
            .collect()
    };
    for (key, job) in open {
        settle(load, &key, job.as_deref());
    }
}

/// Looks what has become of an accepted meeting; tells whether its job has ended.
pub(super) fn settle(load: &Load, key: &str, job: Option<&str>) -> bool {
    let Some(job) = job else {
        return settle_by_list(load, key);
    };
    let read = load.read(&format!("/v1/jobs/{job}"));
    let mut ledger = load.ledger();
    let kept = ledger.of(key);
    if kept.fate != Fate::Accepted {
        // Deleted meanwhile.
        return true;
    }
    let Some(read) = read else {
        drop(ledger);
        if load.caller().is_some() {
            load.fault(format!("the job {job} of {key} was accepted, and is gone"));
        }
        return true;
    };
    match read["state"].as_str() {
        Some("done") if read["meetings"].as_array().map(Vec::len) == Some(1) => {
            kept.id = read["meetings"][0].as_str().map(str::to_owned);
            kept.fate = Fate::Stands;
        }
        Some("dead") if is_refused(&read) => kept.fate = Fate::Sent,
        Some("done" | "dead") => {
            kept.fate = Fate::Sent;
            drop(ledger);
            load.fault(format!("the job of {key} ended without its meeting: {read}"));
        }
        _ => return false,
    }
    true
}

/// Whether the job was given up because the demo model does not know what is said in so short a recording.
pub(super) fn is_refused(job: &Value) -> bool {
    job["state"] == "dead"
        && job["error"]
            .as_str()
            .is_some_and(|error| error.contains("is not for the model"))
}

/// The same for one whose job is not known: it is listed, once.
fn settle_by_list(load: &Load, key: &str) -> bool {
    let Some(read) = load.read(&format!("/v1/meetings?q={key}")) else {
        return false;
    };
    let listed: Vec<String> = read["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["id"]))
        .collect();
    let mut ledger = load.ledger();
    let kept = ledger.of(key);
    if kept.fate == Fate::Accepted && listed.len() == 1 {
        kept.id = listed.into_iter().next();
        kept.fate = Fate::Stands;
    }
    kept.fate != Fate::Accepted
}

/// A WAV file of one channel at 16 kHz.
fn wav(samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = data.len() as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(16_000_u32.to_le_bytes());
    file.extend(32_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}
