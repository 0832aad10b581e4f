"""Pairs of a community of utterances and the sentence that a person wrote about it, and texts to learn English from.

Read from the folders that the corpora are kept in (`ami`, `icsi`, `qmsum`, one JSON record a line). What is scored is
never learnt from: AMI's validation and test meetings and ICSI's development meetings are left out of QMSum's too, which
holds the same meetings under the same names.
"""
import json
import os
import random
import re
from collections import Counter
from dataclasses import dataclass

ROLES = {"PM": "Project Manager", "ME": "Marketing Expert", "UI": "User Interface", "ID": "Industrial Designer"}
# AMI's writers call the speaker of the role "User Interface" by what the person does.
WRITTEN_ROLES = {"User Interface": ("User Interface Designer", "User Interface")}
NAMES = """Alice Anna Antoine Ben Carla Charles Claire Daniel David Elena Emma Eric Fatima George Hannah Hugo Ines Jack
Jane Julia Karim Laura Leo Lucas Maria Marie Mark Martin Maya Mia Nina Noah Olga Oscar Paul Peter Rachel Robert Rosa
Sam Sara Simon Sofia Thomas Tom Vera Victor Yann Zoe Adam Amir Lena""".split()
MARKS = re.compile(r"\{\w+\}")
LOOSE = re.compile(r" (?=[.,?!;:%)]|'\w|n't\b)")
WORD = re.compile(r"\w+")
TURNS_OF_SPAN = 12


@dataclass
class Pair:
    """`utterances` [(speaker, text)] in order; the sentence; where it comes from: ami, icsi or qmsum."""
    utterances: list
    sentence: str
    corpus: str


def records(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def tidy(text):
    """Without annotators' marks and the blanks before punctuation."""
    return " ".join(LOOSE.sub("", MARKS.sub(" ", text)).split())


def speaker_of(meeting, letter):
    role = meeting["roles"].get(letter, "Speaker")
    return ROLES.get(role) or f"{role} {letter}"


def linked(meeting, asr=False):
    """The sentences of a meeting's summary with the utterances that annotators linked to them."""
    sentences = {s["id"]: s["text"] for part in (meeting.get("summary") or {}).values() for s in part or []}
    for sentence, indices in meeting.get("links") or []:
        rows = [meeting["utterances"][i] for i in sorted(indices)]
        said = [(speaker_of(meeting, row[0]), tidy(row[5] if asr and row[5] else row[4])) for row in rows]
        said = [(speaker, text) for speaker, text in said if text]
        if said and sentences.get(sentence):
            yield Pair(said, tidy(sentences[sentence]), meeting["corpus"])


def queried(meeting):
    """Sentences of QMSum's answers, each with the turns of its span that share most words with it."""
    turns = [(turn["speaker"], tidy(turn["content"])) for turn in meeting["meeting_transcripts"]]
    for query in meeting["specific_query_list"]:
        span = [i for first, last in query["relevant_text_span"] for i in range(int(first), int(last) + 1)]
        span = [i for i in span if i < len(turns) and len(turns[i][1].split()) > 3]
        for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", tidy(query["answer"])):
            words = {word for word in WORD.findall(sentence.lower()) if len(word) > 3}
            if len(words) < 3:
                continue
            shared = Counter({i: sum(1 / (1 + len(turns[i][1].split())) ** 0.3 for w in words if w in turns[i][1].lower())
                              for i in set(span)})
            best = sorted(i for i, share in shared.most_common(TURNS_OF_SPAN) if share > 0)
            if best:
                yield Pair([turns[i] for i in best], sentence, "qmsum")


def held_out(folder):
    parts = ("ami/val.jsonl", "ami/test.jsonl", "icsi/dev.jsonl")
    return {meeting["id"] for part in parts for meeting in records(folder, part)}


def training(folder, choose_by):
    """(pairs to learn, pairs of `choose_by` AMI meetings to choose a checkpoint by, transcripts, written texts)."""
    out = held_out(folder)
    ami, icsi = records(folder, "ami/train.jsonl"), records(folder, "icsi/train.jsonl")
    qmsum = [meeting for meeting in records(folder, "qmsum/train.jsonl") if meeting["id"] not in out]
    chosen, ami = ami[:choose_by], ami[choose_by:]
    names = {meeting["id"] for meeting in chosen}
    qmsum = [meeting for meeting in qmsum if meeting["id"] not in names]
    meetings = [meeting for meeting in ami + icsi if meeting["id"] not in out]
    pairs = [pair for meeting in meetings for pair in linked(meeting)]
    spoken = [pair for meeting in meetings for pair in linked(meeting, asr=True)]
    pairs += [pair for pair in spoken if pair.corpus == "ami"]
    pairs += [pair for meeting in qmsum for pair in queried(meeting)]
    transcripts = [[(speaker_of(meeting, row[0]), tidy(row[4])) for row in meeting["utterances"] if row[4]]
                   for meeting in meetings]
    seen = {meeting["id"] for meeting in meetings}
    transcripts += [[(turn["speaker"], tidy(turn["content"])) for turn in meeting["meeting_transcripts"]]
                    for meeting in qmsum if meeting["id"] not in seen]
    written = [tidy(query["answer"]) for meeting in qmsum
               for query in meeting["general_query_list"] + meeting["specific_query_list"]]
    written += [" ".join(tidy(s["text"]) for s in part) for meeting in meetings
                for part in (meeting.get("summary") or {}).values() if part]
    choose = [pair for meeting in chosen for pair in linked(meeting)]
    return pairs, choose, transcripts, written


def scored(folder, part):
    """Pairs to score on: ami/val, ami/test or icsi/dev."""
    return [pair for meeting in records(folder, f"{part}.jsonl") for pair in linked(meeting)]


def community(utterances):
    """The prompt: a line for each speaker in turn, neighbours of one speaker in one line."""
    lines = []
    for speaker, text in utterances:
        if lines and lines[-1][0] == speaker:
            lines[-1][1].append(text)
        else:
            lines.append((speaker, [text]))
    return "\n".join(f"{speaker}: {' '.join(texts)}" for speaker, texts in lines)


def within(utterances, longest, count):
    """The utterances that fit into `longest` tokens: the shortest are left out first, as they say least."""
    kept = list(utterances)
    while len(kept) > 1 and count(community(kept)) > longest:
        kept.remove(min(kept, key=lambda utterance: len(utterance[1])))
    return kept


def renamed(pair, rng):
    """The pair with people's names in place of roles, in the utterances and in the sentence."""
    utterances, sentence = pair.utterances, pair.sentence
    names = rng.sample(NAMES, len(NAMES))
    for speaker in sorted({speaker for speaker, _ in utterances}, key=len, reverse=True):
        name = names.pop()
        utterances = [(name if s == speaker else s, text) for s, text in utterances]
        for role in WRITTEN_ROLES.get(speaker, (speaker,)):
            sentence = re.sub(rf"\b(the )?{re.escape(role)}\b", name, sentence, flags=re.IGNORECASE)
    return Pair(utterances, sentence, pair.corpus)


def varied(pair, rng):
    """What is learnt from a pair differs each time: utterances are missing, and speakers have names."""
    utterances = [u for u in pair.utterances if rng.random() > 0.15] or pair.utterances
    pair = Pair(utterances, pair.sentence, pair.corpus)
    return renamed(pair, rng) if rng.random() < 0.3 else pair


def copying(transcript, rng):
    """A task without annotation that teaches to find and to copy: of a stretch of talk, its longest utterance."""
    start = rng.randrange(max(1, len(transcript) - 8))
    stretch = [u for u in transcript[start:start + rng.randint(2, 8)] if u[1]]
    if not stretch:
        return None
    speaker, text = max(stretch, key=lambda utterance: len(utterance[1]))
    return Pair(stretch, f"{speaker} said: {' '.join(text.split()[:40])}", "copy")


def rng_of(seed):
    return random.Random(seed)
