//! A recommendation from context to reasons: related meetings by how and about what people talk, then passages, statements
//! and context items by the telling words of the context and by vectors, then the people behind them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datasets::{ActionStatus, Language, MeetingId, PersonId, Viewer};
use jiff::Timestamp;
use tantivy::DocId;

use crate::analyzer::{Analyzer, LentAnalyzers, detect_language, language_by_stop_words, tokens};
use crate::hybrid_search::near_rows;
use crate::keyword_search::{QueryWord, WordPostings, bm25, inverse_document_frequency};
use crate::present::Highlighter;
use crate::profile::{TextCounter, TextCounts, term_hash};
use crate::record::Record;
use crate::related_meetings::{PoolStatistics, SharedTerms, TellingTerm};
use crate::schema::Fields;
use crate::scope::Scope;
use crate::vector_segment::VectorQuery;
use crate::view::{Columns, NO_MEETING, View};
use crate::{Filters, ItemKind, Reason, RecommendContext, RecommendRequest, Recommendation, SearchError, Snippet};

/// Words of the context that are looked for.
const WORDS_MAX: usize = 48;
/// An invitation of at most so many lines may be written in two languages; the lines of more are not looked at one by one.
const LINES_BY_LANGUAGE_MAX: usize = 40;
/// Words that a reason names.
const REASON_WORDS: usize = 8;
/// What people and a series in common add to how related a meeting is.
const BONUS_PEOPLE: f32 = 0.3;
const BONUS_SERIES: f32 = 0.4;
/// How far above the usual score of the library a meeting must lie, in its spread.
const MEETING_SURPRISE_MIN: f32 = 1.0;
/// The least share of the context's telling weight that a meeting must hold. Meetings of another corpus (AMI, ICSI,
/// committees against each other) reach 0.17 to 0.22 in one context of ten, where matters are far apart.
const MEETING_COVERAGE_MIN: f32 = 0.2;
/// Meetings of the ranking that are looked at.
const MEETINGS_MAX: usize = 50;
/// The least share of the context's telling words that a single text must hold, and how many of them.
const TEXT_SCORE_MIN: f32 = 0.12;
const TEXT_WORDS_MIN: usize = 2;
/// A vector this near is enough by itself.
const COSINE_ENOUGH: f32 = 0.6;
/// So many meetings tell what is usual, whether or not the one that is asked about is among them, and those that came after
/// it: what they are among themselves is then made once, and not for each context. Of 256 one is 0.4 % of every mean.
const MEETINGS_ENOUGH: usize = 256;

/// A meeting of the pool with its score.
#[derive(Clone, Copy)]
struct ScoredMeeting {
    place: (usize, u32),
    score: f32,
}

/// The context as it is compared.
struct ReadContext {
    counts: TextCounts,
    /// Term by hash, with its analyzer.
    terms: HashMap<u32, (Analyzer, String)>,
    /// What is usual among meetings, those that are not wanted perhaps included.
    pool: Arc<PoolStatistics>,
    scopes: Vec<Scope>,
}

/// All meetings that may be recommended, the most related first.
pub(crate) fn rank_meetings(
    fields: &Fields,
    view: &View,
    context: &RecommendContext,
    viewer: &Viewer,
) -> Result<Vec<(MeetingId, f32)>, SearchError> {
    let read = ReadContext::new(fields, view, context, viewer)?;
    let ranked = scored_meetings(view, context, &read);
    Ok(ranked
        .into_iter()
        .filter_map(|meeting| Some((meeting_record(view, meeting.place)?.meeting.clone()?, meeting.score)))
        .collect())
}

/// Answers `request`.
pub(crate) fn recommend(
    fields: &Fields,
    view: &View,
    request: &RecommendRequest,
) -> Result<Vec<Recommendation>, SearchError> {
    let context = &request.context;
    let read = ReadContext::new(fields, view, context, &request.viewer)?;
    let telling = read.pool.telling_terms(view.vocabulary(), &read.counts);
    let ranked = scored_meetings(view, context, &read);
    let first = ranked.iter().take(MEETINGS_MAX).map(|meeting| meeting.place);
    let shared = SharedTerms::new(view.vocabulary(), &telling, first);
    let related = related_only(view, context, &ranked, &telling, &shared);
    let mut recommendations: Vec<Recommendation> = related
        .iter()
        .take(request.limit)
        .filter_map(|meeting| meeting_recommendation(view, context, &read, &shared, *meeting))
        .collect();
    recommendations.extend(people(view, context, &related, request.limit));
    recommendations.extend(texts(fields, view, request, &read, &telling, &related)?);
    Ok(recommendations)
}

impl ReadContext {
    fn new(fields: &Fields, view: &View, context: &RecommendContext, viewer: &Viewer) -> Result<Self, SearchError> {
        let filters = Filters::default();
        let scopes: Vec<Scope> = view
            .segments()
            .map(|(reader, columns)| Scope::new(fields, reader, columns, viewer, &filters))
            .collect::<tantivy::Result<_>>()?;
        let mut seen = Vec::new();
        for (segment, (columns, scope)) in view.columns.iter().zip(&scopes).enumerate() {
            for (number, meeting) in (0..).zip(&columns.meetings) {
                let Some((document, record)) = meeting.document.zip(meeting.record.as_ref()) else {
                    continue;
                };
                if scope.is_visible(document) && !is_hidden(context, record) {
                    seen.push((segment, number));
                }
            }
        }
        let has_enough = seen.len() >= MEETINGS_ENOUGH;
        let is_compared = |place: &(usize, u32)| has_enough || is_wanted_meeting(view, context, *place);
        let pool = seen.into_iter().filter(is_compared).collect();
        let (counts, terms) = count(&context.texts);
        Ok(Self {
            counts,
            terms,
            pool: view.pool(pool),
            scopes,
        })
    }
}

/// Not the meeting itself, and nothing that lies after the context.
fn is_wanted(context: &RecommendContext, record: &Record) -> bool {
    let is_itself = record.meeting.is_some() && record.meeting == context.exclude_meeting;
    let is_later = record.context_item.is_none() && record.at.zip(context.at).is_some_and(|(at, now)| at > now);
    !is_itself && !is_later && !is_hidden(context, record)
}

/// As if it were not there.
fn is_hidden(context: &RecommendContext, record: &Record) -> bool {
    let meeting = record.meeting.as_ref();
    meeting.is_some_and(|meeting| context.exclude_also.contains(meeting))
}

/// The same by the record of the meeting, which is in memory.
fn is_wanted_meeting(view: &View, context: &RecommendContext, place: (usize, u32)) -> bool {
    meeting_record(view, place).is_some_and(|record| is_wanted(context, record))
}

fn count(texts: &[String]) -> (TextCounts, HashMap<u32, (Analyzer, String)>) {
    let usual = detect_language(&texts.join("\n")).unwrap_or(Language::ENGLISH);
    let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
    let by_line = lines.len() <= LINES_BY_LANGUAGE_MAX;
    let mut analyzers = LentAnalyzers::new();
    let mut counter = TextCounter::new();
    let mut terms = HashMap::new();
    for line in lines {
        let language = if by_line {
            language_by_stop_words(line).unwrap_or(usual)
        } else {
            usual
        };
        let analyzer = Analyzer::for_language(language);
        counter.add(line, language);
        for token in tokens(analyzers.get(analyzer), line) {
            terms
                .entry(term_hash(analyzer, &token.text))
                .or_insert((analyzer, token.text));
        }
    }
    (counter.take(true), terms)
}

fn meeting_record(view: &View, (segment, meeting): (usize, u32)) -> Option<&Record> {
    view.columns[segment].meetings[meeting as usize].record.as_ref()
}

fn scored_meetings(view: &View, context: &RecommendContext, read: &ReadContext) -> Vec<ScoredMeeting> {
    let scores = read.pool.relatedness(view.vocabulary(), &read.counts);
    let mut ranked: Vec<ScoredMeeting> = read
        .pool
        .pool
        .iter()
        .zip(scores)
        .filter(|&(&place, _)| is_wanted_meeting(view, context, place))
        .map(|(&place, score)| ScoredMeeting {
            place,
            score: score + meeting_record(view, place).map_or(0.0, |record| bonus(context, record)),
        })
        .collect();
    // Equal scores by id: where a meeting lies in the index says nothing.
    let id = |meeting: &ScoredMeeting| meeting_record(view, meeting.place).and_then(|record| record.meeting.as_ref());
    ranked.sort_by(|a, b| grade(b.score).cmp(&grade(a.score)).then_with(|| id(a).cmp(&id(b))));
    ranked
}

/// The score in steps that are wider than its rounding: sums over a pool end in other digits where its meetings lie elsewhere,
/// and what is equal must stay so.
fn grade(score: f32) -> i64 {
    (f64::from(score) * 16_384.0).round() as i64
}

fn bonus(context: &RecommendContext, record: &Record) -> f32 {
    let people = record
        .people
        .iter()
        .filter(|(person, _)| context.people.contains(person));
    let common = people.count() as f32;
    let people = if context.people.is_empty() {
        0.0
    } else {
        common / context.people.len() as f32
    };
    let series = if context.series.is_some() && context.series == record.series {
        1.0
    } else {
        0.0
    };
    BONUS_PEOPLE * people + BONUS_SERIES * series
}

fn shared_people(context: &RecommendContext, record: &Record) -> Vec<PersonId> {
    let is_shared = |person: &&PersonId| context.people.contains(person);
    record
        .people
        .iter()
        .map(|(person, _)| person)
        .filter(is_shared)
        .cloned()
        .collect()
}

/// Below so many meetings nothing can be said of what is usual in the library. A guess.
const MEETINGS_WITH_USUAL_MIN: usize = 8;
/// People and telling words in common that bind a meeting to the context, however usual its score. Guesses: two people
/// who meet again about something of the same.
const BOUND_PEOPLE_MIN: usize = 2;
const BOUND_WORDS_MIN: usize = 1;

/// Those at the head of the ranking that stand out from the rest of the library and hold enough of the context; empty when
/// none does.
fn related_only(
    view: &View,
    context: &RecommendContext,
    ranked: &[ScoredMeeting],
    telling: &[TellingTerm],
    shared: &SharedTerms,
) -> Vec<ScoredMeeting> {
    let (usual, spread) = usual_score(ranked);
    let all: f32 = telling.iter().map(|term| term.weight).sum::<f32>().max(1e-6);
    let has_usual = ranked.len() >= MEETINGS_WITH_USUAL_MIN;
    let stands_out = |meeting: &&ScoredMeeting| {
        let Some(record) = meeting_record(view, meeting.place) else {
            return false;
        };
        if context.series.is_some() && context.series == record.series {
            return true;
        }
        let shared = shared.with(meeting.place);
        if shared_people(context, record).len() >= BOUND_PEOPLE_MIN && shared.len() >= BOUND_WORDS_MIN {
            return true;
        }
        if has_usual && (meeting.score - usual) / spread < MEETING_SURPRISE_MIN {
            return false;
        }
        let held: f32 = shared.iter().map(|term| term.weight).sum();
        held / all >= MEETING_COVERAGE_MIN
    };
    // What people and series in common are worth is not taken away by words that are unlike.
    let at_least_bonus = |meeting: &ScoredMeeting| ScoredMeeting {
        score: meeting_record(view, meeting.place)
            .map_or(meeting.score, |record| meeting.score.max(bonus(context, record))),
        ..*meeting
    };
    let related = ranked.iter().take(MEETINGS_MAX).filter(stands_out);
    related.map(at_least_bonus).collect()
}

/// Median and spread (as a standard deviation, from the median distance) of the scores.
fn usual_score(ranked: &[ScoredMeeting]) -> (f32, f32) {
    let middle = |values: &mut Vec<f32>| {
        values.sort_unstable_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let usual = middle(&mut ranked.iter().map(|meeting| meeting.score).collect());
    let spread = middle(&mut ranked.iter().map(|meeting| (meeting.score - usual).abs()).collect());
    // A library of a few meetings has no spread to speak of: the floor is what unrelated AMI meetings show.
    (usual, (1.4826 * spread).max(0.02))
}

fn meeting_recommendation(
    view: &View,
    context: &RecommendContext,
    read: &ReadContext,
    shared: &SharedTerms,
    meeting: ScoredMeeting,
) -> Option<Recommendation> {
    let record = meeting_record(view, meeting.place)?;
    let words = shared
        .with(meeting.place)
        .iter()
        .filter_map(|term| read.counts.spelling.get(&term.hash))
        .take(REASON_WORDS);
    let reasons = reasons(context, record, words.cloned().collect(), None);
    // An age alone is no relation.
    let is_related = reasons.iter().any(|reason| !matches!(reason, Reason::AgeDays(_)));
    is_related.then(|| Recommendation {
        snippet: Snippet::default(),
        reasons,
        ..recommendation(record, meeting.score)
    })
}

fn recommendation(record: &Record, score: f32) -> Recommendation {
    Recommendation {
        kind: record.kind,
        meeting: record.meeting.clone(),
        context_item: record.context_item.clone(),
        statement: record.statement.clone(),
        person: None,
        utterances: record.evidence.clone(),
        title: record.title.clone(),
        snippet: Snippet::default(),
        score: score.clamp(0.0, 1.0),
        started_at: record.at,
        reasons: Vec::new(),
    }
}

fn reasons(context: &RecommendContext, record: &Record, words: Vec<String>, cosine: Option<f32>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !words.is_empty() {
        let words = words.into_iter().map(|word| word.to_lowercase()).collect();
        reasons.push(Reason::Words {
            words,
            found_in: record.title.clone(),
        });
    }
    let people = shared_people(context, record);
    if !people.is_empty() {
        reasons.push(Reason::People(people));
    }
    if let Some(series) = record
        .series
        .as_ref()
        .filter(|series| context.series.as_ref() == Some(*series))
    {
        reasons.push(Reason::SameSeries(series.clone()));
    }
    if let Some(cosine) = cosine.filter(|&cosine| cosine >= 0.3) {
        reasons.push(Reason::SimilarMeaning(cosine.min(1.0)));
    }
    if let (Some(at), Some(now)) = (record.at, context.at) {
        reasons.push(Reason::AgeDays(days_between(at, now)));
    }
    reasons
}

fn days_between(at: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - at.as_second()).div_euclid(86_400)
}

/// People of related meetings who are not in the context, by how related their meetings are.
fn people(view: &View, context: &RecommendContext, related: &[ScoredMeeting], limit: usize) -> Vec<Recommendation> {
    let mut scores: HashMap<&PersonId, (f32, &str, &Record)> = HashMap::new();
    for meeting in related {
        let Some(record) = meeting_record(view, meeting.place) else {
            continue;
        };
        for (person, name) in &record.people {
            if !context.people.contains(person) {
                scores.entry(person).or_insert((0.0, name, record)).0 += meeting.score;
            }
        }
    }
    let mut list: Vec<(&PersonId, (f32, &str, &Record))> = scores.into_iter().collect();
    list.sort_by(|a, b| grade(b.1.0).cmp(&grade(a.1.0)).then(a.0.cmp(b.0)));
    list.into_iter()
        .take(limit)
        .map(|(person, (score, name, record))| Recommendation {
            kind: ItemKind::Person,
            person: Some(person.clone()),
            title: name.to_owned(),
            reasons: std::iter::once(Reason::MetIn {
                meeting: record.title.clone(),
            })
            .chain(reasons(context, record, Vec::new(), None))
            .collect(),
            ..recommendation(record, score)
        })
        .collect()
}

/// A single text that may be recommended.
struct ScoredText {
    segment: usize,
    document: DocId,
    score: f32,
    cosine: Option<f32>,
}

/// Passages, statements and context items, at most `limit` of each kind.
fn texts(
    fields: &Fields,
    view: &View,
    request: &RecommendRequest,
    read: &ReadContext,
    telling: &[TellingTerm],
    related: &[ScoredMeeting],
) -> Result<Vec<Recommendation>, SearchError> {
    let words = context_words(read, telling);
    let mut found = scored_texts(fields, view, &request.context, read, &words)?;
    found.extend(actions_of_related(view, read, related, &found));
    let mut taken: HashMap<ItemKind, usize> = HashMap::new();
    let mut meetings: HashSet<(usize, u32)> = HashSet::new();
    let mut list = Vec::new();
    let mut highlighter = Highlighter::new(&words);
    for text in found {
        let columns = &view.columns[text.segment];
        let Some(kind) = ItemKind::from_code(columns.kind[text.document as usize]) else {
            continue;
        };
        if taken.get(&kind).is_some_and(|&taken| taken >= request.limit) {
            continue;
        }
        let place = (text.segment, columns.meeting_of[text.document as usize]);
        if place.1 != NO_MEETING && !is_wanted_meeting(view, &request.context, place) {
            continue;
        }
        // One passage of a meeting stands for its neighbours.
        if kind == ItemKind::Passage && meetings.contains(&place) {
            continue;
        }
        let record = view.record(fields, text.segment, text.document)?;
        if !is_wanted(&request.context, &record) || record.status == Some(ActionStatus::Done) {
            continue;
        }
        let (snippet, matched) = highlighter.snippet(&record);
        let reasons = reasons(&request.context, &record, matched, text.cosine);
        // An age alone is no relation.
        if reasons.iter().all(|reason| matches!(reason, Reason::AgeDays(_))) {
            continue;
        }
        *taken.entry(kind).or_default() += 1;
        if kind == ItemKind::Passage {
            meetings.insert(place);
        }
        list.push(Recommendation {
            title: match kind {
                ItemKind::Topic => record
                    .pieces
                    .first()
                    .map_or_else(String::new, |piece| piece.text.clone()),
                _ if record.statement.is_some() => snippet.text.clone(),
                _ => record.title.clone(),
            },
            snippet,
            reasons,
            ..recommendation(&record, text.score)
        });
    }
    Ok(list)
}

/// The actions of related meetings that are not found by their words: whoever meets those who took them on wants to know.
fn actions_of_related(
    view: &View,
    read: &ReadContext,
    related: &[ScoredMeeting],
    found: &[ScoredText],
) -> Vec<ScoredText> {
    let known: HashSet<(usize, DocId)> = found.iter().map(|text| (text.segment, text.document)).collect();
    let mut actions = Vec::new();
    for meeting in related {
        let (segment, number) = meeting.place;
        let columns = &view.columns[segment];
        for &document in &columns.meetings[number as usize].all {
            let is_action = columns.kind[document as usize] == ItemKind::Action.code();
            if is_action && read.scopes[segment].is_visible(document) && !known.contains(&(segment, document)) {
                actions.push(ScoredText {
                    segment,
                    document,
                    // Below everything that is found by itself.
                    score: TEXT_SCORE_MIN * meeting.score.clamp(0.0, 1.0),
                    cosine: None,
                });
            }
        }
    }
    actions
}

/// The telling words of the context as words of a query.
fn context_words(read: &ReadContext, telling: &[TellingTerm]) -> Vec<QueryWord> {
    let word = |&TellingTerm { hash, weight, .. }: &TellingTerm| {
        let (analyzer, term) = read.terms.get(&hash)?;
        let mut terms = [None, None, None];
        terms[*analyzer as usize] = Some(term.clone());
        let plain = read.counts.spelling.get(&hash)?.to_lowercase();
        (plain.len() > 1).then_some(QueryWord { plain, terms, weight })
    };
    telling.iter().filter_map(word).take(WORDS_MAX).collect()
}

fn scored_texts(
    fields: &Fields,
    view: &View,
    context: &RecommendContext,
    read: &ReadContext,
    words: &[QueryWord],
) -> Result<Vec<ScoredText>, SearchError> {
    let mut postings: Vec<Vec<WordPostings>> = Vec::new();
    for ((reader, _), scope) in view.segments().zip(&read.scopes) {
        let of_segment = words.iter().map(|word| WordPostings::read(fields, reader, scope, word));
        postings.push(of_segment.collect::<tantivy::Result<_>>()?);
    }
    let all: usize = read.scopes.iter().map(|scope| scope.visible_count).sum();
    let weights: Vec<f32> = (0..words.len())
        .map(|word| {
            let holding = postings.iter().map(|segment| segment[word].visible).sum();
            let rarity = inverse_document_frequency(holding, all);
            // A word that stands nowhere cannot be held by anything.
            if holding == 0 { 0.0 } else { rarity * words[word].weight }
        })
        .collect();
    let vectors: Vec<VectorQuery> = context
        .vectors
        .iter()
        .filter_map(|vector| VectorQuery::new(vector))
        .collect();
    let mut found = Vec::new();
    for (segment, ((_, columns), postings)) in view.segments().zip(&postings).enumerate() {
        let near = near_documents(&read.scopes[segment], columns, &vectors);
        for (document, score, held) in text_scores(columns, postings, &weights) {
            let has_words = score >= TEXT_SCORE_MIN && held >= TEXT_WORDS_MIN;
            let may_be_near = near.get(document as usize).is_some_and(|&near| near);
            if !has_words && !may_be_near {
                continue;
            }
            let cosine = nearest(columns, &vectors, document);
            let is_near = cosine.is_some_and(|cosine| cosine >= COSINE_ENOUGH);
            if has_words || is_near {
                let score = score + 0.5 * cosine.unwrap_or(0.0).max(0.0);
                found.push(ScoredText {
                    segment,
                    document,
                    score,
                    cosine,
                });
            }
        }
    }
    // Equal scores in the order of time and meeting: where a document lies in the index says nothing.
    let place = |text: &ScoredText| {
        let columns = &view.columns[text.segment];
        let document = text.document as usize;
        (columns.order[document], columns.kind[document])
    };
    found.sort_by(|a, b| {
        grade(b.score)
            .cmp(&grade(a.score))
            .then_with(|| place(a).cmp(&place(b)))
    });
    Ok(found)
}

/// Of each document whether one of the vectors may be near; empty where there are none.
fn near_documents(scope: &Scope, columns: &Columns, queries: &[VectorQuery]) -> Vec<bool> {
    let Some(vectors) = columns.vectors.as_ref().filter(|_| !queries.is_empty()) else {
        return Vec::new();
    };
    let mut near = vec![false; columns.kind.len()];
    for row in queries.iter().flat_map(|query| near_rows(scope, columns, query)) {
        near[vectors.documents()[row] as usize] = true;
    }
    near
}

/// Of each document that holds a telling word: its share of the telling weight, and how many words it holds.
fn text_scores<'a>(
    columns: &'a Columns,
    postings: &[WordPostings],
    weights: &[f32],
) -> impl Iterator<Item = (DocId, f32, usize)> + 'a {
    let mut scores = vec![(0.0_f32, 0_u16); columns.kind.len()];
    for (postings, weight) in postings.iter().zip(weights) {
        for (&document, &frequency) in postings.documents.iter().zip(&postings.frequencies) {
            let (score, held) = &mut scores[document as usize];
            *score += weight * bm25(frequency as f32, columns.lengths[document as usize]);
            *held += 1;
        }
    }
    // A passage holds a tenth of what is said in five minutes: the measure is the tenth part of the words.
    let telling: f32 = weights.iter().sum::<f32>().max(1e-6);
    let by_document = (0..).zip(scores).filter(|(_, (score, _))| *score > 0.0);
    by_document
        .filter(|(document, _)| columns.kind[*document as usize] != ItemKind::Meeting.code())
        .map(move |(document, (score, held))| (document, score / telling, usize::from(held)))
}

/// The largest cosine between a document's vector and those of the context.
fn nearest(columns: &Columns, vectors: &[VectorQuery], document: DocId) -> Option<f32> {
    if vectors.is_empty() {
        return None;
    }
    let stored = columns.vectors.as_ref()?;
    let row = stored.row(document)?;
    vectors
        .iter()
        .map(|vector| stored.cosine(vector, row))
        .max_by(f32::total_cmp)
}
