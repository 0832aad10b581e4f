//! Meetings that never took place, each another: some of what is said in the samples, and a word that is said nowhere else.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::random::Random;
use crate::workbench::sample;

/// What is said in one cue of a transcript, and by whom.
#[derive(Clone)]
struct Cue {
    speaker: String,
    text: String,
}

/// A meeting as it is sent.
#[derive(Clone)]
pub(super) struct Talk {
    /// Said in this meeting alone.
    pub(super) word: String,
    cues: Vec<Cue>,
}

static SAMPLES: LazyLock<[Vec<Cue>; 2]> =
    LazyLock::new(|| ["2026-03-05-release-planning.vtt", "2026-03-12-comite-produit.vtt"].map(cues_of));

/// A word that was never said: letters alone, and an end that no stemmer takes off.
pub(super) fn new_word() -> String {
    static SAID: AtomicUsize = AtomicUsize::new(0);
    let number = SAID.fetch_add(1, Ordering::Relaxed);
    let syllables = (0..4).rev().map(|place| {
        let digit = (number >> (4 * place)) % 16;
        format!("{}o", char::from(b"bdfgklmnprtvzhjw"[digit]))
    });
    format!("{}rak", syllables.collect::<String>())
}

impl Talk {
    pub(super) fn new(random: &mut Random) -> Self {
        let word = new_word();
        let sample = &SAMPLES[random.below(2)];
        let mut cues: Vec<Cue> = sample.iter().filter(|_| !random.one_in(3)).cloned().collect();
        let own = [
            format!("We decided to call the new project {word} from today on."),
            format!("I will send the figures of {word} to everybody by Friday."),
            format!("The problem is that nobody has tested {word} yet."),
        ];
        for text in own {
            let at = random.below(cues.len());
            let speaker = cues[random.below(cues.len())].speaker.clone();
            cues.insert(at, Cue { speaker, text });
        }
        Self { word, cues }
    }

    /// What it is called unless somebody calls it otherwise; the word is in all its names.
    pub(super) fn title(&self) -> String {
        format!("Soak {}", self.word)
    }

    /// When it began; some meetings began at once.
    pub(super) fn started_at(&self) -> String {
        let spread: usize = self.word.bytes().map(usize::from).sum();
        format!(
            "2026-{:02}-{:02}T09:{:02}:00Z",
            spread % 12 + 1,
            spread % 28 + 1,
            spread % 4 * 15
        )
    }

    /// As a file.
    pub(super) fn vtt(&self) -> String {
        let time = |second: usize| format!("{:02}:{:02}:{:02}.000", second / 3600, second / 60 % 60, second % 60);
        let cues = self.cues.iter().enumerate().map(|(number, cue)| {
            let (from, to) = (time(5 * number), time(5 * number + 4));
            format!("{from} --> {to}\n<v {}>{}</v>\n\n", cue.speaker, cue.text)
        });
        format!("WEBVTT\n\n{}", cues.collect::<String>())
    }

    /// All that is said, in one line.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.cues.iter().map(|cue| cue.text.as_str()).collect();
        texts.join(" ")
    }
}

fn cues_of(name: &str) -> Vec<Cue> {
    let file = std::fs::read_to_string(sample(name)).unwrap();
    let lines = file.lines().filter_map(|line| line.strip_prefix("<v "));
    let cues = lines.map(|line| {
        let (speaker, text) = line.split_once('>').unwrap();
        Cue {
            speaker: speaker.to_owned(),
            text: text.trim_end_matches("</v>").to_owned(),
        }
    });
    cues.collect()
}
