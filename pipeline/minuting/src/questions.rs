//! Questions that stayed open: asked, and followed by somebody saying that the answer is not known. A question nobody
//! replied to is mostly one that was not meant; precision comes first.

use datasets::OpenQuestion;

use crate::acts::{ACT_THRESHOLD, Acts, cues};
use crate::reading::{Reading, Sentence};
use crate::statements::StatementWriter;

/// Sentences after a question in which its answer, or that there is none, is said.
const ANSWER_SENTENCES: usize = 4;

/// The open questions of a meeting in order of time.
pub(crate) fn open_questions(reading: &Reading, acts: &[Acts], writer: &mut StatementWriter) -> Vec<OpenQuestion> {
    let mut questions: Vec<OpenQuestion> = Vec::new();
    let mut last_answer = None;
    for (position, sentence) in reading.sentences.iter().enumerate() {
        if acts[position].question < ACT_THRESHOLD || !stands_alone(sentence, reading) {
            continue;
        }
        let Some(answer) = non_answer_after(reading, acts, position) else {
            continue;
        };
        // Of several questions before one "we don't know", the last is the one that was meant.
        if last_answer == Some(answer) {
            questions.pop();
        }
        last_answer = Some(answer);
        let evidence = vec![sentence.utterance, reading.sentences[answer].utterance];
        questions.push(OpenQuestion {
            statement: writer.statement(&sentence.text, evidence),
        });
    }
    questions
}

/// Whether a reader understands the question without the talk around it: it has two words of content.
fn stands_alone(sentence: &Sentence, reading: &Reading) -> bool {
    let content = sentence
        .words
        .iter()
        .filter(|word| !crate::text::is_stop_word(word, reading.language));
    content.count() >= 2
}

/// Where another speaker, or the asker, says that the answer is not known.
fn non_answer_after(reading: &Reading, acts: &[Acts], question: usize) -> Option<usize> {
    let after = question + 1..reading.sentences.len().min(question + 1 + ANSWER_SENTENCES);
    let mut answers = after.filter(|&position| acts[position].question < ACT_THRESHOLD);
    answers.find(|&position| cues::is_non_answer(&reading.sentences[position].text, reading.language))
}

#[cfg(test)]
mod tests {
    use datasets::{Meeting, MeetingId, Transcript, Utterance};

    use super::*;

    fn check(texts: &[&str], expected: &[&str]) {
        let utterances = texts.iter().enumerate();
        let utterances = utterances.map(|(position, text)| Utterance::new(Utterance::id_at(position), *text));
        let transcript = Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        };
        let reading = Reading::new(&Meeting::new(MeetingId::new("m"), "m"), &transcript);
        let acts = crate::acts::classify(&reading);
        let questions = open_questions(&reading, &acts, &mut StatementWriter::new(&transcript));
        let texts: Vec<&str> = questions
            .iter()
            .map(|question| question.statement.text.as_str())
            .collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_question_is_open_when_nobody_knows() {
        check(
            &[
                "Who is responsible for the library now?",
                "Good question, I do not know either.",
            ],
            &["Who is responsible for the library now?"],
        );
        check(
            &[
                "Who pays for the new library?",
                "Who is responsible for the library now?",
                "No idea.",
            ],
            &["Who is responsible for the library now?"],
        );
    }

    #[test]
    fn an_answered_question_is_not_open() {
        check(
            &["How long will the migration take?", "Five days of work.", "Fine."],
            &[],
        );
        check(&["Right?", "I don't know."], &[]);
    }
}
