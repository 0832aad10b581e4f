//! Action items from the sentences that were found to hand out or take on a task: one item per commitment, with owner and
//! due date only where they were said.

use datasets::{ActionItem, DueDate, Meeting, Owner, Transcript};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::acts::{ACT_THRESHOLD, Acts, cues};
use crate::due_date::find_due_date;
use crate::owner::find_owner;
use crate::reading::{Reading, Sentence};
use crate::statements::StatementWriter;
use crate::text::words;

/// Sentences that stand at most this far apart may speak of one commitment.
const SAME_COMMITMENT_SENTENCES: usize = 4;

/// A task in one clause, before it becomes an item.
struct Task {
    sentence: usize,
    text: String,
    owner: Option<Owner>,
    due: Option<DueDate>,
    score: f32,
}

/// The action items of a meeting in order of time.
pub(crate) fn action_items(
    meeting: &Meeting,
    transcript: &Transcript,
    reading: &Reading,
    acts: &[Acts],
    writer: &mut StatementWriter,
) -> Vec<ActionItem> {
    let day = meeting.started_at.map(|start| start.to_zoned(TimeZone::UTC).date());
    let mut items: Vec<(Task, Vec<usize>)> = Vec::new();
    for (position, sentence) in reading.sentences.iter().enumerate() {
        let classified = acts[position].action >= ACT_THRESHOLD;
        let said_in_so_many_words = cues::is_commitment(&sentence.text, reading.language);
        if !classified && !said_in_so_many_words {
            continue;
        }
        for task in tasks(
            meeting,
            transcript,
            reading,
            sentence,
            position,
            acts[position].action,
            day,
        ) {
            // The classifier knows one kind of meeting; in others a promise counts when it is clear whose it is.
            if !classified && task.owner.is_none() {
                continue;
            }
            let merged = items
                .iter_mut()
                .rev()
                .take(2)
                .find(|(other, _)| is_same_commitment(other, &task, reading));
            match merged {
                Some((other, evidence)) => {
                    evidence.push(sentence.utterance);
                    merge(other, task);
                }
                None => items.push((task, vec![sentence.utterance])),
            }
        }
    }
    let items = items.into_iter().map(|(task, evidence)| ActionItem {
        statement: writer.statement(&task.text, evidence),
        owner: task.owner,
        due: task.due,
    });
    items.collect()
}

/// The tasks of one sentence: one for each clause that names an owner of its own.
fn tasks(
    meeting: &Meeting,
    transcript: &Transcript,
    reading: &Reading,
    sentence: &Sentence,
    position: usize,
    score: f32,
    day: Option<Date>,
) -> Vec<Task> {
    let speaker = transcript.utterances[sentence.utterance].speaker.as_ref();
    let owner_of = |text: &str| find_owner(meeting, speaker, text, reading.language);
    let task = |text: &str| Task {
        sentence: position,
        text: text.to_owned(),
        owner: owner_of(text),
        due: find_due_date(text, day),
        score,
    };
    let split = clause_ends(&sentence.text).into_iter().find_map(|(end, start)| {
        let (left, right) = (&sentence.text[..end], &sentence.text[start..]);
        let (first, second) = (owner_of(left)?, owner_of(right)?);
        (first.person != second.person).then(|| vec![task(left), task(right)])
    });
    split.unwrap_or_else(|| vec![task(&sentence.text)])
}

/// Where one clause ends and the next begins, in bytes.
fn clause_ends(text: &str) -> Vec<(usize, usize)> {
    let mut ends = Vec::new();
    for joint in [", and ", " and ", ", et ", " et ", "; ", ", "] {
        ends.extend(text.match_indices(joint).map(|(at, joint)| (at, at + joint.len())));
    }
    ends
}

/// Whether `task` says again, or more closely, what `earlier` said: near it, and nothing speaks against it.
fn is_same_commitment(earlier: &Task, task: &Task, reading: &Reading) -> bool {
    let near = task.sentence - earlier.sentence <= SAME_COMMITMENT_SENTENCES && task.sentence != earlier.sentence;
    let owners_agree = match (&earlier.owner, &task.owner) {
        (Some(first), Some(second)) => first.person == second.person,
        _ => true,
    };
    near && owners_agree && share_content(&earlier.text, &task.text, reading)
}

/// Whether half of the content words of the shorter text stand in the other too.
fn share_content(left: &str, right: &str, reading: &Reading) -> bool {
    let stemmer = crate::text::Stemmer::new(reading.language);
    let (left, right) = (stemmer.content_stems(left), stemmer.content_stems(right));
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let common = short.iter().filter(|stem| long.contains(stem)).count();
    !short.is_empty() && common * 2 >= short.len()
}

/// Keeps the fuller wording, and whatever of owner and due date is known of either.
fn merge(earlier: &mut Task, task: Task) {
    let weight = |task: &Task| (task.score * 100.0) as usize + words(&task.text).len();
    earlier.sentence = task.sentence;
    if weight(&task) > weight(earlier) {
        earlier.text = task.text;
        earlier.score = task.score;
    }
    earlier.owner = earlier.owner.take().or(task.owner);
    earlier.due = earlier.due.take().or(task.due);
}
