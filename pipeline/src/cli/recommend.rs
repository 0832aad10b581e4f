//! `greffier recommend`: before a meeting (an invitation), during it (`--live`), after it (`--meeting`).

use std::collections::VecDeque;
use std::io::BufRead as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use datasets::{MeetingId, PersonId};
use index::{ItemKind, RecommendContext, RecommendRequest, Recommendation};

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal};
use crate::session::Session;
use crate::settings::Settings;
use crate::stages::read_context::{context_of_file, context_of_meeting};

/// About five minutes of talk.
const LIVE_WORDS: usize = 750;
/// About twenty seconds of talk between two looks.
const LIVE_STEP_WORDS: usize = 50;

/// Recommend past meetings, decisions, open actions, documents and people, each with its reasons
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier recommend invitation.ics\n  greffier recommend --text \"budget for the security training\"\n  greffier recommend --meeting 2026-03-05-release-planning\n  tail -f captions.txt | greffier recommend --live --json"
)]
#[group(required = true, multiple = false, id = "context")]
pub(super) struct RecommendArgs {
    /// An invitation (.ics), a transcript or a document to find related things for
    #[arg(group = "context")]
    file: Option<PathBuf>,
    /// A text to find related things for
    #[arg(long, group = "context")]
    text: Option<String>,
    /// A meeting of the library to find related things for
    #[arg(long, group = "context")]
    meeting: Option<String>,
    /// Read what is being said from standard input, line by line, and recommend as it goes on
    #[arg(long, group = "context")]
    live: bool,
    /// Most recommendations of each kind
    #[arg(long, short = 'n', default_value_t = 5)]
    limit: usize,
    /// Who takes part, for --text and --live: a name or mail address
    #[arg(long = "person")]
    people: Vec<String>,
}

pub(super) fn recommend(args: &RecommendArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let session = Session::open(settings, &mut terminal.index_progress())?;
    if session.encoder.is_none() {
        terminal.note(terminal.phrases.words_only());
    }
    let people = args
        .people
        .iter()
        .map(|person| PersonId::from_contact(person, None))
        .collect();
    if args.live {
        return live(args, people, &session, settings, terminal);
    }
    let context = match (&args.file, &args.text, &args.meeting) {
        (Some(file), _, _) => context_of_file(file)?,
        (_, _, Some(meeting)) => {
            context_of_meeting(&session.library, &MeetingId::new(meeting.as_str()), &settings.viewer())?
        }
        (_, text, _) => RecommendContext {
            texts: text.iter().cloned().collect(),
            people,
            ..RecommendContext::default()
        },
    };
    let found = ask(&session, settings, context, args.limit)?;
    if terminal.json {
        terminal.print_json(&found)?;
    } else {
        print(&found, terminal)?;
    }
    Ok(Outcome::Done)
}

fn ask(
    session: &Session,
    settings: &Settings,
    mut context: RecommendContext,
    limit: usize,
) -> anyhow::Result<Vec<Recommendation>> {
    if let Some(encoder) = &session.encoder {
        let texts: Vec<&str> = context.texts.iter().map(String::as_str).collect();
        context.vectors = crate::stages::index_meeting::embed(encoder, &texts)?;
    }
    Ok(session.index.recommend(&RecommendRequest {
        context,
        viewer: settings.viewer(),
        limit,
    })?)
}

fn print(found: &[Recommendation], terminal: &Terminal) -> anyhow::Result<()> {
    if found.is_empty() {
        return terminal.line(terminal.phrases.nothing_related());
    }
    for kind in ItemKind::ALL {
        let mut of_kind = found.iter().filter(|item| item.kind == kind).peekable();
        if of_kind.peek().is_some() {
            terminal.line(format!("\n{TITLE}{}{TITLE:#}", terminal.phrases.kind_heading(kind)))?;
        }
        for item in of_kind {
            let day = item
                .started_at
                .map(|at| format!(" {}", at.strftime("%Y-%m-%d")))
                .unwrap_or_default();
            let place = match (&item.meeting, item.kind) {
                (Some(id), ItemKind::Meeting) => format!(" [{id}]"),
                (Some(id), _) => format!(" [{id}]"),
                (None, _) => String::new(),
            };
            terminal.line(format!(
                "  • {} {FAINT}{:.2}{day}{place}{FAINT:#}",
                item.title, item.score
            ))?;
            let reasons: Vec<String> = item
                .reasons
                .iter()
                .map(|reason| terminal.phrases.reason(reason))
                .collect();
            terminal.line(format!("      {FAINT}{}{FAINT:#}", reasons.join(" · ")))?;
        }
    }
    Ok(())
}

/// Recommends from the last minutes of talk, again whenever enough new words have come; prints only what was not shown
/// before.
fn live(
    args: &RecommendArgs,
    people: Vec<PersonId>,
    session: &Session,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let mut recent: VecDeque<String> = VecDeque::new();
    let (mut recent_words, mut new_words) = (0, 0);
    let mut shown: Vec<(ItemKind, String)> = Vec::new();
    let mut look = |recent: &VecDeque<String>| -> anyhow::Result<()> {
        let text = recent.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        let context = RecommendContext {
            texts: vec![text],
            people: people.clone(),
            ..RecommendContext::default()
        };
        let mut found = ask(session, settings, context, args.limit)?;
        found.retain(|item| {
            let key = (
                item.kind,
                format!(
                    "{:?} {:?} {:?} {:?}",
                    item.meeting, item.context_item, item.statement, item.utterances
                ),
            );
            !shown.contains(&key) && {
                shown.push(key);
                true
            }
        });
        if terminal.json {
            found.iter().try_for_each(|item| terminal.print_json_line(item))
        } else if found.is_empty() {
            Ok(())
        } else {
            print(&found, terminal)
        }
    };
    for line in std::io::stdin().lock().lines() {
        let line = line.context("reading standard input")?;
        let words = line.split_whitespace().count();
        recent.push_back(line);
        recent_words += words;
        new_words += words;
        while recent_words > LIVE_WORDS && recent.len() > 1 {
            recent_words -= recent.pop_front().map_or(0, |line| line.split_whitespace().count());
        }
        if new_words >= LIVE_STEP_WORDS {
            new_words = 0;
            look(&recent)?;
        }
    }
    if new_words > 0 {
        look(&recent)?;
    }
    Ok(Outcome::Done)
}
