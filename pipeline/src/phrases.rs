//! What people read on the terminal around titles and statements, in French and English. JSON is not translated.

use datasets::{Language, MeetingId, SuppressionReason};
use index::{ItemKind, Reason};
use minuting::generative::GenerativePlan;

use crate::minutes_engine::TooMuch;

/// Words of one display language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrases {
    french: bool,
}

impl Phrases {
    /// French for French, English for any other language.
    pub fn of(language: Language) -> Self {
        Self {
            french: language == Language::FRENCH,
        }
    }

    fn pick(self, english: &'static str, french: &'static str) -> &'static str {
        if self.french { french } else { english }
    }

    /// What minutes by a language model will take.
    pub fn generative_plan(self, plan: &GenerativePlan) -> String {
        let GenerativePlan {
            passages,
            tokens_read,
            tokens_written_max,
        } = plan;
        if self.french {
            format!("{passages} passages ; {tokens_read} jetons à lire, {tokens_written_max} à écrire au plus")
        } else {
            format!("{passages} passages; {tokens_read} tokens to read, {tokens_written_max} to write at most")
        }
    }

    /// How long a language model will take, in how much memory.
    pub fn forecast(self, minutes: u64, bytes: usize) -> String {
        let mebibytes = bytes >> 20;
        if self.french {
            format!("environ {minutes} min sur cette machine, {mebibytes} Mio de mémoire")
        } else {
            format!("about {minutes} min on this machine, {mebibytes} MiB of memory")
        }
    }

    /// That the extractive engine takes over.
    pub fn falls_back(self, reason: &TooMuch) -> String {
        let reason = match (reason, self.french) {
            (TooMuch::Context(reason), _) => reason.clone(),
            (TooMuch::Memory(needed, free), false) => {
                format!("it needs {needed} MiB of memory, {free} MiB are free; --context-tokens takes less")
            }
            (TooMuch::Memory(needed, free), true) => {
                format!("il lui faut {needed} Mio de mémoire, {free} Mio sont libres ; --context-tokens en prend moins")
            }
            (TooMuch::Minutes(needed, most), false) => {
                format!("it would take {needed} min, --minutes-max allows {most}")
            }
            (TooMuch::Minutes(needed, most), true) => {
                format!("il lui faudrait {needed} min, --minutes-max en permet {most}")
            }
        };
        if self.french {
            format!("ce modèle ne convient pas à cette réunion ({reason}) : le moteur extractif prend la relève")
        } else {
            format!("this model is not for this meeting ({reason}): the extractive engine takes over")
        }
    }

    /// Why text was taken out of a transcript.
    pub fn suppression_reason(self, reason: SuppressionReason) -> &'static str {
        match reason {
            SuppressionReason::NotSpeech => self.pick("no speech of this lane", "pas de parole sur cette voie"),
            SuppressionReason::Loop => self.pick("a loop", "une boucle"),
            SuppressionReason::Boilerplate => self.pick("a phrase that models invent", "une phrase inventée"),
            SuppressionReason::LowProbability => self.pick("improbable", "peu probable"),
        }
    }

    /// That text was taken out, and how to read it.
    pub fn suppressed(self, count: usize, meeting: &MeetingId) -> String {
        if self.french {
            format!("{meeting} : {count} passages écartés comme inventés ; pour les lire : greffier restore {meeting}")
        } else {
            format!("{meeting}: {count} stretches taken out as invented; to read them: greffier restore {meeting}")
        }
    }

    /// A heading over items of one kind.
    pub fn kind_heading(self, kind: ItemKind) -> &'static str {
        match kind {
            ItemKind::Meeting => self.pick("Meetings", "Réunions"),
            ItemKind::Passage => self.pick("Passages", "Passages"),
            ItemKind::Abstract => self.pick("Summaries", "Résumés"),
            ItemKind::Topic => self.pick("Topics", "Sujets"),
            ItemKind::Decision => self.pick("Decisions", "Décisions"),
            ItemKind::Action => self.pick("Open actions", "Actions ouvertes"),
            ItemKind::Question => self.pick("Open questions", "Questions ouvertes"),
            ItemKind::Mail => self.pick("Mails", "Courriels"),
            ItemKind::Event => self.pick("Events", "Événements"),
            ItemKind::Contact => self.pick("Contacts", "Contacts"),
            ItemKind::Document => self.pick("Documents", "Documents"),
            ItemKind::Chat => self.pick("Chats", "Discussions"),
            ItemKind::Task => self.pick("Tasks", "Tâches"),
            ItemKind::Person => self.pick("People", "Personnes"),
        }
    }

    /// A short word for one item of a kind.
    pub fn kind(self, kind: ItemKind) -> &'static str {
        match kind {
            ItemKind::Meeting => self.pick("meeting", "réunion"),
            ItemKind::Passage => self.pick("passage", "passage"),
            ItemKind::Abstract => self.pick("summary", "résumé"),
            ItemKind::Topic => self.pick("topic", "sujet"),
            ItemKind::Decision => self.pick("decision", "décision"),
            ItemKind::Action => self.pick("action", "action"),
            ItemKind::Question => self.pick("question", "question"),
            ItemKind::Mail => self.pick("mail", "courriel"),
            ItemKind::Event => self.pick("event", "événement"),
            ItemKind::Contact => self.pick("contact", "contact"),
            ItemKind::Document => self.pick("document", "document"),
            ItemKind::Chat => self.pick("chat", "discussion"),
            ItemKind::Task => self.pick("task", "tâche"),
            ItemKind::Person => self.pick("person", "personne"),
        }
    }

    /// One reason, as a clause.
    pub fn reason(self, reason: &Reason) -> String {
        match reason {
            Reason::Words { words, found_in } => {
                format!("{}{} ({found_in})", self.pick("words: ", "mots : "), words.join(", "))
            }
            Reason::People(people) => {
                let names: Vec<&str> = people.iter().map(datasets::PersonId::as_str).collect();
                format!("{}{}", self.pick("with ", "avec "), names.join(", "))
            }
            Reason::MetIn { meeting } => format!("{} {meeting}", self.pick("took part in", "a participé à")),
            Reason::SameSeries(series) => format!("{} {series}", self.pick("same series:", "même série :")),
            Reason::AgeDays(days) => self.age(*days),
            Reason::SimilarMeaning(cosine) => {
                format!(
                    "{} {:.0} %",
                    self.pick("similar meaning", "sens proche"),
                    cosine * 100.0
                )
            }
            Reason::Neighbours(count) => match (self.french, count) {
                (false, 1) => "a neighbouring passage too".to_owned(),
                (false, count) => format!("{count} more passages of the meeting"),
                (true, 1) => "un passage voisin aussi".to_owned(),
                (true, count) => format!("{count} autres passages de la réunion"),
            },
        }
    }

    fn age(self, days: i64) -> String {
        match (self.french, days) {
            (false, 0) => "the same day".to_owned(),
            (false, 1) => "the day before".to_owned(),
            (false, days) if days > 1 => format!("{days} days before"),
            (false, days) => format!("{} days ahead", -days),
            (true, 0) => "le même jour".to_owned(),
            (true, 1) => "la veille".to_owned(),
            (true, days) if days > 1 => format!("{days} jours avant"),
            (true, days) => format!("{} jours après", -days),
        }
    }

    /// Nothing was found.
    pub fn nothing_found(self) -> &'static str {
        self.pick(
            "Nothing in the library matches.",
            "Rien dans la bibliothèque ne correspond.",
        )
    }

    /// Nothing is related.
    pub fn nothing_related(self) -> &'static str {
        self.pick(
            "Nothing in the library is related to this.",
            "Rien dans la bibliothèque n'est lié à cela.",
        )
    }

    /// No action is open.
    pub fn no_actions(self) -> &'static str {
        self.pick("No open actions.", "Aucune action ouverte.")
    }

    /// Stands for a missing owner.
    pub fn nobody(self) -> &'static str {
        self.pick("no owner", "sans responsable")
    }

    /// Before a due date.
    pub fn due(self) -> &'static str {
        self.pick("due", "échéance")
    }

    /// Whether these are French.
    pub fn is_french(self) -> bool {
        self.french
    }

    /// A live meeting begins.
    pub fn listening(self) -> &'static str {
        self.pick(
            "Listening; Ctrl-C ends the meeting and makes its minutes.",
            "À l'écoute ; Ctrl-C termine la réunion et fait le compte rendu.",
        )
    }

    /// A live meeting ends.
    pub fn ending(self) -> &'static str {
        self.pick(
            "Ending the meeting; a second Ctrl-C leaves that to `greffier recover`.",
            "Fin de la réunion ; un second Ctrl-C laisse cela à `greffier recover`.",
        )
    }

    /// No live meeting is left to finish.
    pub fn nothing_unfinished(self) -> &'static str {
        self.pick(
            "No live meeting is unfinished.",
            "Aucune réunion en direct n'est inachevée.",
        )
    }

    /// A meeting is ready to be kept.
    pub fn waiting_for_library(self) -> &'static str {
        self.pick(
            "another greffier process is writing to the library: waiting for it",
            "un autre processus greffier écrit dans la bibliothèque : en attente",
        )
    }

    /// Searching without an encoder.
    pub fn words_only(self) -> &'static str {
        self.pick(
            "note: no sentence encoder is installed, so words alone are used; `greffier models pull all-minilm-l6-v2` adds it",
            "note : aucun encodeur de phrases n'est installé, seuls les mots comptent ; `greffier models pull all-minilm-l6-v2` l'ajoute",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_told_from_the_context() {
        let english = Phrases::of(Language::ENGLISH);
        assert_eq!(english.reason(&Reason::AgeDays(14)), "14 days before");
        assert_eq!(english.reason(&Reason::AgeDays(-3)), "3 days ahead");
        assert_eq!(Phrases::of(Language::FRENCH).reason(&Reason::AgeDays(1)), "la veille");
    }
}
