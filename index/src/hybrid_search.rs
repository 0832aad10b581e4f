//! A search from question to hits: words and vectors find candidates, the passages of each candidate meeting are weighed
//! along its time, everything is brought on one scale and cut where it is no longer relevant.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use tantivy::DocId;

use crate::keyword_search::{QueryWord, WordPostings, bm25, inverse_document_frequency, query_words};
use crate::present::{self, Highlighter};
use crate::schema::Fields;
use crate::scope::Scope;
use crate::speakers::NamedSpeakers;
use crate::timeline::{Evidence, Scale, Timeline};
use crate::vector_segment::VectorQuery;
use crate::view::{Columns, NO_MEETING, View};
use crate::{FacetCount, Facets, Filters, ItemKind, SearchError, SearchMode, SearchRequest, SearchResults};

/// Meetings whose passages are weighed along their time. On QMSum train (158 meetings, words alone) nDCG@10 over all meetings
/// is 30.1 with 16, 30.1 with 32, 30.0 with 64.
const MEETINGS_MAX: usize = 24;
/// Rows whose vectors are looked at exactly after the first look at their signs.
const RESCORED: usize = 750;
/// Below this many eligible vectors every one is looked at exactly.
const EXACT_BELOW: usize = 5000;
/// The least share of the query's weight that a hit's neighbourhood must hold, unless its vector is near.
const COVERAGE_MIN: f32 = 0.3;
/// The least cosine of a hit that holds too few words of the query. Unrelated text lies below 0.25 with MiniLM.
const COSINE_MIN: f32 = 0.33;
/// The least score of a hit as a share of the best one's of its kind.
const SCORE_SHARE_MIN: f32 = 0.2;
/// The same for a passage that is found only by what is said around it.
const NEIGHBOUR_SHARE_MIN: f32 = 0.5;

/// What is a hit.
#[derive(Clone, Copy, PartialEq)]
enum Breadth {
    /// What holds enough of the query itself, or lies beside it.
    Relevant,
    /// Who asks in a named meeting wants its passages in order, once something of the query is said in it: on QMSum train
    /// this is worth 1.0 of nDCG@10.
    Related,
}

/// The first score of a meeting for which nothing speaks.
const NOT_NOTICED: f32 = f32::NEG_INFINITY;

/// One document that may become a hit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) segment: usize,
    pub(crate) document: DocId,
    pub(crate) score: f32,
    pub(crate) cosine: Option<f32>,
}

/// What was read from one index segment.
struct SegmentEvidence<'a> {
    number: usize,
    columns: &'a Columns,
    scope: Scope,
    words: Vec<WordPostings>,
    /// BM25 of every document that holds a word.
    keyword: Vec<f32>,
    /// A first score of every meeting; [`NOT_NOTICED`] where nothing speaks for weighing it.
    first_look: Vec<f32>,
    /// Documents outside of meetings' passages whose vectors were looked at.
    cosines: BTreeMap<DocId, f32>,
}

/// Answers `request`.
pub(crate) fn search(fields: &Fields, view: &View, request: &SearchRequest) -> Result<SearchResults, SearchError> {
    let vector = match request.mode {
        SearchMode::Keyword => None,
        SearchMode::Vector | SearchMode::Hybrid => request.vector.as_deref().and_then(VectorQuery::new),
    };
    let scopes = view
        .segments()
        .map(|(reader, columns)| Scope::new(fields, reader, columns, &request.viewer, &request.filters))
        .collect::<tantivy::Result<Vec<_>>>()?;
    let named = NamedSpeakers::find(view, &scopes, &request.text);
    let words = match request.mode {
        SearchMode::Vector => Vec::new(),
        SearchMode::Keyword | SearchMode::Hybrid => named.without_names(query_words(&request.text)),
    };
    let mut segments = Vec::new();
    for (number, ((reader, columns), scope)) in view.segments().zip(scopes).enumerate() {
        let postings = words
            .iter()
            .map(|word| WordPostings::read(fields, reader, &scope, word));
        segments.push(SegmentEvidence {
            number,
            columns,
            words: postings.collect::<tantivy::Result<_>>()?,
            scope,
            keyword: Vec::new(),
            first_look: vec![NOT_NOTICED; columns.meetings.len()],
            cosines: BTreeMap::new(),
        });
    }
    let rarity = rarity(&words, &segments);
    for segment in &mut segments {
        segment.weigh_words(&rarity);
        segment.look_at_speakers(&named);
        if let Some(vector) = &vector {
            segment.look_at_vectors(vector);
        }
    }
    let candidates = rank(&segments, &rarity, vector.as_ref(), &named, &request.filters);
    let mut results = SearchResults {
        total: candidates.len(),
        facets: facets(fields, view, &candidates)?,
        hits: Vec::new(),
    };
    let mut highlighter = Highlighter::new(&words);
    for candidate in candidates.iter().skip(request.offset).take(request.limit) {
        results
            .hits
            .push(present::hit(fields, view, candidate, &mut highlighter)?);
    }
    Ok(results)
}

/// How telling each word is among all documents that the viewer may see.
fn rarity(words: &[QueryWord], segments: &[SegmentEvidence<'_>]) -> Vec<f32> {
    let all: usize = segments.iter().map(|segment| segment.scope.visible_count).sum();
    (0..words.len())
        .map(|word| {
            let holding = segments.iter().map(|segment| segment.words[word].visible).sum();
            inverse_document_frequency(holding, all) * words[word].weight
        })
        .collect()
}

impl SegmentEvidence<'_> {
    fn weigh_words(&mut self, rarity: &[f32]) {
        self.keyword = vec![0.0; self.columns.kind.len()];
        for (postings, rarity) in self.words.iter().zip(rarity) {
            for (&document, &frequency) in postings.documents.iter().zip(&postings.frequencies) {
                let length = self.columns.lengths[document as usize];
                self.keyword[document as usize] += rarity * bm25(frequency as f32, length);
            }
        }
        let all: f32 = rarity.iter().sum::<f32>().max(1e-6);
        for document in self.scope.range.clone() {
            let score = self.keyword[document as usize];
            if score > 0.0 && self.columns.kind[document as usize] == ItemKind::Passage.code() {
                notice(self.columns, &mut self.first_look, document, score / all);
            }
        }
    }

    /// A meeting in which somebody speaks whom the query names is worth weighing.
    fn look_at_speakers(&mut self, named: &NamedSpeakers) {
        for (segment, meeting, strength) in named.meetings() {
            let passages = self
                .columns
                .meetings
                .get(meeting as usize)
                .map(|meeting| meeting.passages.as_slice());
            let first = passages.filter(|_| segment == self.number).and_then(<[DocId]>::first);
            if first.is_some_and(|&first| self.scope.is_eligible(first)) {
                let before = &mut self.first_look[meeting as usize];
                *before = before.max(0.0) + 0.5 * strength;
            }
        }
    }

    fn look_at_vectors(&mut self, query: &VectorQuery) {
        let columns = self.columns;
        let Some(vectors) = &columns.vectors else { return };
        for row in near_rows(&self.scope, columns, query) {
            let document = vectors.documents()[row];
            let cosine = vectors.cosine(query, row);
            if columns.meeting_of[document as usize] == NO_MEETING {
                self.cosines.insert(document, cosine);
            } else {
                notice(columns, &mut self.first_look, document, 1.5 * cosine);
            }
        }
    }

    /// How often a word stands in each passage of a meeting; empty where it stands in none.
    fn frequencies(&self, word: &WordPostings, meeting: u32) -> Vec<f32> {
        let documents = &self.columns.meetings[meeting as usize];
        let (Some(&first), Some(&last)) = (documents.all.first(), documents.all.last()) else {
            return Vec::new();
        };
        let mut frequencies = Vec::new();
        let from = word.documents.partition_point(|&document| document < first);
        for (&document, &frequency) in word.documents[from..].iter().zip(&word.frequencies[from..]) {
            if document > last {
                break;
            }
            if self.columns.meeting_of[document as usize] == meeting
                && self.columns.kind[document as usize] == ItemKind::Passage.code()
            {
                frequencies.resize(documents.passages.len(), 0.0);
                frequencies[self.columns.position_of[document as usize] as usize] = frequency as f32;
            }
        }
        frequencies
    }

    /// Everything that is known of the passages of one meeting.
    fn evidence(&self, meeting: u32, vector: Option<&VectorQuery>, named: &NamedSpeakers) -> Evidence {
        let documents = &self.columns.meetings[meeting as usize];
        let passages = &documents.passages;
        let speaker = |position: usize| {
            let shares = documents
                .profile
                .shares
                .get(position)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let named_share = |&(speaker, percent): &(u16, u8)| {
                named.strength((self.number, meeting, speaker)) * f32::from(percent) / 100.0
            };
            shares.iter().map(named_share).sum()
        };
        let cosine = |vector: &VectorQuery| {
            let vectors = self.columns.vectors.as_ref()?;
            Some(
                passages
                    .iter()
                    .map(|&passage| vectors.row(passage).map_or(0.0, |row| vectors.cosine(vector, row)))
                    .collect(),
            )
        };
        Evidence {
            keyword: passages.iter().map(|&passage| self.keyword[passage as usize]).collect(),
            frequencies: self.words.iter().map(|word| self.frequencies(word, meeting)).collect(),
            lengths: passages
                .iter()
                .map(|&passage| self.columns.lengths[passage as usize])
                .collect(),
            speaker: (0..passages.len()).map(speaker).collect(),
            speaker_rarity: named.rarity((self.number, meeting)),
            cosine: vector.and_then(cosine).unwrap_or_default(),
        }
    }
}

/// Remembers that the meeting of `document` is worth weighing.
#[inline]
fn notice(columns: &Columns, first_look: &mut [f32], document: DocId, score: f32) {
    if let Some(before) = first_look.get_mut(columns.meeting_of[document as usize] as usize) {
        *before = before.max(score);
    }
}

/// The rows of the scope that are worth an exact look: all of them where they are few.
pub(crate) fn near_rows(scope: &Scope, columns: &Columns, query: &VectorQuery) -> Vec<usize> {
    let Some(vectors) = &columns.vectors else {
        return Vec::new();
    };
    if scope.eligible_count() <= EXACT_BELOW {
        let in_scope = |&row: &usize| scope.is_eligible(vectors.documents()[row]);
        return (0..vectors.documents().len()).filter(in_scope).collect();
    }
    nearest_by_signs(scope, columns, query)
}

/// The rows whose signs differ least from the query's, among those in the scope.
fn nearest_by_signs(scope: &Scope, columns: &Columns, query: &VectorQuery) -> Vec<usize> {
    let Some(vectors) = &columns.vectors else {
        return Vec::new();
    };
    let mut distances = Vec::new();
    vectors.distances(query, &mut distances);
    // Distances are small whole numbers: counting them gives the bound without a sort.
    let mut counts = vec![0_usize; query.bits() + 1];
    let everything = scope.eligible.is_none() && scope.range.len() == columns.kind.len();
    let in_scope = |row: usize| everything || scope.is_eligible(vectors.documents()[row]);
    for (row, &distance) in distances.iter().enumerate() {
        counts[usize::from(distance)] += usize::from(in_scope(row));
    }
    let mut left = RESCORED;
    let bound = counts.iter().position(|&count| {
        let enough = count >= left;
        left = left.saturating_sub(count);
        enough
    });
    let bound = bound.map_or(u16::MAX, |bound| bound as u16);
    let nearest = distances
        .iter()
        .enumerate()
        .filter(|&(row, &distance)| distance <= bound && in_scope(row));
    nearest.map(|(row, _)| row).take(2 * RESCORED).collect()
}

/// All relevant documents, best first.
fn rank(
    segments: &[SegmentEvidence<'_>],
    rarity: &[f32],
    vector: Option<&VectorQuery>,
    named: &NamedSpeakers,
    filters: &Filters,
) -> Vec<Candidate> {
    let kinds = &filters.kinds;
    let breadth = if filters.meetings.is_empty() {
        Breadth::Relevant
    } else {
        Breadth::Related
    };
    let mut noticed: Vec<(usize, u32, f32)> = segments
        .iter()
        .enumerate()
        .flat_map(|(segment, evidence)| {
            let meetings = (0..).zip(&evidence.first_look);
            let noticed = meetings.filter(|&(_, &score)| score != NOT_NOTICED);
            noticed.map(move |(meeting, &score)| (segment, meeting, score))
        })
        .collect();
    // Equal scores in the order of time and meeting: an index that is made anew takes the same.
    let place = |&(segment, meeting, _): &(usize, u32, f32)| {
        let columns = segments[segment].columns;
        let first = columns.meetings[meeting as usize].all.first();
        first.map(|&document| columns.order[document as usize])
    };
    noticed.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then_with(|| place(a).cmp(&place(b))));
    noticed.truncate(MEETINGS_MAX);
    let mut scale = Scale::default();
    let timelines: Vec<(usize, u32, Timeline, Vec<f32>)> = noticed
        .into_iter()
        .map(|(segment, meeting, _)| {
            let evidence = segments[segment].evidence(meeting, vector, named);
            let timeline = Timeline::new(&evidence, rarity);
            timeline.widen(&mut scale);
            (segment, meeting, timeline, evidence.cosine)
        })
        .collect();
    let wanted = |kind: u8| kinds.is_empty() || kinds.iter().any(|wanted| wanted.code() == kind);
    let mut candidates = Vec::new();
    for (segment, meeting, timeline, cosines) in &timelines {
        let evidence = &segments[*segment];
        let documents = &evidence.columns.meetings[*meeting as usize];
        let scores = timeline.scores(&scale);
        let relevant: Vec<bool> = (0..scores.len())
            .map(|position| {
                timeline.coverage[position] >= COVERAGE_MIN
                    || cosines.get(position).is_some_and(|&cosine| cosine >= COSINE_MIN)
                    || timeline.speaker()[position] > 0.1
            })
            .collect();
        let is_related = breadth == Breadth::Related && (timeline.meeting > 0.0 || relevant.contains(&true));
        let mut best: Option<Candidate> = None;
        for (position, (&document, &score)) in documents.passages.iter().zip(&scores).enumerate() {
            if (is_related || relevant[position]) && evidence.scope.is_eligible(document) {
                let candidate = Candidate {
                    segment: *segment,
                    document,
                    score,
                    cosine: cosines.get(position).copied(),
                };
                if wanted(ItemKind::Passage.code()) {
                    candidates.push(candidate);
                }
                best = Some(best.map_or(candidate, |best| if score > best.score { candidate } else { best }));
            }
        }
        // A meeting is as good as its best passage; where both are wanted the passage comes first.
        if let (Some(best), Some(document)) = (best, documents.document)
            && wanted(ItemKind::Meeting.code())
        {
            let share = if kinds.is_empty() { 0.5 } else { 1.0 };
            candidates.push(Candidate {
                document,
                score: share * best.score,
                ..best
            });
        }
    }
    candidates.extend(single_documents(segments, rarity, &wanted));
    cut(candidates, segments, breadth)
}

/// Documents that stand alone: meetings by their titles, statements, context items.
fn single_documents(segments: &[SegmentEvidence<'_>], rarity: &[f32], wanted: &impl Fn(u8) -> bool) -> Vec<Candidate> {
    let all: f32 = rarity.iter().sum::<f32>().max(1e-6);
    let mut found = Vec::new();
    for (segment, evidence) in segments.iter().enumerate() {
        let mut seen = HashSet::new();
        let documents = evidence.words.iter().flat_map(|word| word.documents.iter().copied());
        for document in documents.chain(evidence.cosines.keys().copied()) {
            let kind = evidence.columns.kind[document as usize];
            if kind == ItemKind::Passage.code() || !wanted(kind) || !seen.insert(document) {
                continue;
            }
            let held = evidence
                .words
                .iter()
                .zip(rarity)
                .filter(|(word, _)| word.frequency(document) > 0);
            let coverage = held.map(|(_, rarity)| rarity).sum::<f32>() / all;
            let cosine = evidence.cosines.get(&document).copied();
            if coverage < COVERAGE_MIN && cosine.is_none_or(|cosine| cosine < COSINE_MIN) {
                continue;
            }
            // A short text that holds the whole query reaches 1; a vector alone counts by its cosine.
            let keyword = (evidence.keyword[document as usize] / all / 1.5).min(1.0);
            let score = (0.5 * (keyword + coverage)).max(cosine.unwrap_or(0.0));
            found.push(Candidate {
                segment,
                document,
                score,
                cosine,
            });
        }
    }
    found
}

/// Best first, each document once, without the tail of what is much worse than the best of its kind: kinds are scored by
/// different measures, and so that a filter by kind shows as many as its count says.
fn cut(mut candidates: Vec<Candidate>, segments: &[SegmentEvidence<'_>], breadth: Breadth) -> Vec<Candidate> {
    // Equal scores in the order of time and meeting: where a document lies in the index says nothing.
    let place = |candidate: &Candidate| {
        let columns = segments[candidate.segment].columns;
        (
            columns.order[candidate.document as usize],
            columns.kind[candidate.document as usize],
        )
    };
    candidates.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b))));
    let kind_of = |candidate: &Candidate| segments[candidate.segment].columns.kind[candidate.document as usize];
    // A meeting may be found by its passages and by its title.
    let mut seen = HashSet::new();
    candidates.retain(|candidate| {
        kind_of(candidate) != ItemKind::Meeting.code() || seen.insert((candidate.segment, candidate.document))
    });
    let mut best: BTreeMap<u8, f32> = BTreeMap::new();
    for candidate in &candidates {
        best.entry(kind_of(candidate)).or_insert(candidate.score);
    }
    candidates.retain(|candidate| {
        let holds_something = segments[candidate.segment].keyword[candidate.document as usize] > 0.0
            || candidate.cosine.is_some_and(|cosine| cosine >= COSINE_MIN);
        let share = match breadth {
            Breadth::Related => 0.0,
            Breadth::Relevant if holds_something => SCORE_SHARE_MIN,
            Breadth::Relevant => NEIGHBOUR_SHARE_MIN,
        };
        candidate.score > 0.0 && candidate.score >= share * best[&kind_of(candidate)]
    });
    candidates
}

fn facets(fields: &Fields, view: &View, candidates: &[Candidate]) -> Result<Facets, SearchError> {
    let mut kinds: HashMap<ItemKind, usize> = HashMap::new();
    let mut owners: HashMap<(usize, DocId), usize> = HashMap::new();
    for candidate in candidates {
        let columns = &view.columns[candidate.segment];
        if let Some(kind) = ItemKind::from_code(columns.kind[candidate.document as usize]) {
            *kinds.entry(kind).or_default() += 1;
        }
        // Series and people are those of the meeting, which is read once.
        let meeting = columns.meeting_of[candidate.document as usize];
        let owner = columns
            .meetings
            .get(meeting as usize)
            .and_then(|meeting| meeting.document);
        *owners
            .entry((candidate.segment, owner.unwrap_or(candidate.document)))
            .or_default() += 1;
    }
    let (mut series, mut people) = (HashMap::new(), HashMap::new());
    for ((segment, document), count) in owners {
        let columns = &view.columns[segment];
        let meeting = columns.meetings.get(columns.meeting_of[document as usize] as usize);
        let kept = meeting.and_then(|meeting| meeting.record.as_ref());
        let record = match kept {
            Some(record) => Cow::Borrowed(record),
            None => Cow::Owned(view.record(fields, segment, document)?),
        };
        if let Some(name) = &record.series {
            *series.entry(name.clone()).or_default() += count;
        }
        for (person, _) in &record.people {
            *people.entry(person.clone()).or_default() += count;
        }
    }
    Ok(Facets {
        kinds: counted(kinds),
        series: counted(series),
        people: counted(people),
    })
}

fn counted<T: Ord>(counts: HashMap<T, usize>) -> Vec<FacetCount<T>> {
    let mut list: Vec<FacetCount<T>> = counts
        .into_iter()
        .map(|(value, count)| FacetCount { value, count })
        .collect();
    list.sort_unstable_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
    list
}
