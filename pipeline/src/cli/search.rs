//! `greffier search`.

use clap::Args;
use datasets::{MeetingId, PersonId, SeriesId};
use index::{Filters, Hit, ItemKind, SearchMode, SearchRequest};
use jiff::Timestamp;

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal, highlighted};
pub(super) use crate::day_or_time::day_or_time;
use crate::day_or_time::end_of_day_or_time;
use crate::session::Session;
use crate::settings::Settings;

/// Find passages, statements, meetings and documents
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier search password reset\n  greffier search --kind decision --person \"David Chen\" backups\n  greffier search --from 2026-03-01 --json budget"
)]
pub(super) struct SearchArgs {
    /// What to look for
    #[arg(required = true)]
    words: Vec<String>,
    /// Use words, vectors or both
    #[arg(long, default_value = "hybrid", value_parser = mode)]
    mode: SearchMode,
    /// Only this kind: meeting, passage, abstract, topic, decision, action, question, mail, event, contact, document, chat, task
    #[arg(long = "kind", value_parser = kind)]
    kinds: Vec<ItemKind>,
    /// Only where this person took part: a name or mail address
    #[arg(long = "person")]
    people: Vec<String>,
    /// Only in this series
    #[arg(long)]
    series: Vec<String>,
    /// Only in this meeting
    #[arg(long = "meeting")]
    meetings: Vec<String>,
    /// Not before this day or time (2026-03-01, 2026-03-01T09:00:00Z)
    #[arg(long, value_parser = day_or_time)]
    from: Option<Timestamp>,
    /// Not after this day or time
    #[arg(long, value_parser = end_of_day_or_time)]
    until: Option<Timestamp>,
    /// Most hits to show
    #[arg(long, short = 'n', default_value_t = 10)]
    limit: usize,
    /// Hits to leave out at the top
    #[arg(long, default_value_t = 0)]
    offset: usize,
}

pub(super) fn search(args: &SearchArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let session = Session::open(settings, &mut terminal.index_progress())?;
    if session.encoder.is_none() && args.mode != SearchMode::Keyword {
        terminal.note(terminal.phrases.words_only());
    }
    let text = args.words.join(" ");
    let vector = if args.mode == SearchMode::Keyword {
        None
    } else {
        session.embed(&text)?
    };
    let results = session.index.search(&SearchRequest {
        text,
        vector,
        mode: args.mode,
        filters: Filters {
            from: args.from,
            until: args.until,
            people: args
                .people
                .iter()
                .map(|person| PersonId::from_contact(person, None))
                .collect(),
            series: args.series.iter().map(SeriesId::new).collect(),
            kinds: args.kinds.clone(),
            meetings: args.meetings.iter().map(MeetingId::new).collect(),
        },
        viewer: settings.viewer(),
        limit: args.limit,
        offset: args.offset,
    })?;
    if terminal.json {
        terminal.print_json(&results)?;
    } else if results.hits.is_empty() {
        terminal.line(terminal.phrases.nothing_found())?;
    } else {
        for hit in &results.hits {
            print_hit(hit, terminal)?;
        }
        terminal.note(format!(
            "{FAINT}{} / {}{FAINT:#}",
            args.offset + results.hits.len(),
            results.total
        ));
    }
    Ok(Outcome::Done)
}

fn print_hit(hit: &Hit, terminal: &Terminal) -> anyhow::Result<()> {
    let day = hit
        .started_at
        .map(|at| format!(" {}", at.strftime("%Y-%m-%d")))
        .unwrap_or_default();
    let time = hit
        .span
        .map(|span| format!(" {}", span.start.clock()))
        .unwrap_or_default();
    let place = hit.meeting.as_ref().map(|id| format!(" [{id}]")).unwrap_or_default();
    terminal.line(format!(
        "{TITLE}{}{TITLE:#} {FAINT}{}{day}{time}{place} {:.2}{FAINT:#}",
        hit.title,
        terminal.phrases.kind(hit.kind),
        hit.score
    ))?;
    for line in highlighted(&hit.snippet.text, &hit.snippet.highlights).lines() {
        terminal.line(format!("    {line}"))?;
    }
    Ok(())
}

fn mode(text: &str) -> Result<SearchMode, String> {
    match text {
        "keyword" => Ok(SearchMode::Keyword),
        "vector" => Ok(SearchMode::Vector),
        "hybrid" => Ok(SearchMode::Hybrid),
        _ => Err("use keyword, vector or hybrid".to_owned()),
    }
}

fn kind(text: &str) -> Result<ItemKind, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_| {
        let names: Vec<String> = ItemKind::ALL
            .iter()
            .map(|kind| format!("{kind:?}").to_lowercase())
            .collect();
        format!("use one of {}", names.join(", "))
    })
}
