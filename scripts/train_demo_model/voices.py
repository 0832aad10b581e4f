"""The three synthesisers of Debian, with the times of the sounds and words that they speak.

espeak-ng  library calls; formant voices, a hundred variants of each accent; phoneme and word times
flite      one process per sentence; voices made from four people; phone times, word times by counting phones
festival   one process kept open; three voices, one of them a person whom flite does not have; phone and word times

Held out of training, for tests: the accents and variants of TEST_*, and flite's awb.
"""
import ctypes
import os
import re
import subprocess
import tempfile
import wave
from dataclasses import dataclass, field

import numpy as np

import lexicon
from mel import to_16k

VARIANTS = """m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f4 Alex Alicia Andrea Andy Annie Denis Diogo Gene Henrique Hugo Jacky Lee
    Marco Mario Michael Mike adam anika antonio aunty belinda benjamin boris caleb david ed edward edward2 grandma iven
    iven2 iven3 john kaukovalta klatt klatt2 klatt3 linda marcelo max michel miguel norbert pablo paul pedro quincy rob
    robert sandro shelby steph steph2 travis""".split()
TEST_VARIANTS = "m7 f5 Gene2 gustave grandpa victor zac steph3 iven4 klatt4".split()
ACCENTS = {"en": ["en-us", "en-us", "en", "en-gb-x-rp", "en-gb-x-gbclan"], "fr": ["fr", "fr", "fr-be"]}
TEST_ACCENTS = {"en": ["en-us", "en", "en-gb-scotland"], "fr": ["fr", "fr-ch"]}
# Languages whose voices read the nonsense that the model learns to refuse.
FOREIGN = "de es it nl pt pl sv da fi hu ro cs tr en-us en fr".split()
# Those that measure how well it does.
TEST_FOREIGN = "nb lv lt hr sk sl id vi sw eo af ca et".split()
FLITE, TEST_FLITE = ["kal16", "rms", "slt"], ["awb"]
FESTIVAL = ["kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts"]
# Phones of the CMU set under the names of espeak-ng, so that all engines share classes.
CMU = dict(zip(
    "aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh".split(),
    "A: a V O: aU @ aI b tS d D E 3: eI f g h I i: dZ k l m n N oU OI p r s S t T U u: v w j z Z".split()))
SILENCE = "_"


@dataclass
class Speech:
    """One spoken sentence: samples at 16 kHz in [-1, 1], (phone, start) and (character, start, end) in seconds."""
    samples: np.ndarray
    phones: list = field(default_factory=list)
    words: list = field(default_factory=list)


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""
    _fields_ = [("type", ctypes.c_int), ("uid", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user", ctypes.c_void_p), ("name", ctypes.c_char * 8)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7
_RATE, _PITCH, _RANGE, _GAP = 1, 3, 4, 7


class Espeak:
    """espeak-ng through its library, which can be opened once per process."""

    def __init__(self):
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(_SYNCHRONOUS, 200, None, _PHONEME_EVENTS)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng found no voice data: apt-get install espeak-ng-data")
        self.library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.callback = _CALLBACK(self._receive)
        self.library.espeak_SetSynthCallback(self.callback)
        self.voice, self.chunks, self.words, self.phones = None, [], [], []

    def _receive(self, samples, count, events):
        if samples and count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        k = 0
        while events[k].type != _EVENT_END:
            event = events[k]
            if event.type == _EVENT_WORD:
                self.words.append((event.text_position - 1, event.audio_position / 1000))
            elif event.type == _EVENT_PHONEME:
                self.phones.append((event.name.decode("utf8", "ignore"), event.audio_position / 1000))
            k += 1
        return 0

    def select(self, voice):
        """Chooses a voice; false if there is none of this name."""
        if voice != self.voice and self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            return False
        self.voice = voice
        return True

    def speak(self, text, voice, rng):
        """Speaks at a random rate (120-230 words per minute), pitch, range and gap."""
        return self.read(text, voice, rng.randint(120, 230), rng.randint(15, 85), rng.randint(20, 80),
                         rng.choice([0, 0, 0, 1, 2]))

    def read(self, text, voice, rate, pitch, pitch_range=50, gap=0):
        """Speaks at a rate in words per minute, a pitch and its range in percent, a gap in 10 ms; None without voice."""
        self.chunks, self.words, self.phones = [], [], []
        if not self.select(voice):
            return None
        for key, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range), (_GAP, gap)):
            self.library.espeak_SetParameter(key, value, 0)
        raw = text.encode() + b"\0"
        self.library.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, _UTF8, None, None)
        if not self.chunks:
            return None
        samples = to_16k(np.concatenate(self.chunks).astype(np.float32) / 32768, self.rate)
        ends = [start for _, start in self.words[1:]] + [len(samples) / 16000]
        return Speech(samples, self.phones, [(k, start, end) for (k, start), end in zip(self.words, ends)])

    def pronunciation(self, word, voice):
        """Phonemes of one word, without stress."""
        self.select(voice)
        text = ctypes.c_char_p(word.encode())
        return re.sub(rb"[',%|=\s]", b"", self.library.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, 0) or b"")


def distinct_words(language, espeak):
    """The lexicon with one word per pronunciation: in a list of words nobody can tell "facture" from "factures"."""
    voice, heard = {"en": "en-us", "fr": "fr"}[language], {}
    for word in lexicon.words(language):
        heard.setdefault(espeak.pronunciation(word, voice), word)
    return list(heard.values())


def read_wave(path):
    """Samples in [-1, 1] and the rate of a 16-bit mono file."""
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768, \
            file.getframerate()


class Flite:
    """flite, one process per sentence."""

    def __init__(self):
        self.path = f"{tempfile.mkdtemp()}/flite.wav"
        self.counts = {}

    def speak(self, text, voice, rng):
        """Speaks at 0.8 to 1.3 of the usual duration and a shifted mean pitch."""
        command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", self.path,
                   "--setf", f"duration_stretch={rng.uniform(0.8, 1.3):.2f}",
                   "--setf", f"f0_shift={rng.uniform(0.85, 1.2):.2f}"]
        printed = subprocess.run(command, capture_output=True, text=True).stdout
        phones, ends = [], []
        for item in printed.split():
            name, end = item.rsplit(":", 1)
            phones.append((CMU.get(name, SILENCE), ends[-1] if ends else 0.0))
            ends.append(float(end))
        samples, rate = read_wave(self.path)
        return Speech(to_16k(samples, rate), phones, self._words(text, phones, ends))

    def _words(self, text, phones, ends):
        """Word times by counting phones; none if flite says a word otherwise within the sentence."""
        sounds = [(start, end) for (name, start), end in zip(phones, ends) if name != SILENCE]
        words, at = [], 0
        for hit in lexicon.WORD.finditer(text):
            count = self._count(hit.group())
            if count == 0 or at + count > len(sounds):
                return []
            words.append((hit.start(), sounds[at][0], sounds[at + count - 1][1]))
            at += count
        return words if at == len(sounds) else []

    def _count(self, word):
        if word not in self.counts:
            command = ["flite", "-voice", "kal16", "-ps", "-t", word, "-o", "none"]
            printed = subprocess.run(command, capture_output=True, text=True).stdout
            self.counts[word] = sum(name in CMU for name in printed.split())
        return self.counts[word]


class Festival:
    """festival, one process that reads Scheme."""

    def __init__(self):
        self.path = f"{tempfile.mkdtemp()}/festival.wav"
        self.process = subprocess.Popen(["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def speak(self, text, voice, rng):
        """Speaks at 0.8 to 1.3 of the usual duration."""
        if os.path.exists(self.path):
            os.remove(self.path)
        clean = text.replace("\\", " ").replace('"', " ")
        self.process.stdin.write(
            f"(voice_{voice}) (Parameter.set 'Duration_Stretch {rng.uniform(0.8, 1.3):.2f})"
            f'(set! u (utt.synth (Utterance Text "{clean}"))) (utt.save.wave u "{self.path}" \'riff)'
            '(mapcar (lambda (s) (format t "P %s %f\\n" (item.name s) (item.feat s "end")))'
            " (utt.relation.items u 'Segment))"
            '(mapcar (lambda (s) (format t "W %s %f %f\\n" (item.name s) (item.feat s "word_start")'
            " (item.feat s \"word_end\"))) (utt.relation.items u 'Word)) (format t \"DONE\\n\") (fflush nil)\n")
        self.process.stdin.flush()
        speech, start, cursor, lowered = Speech(np.zeros(0, np.float32)), 0.0, 0, clean.lower()
        for line in iter(self.process.stdout.readline, ""):
            kind, *rest = line.split()
            if kind == "DONE":
                break
            if kind == "P":
                speech.phones.append((CMU.get(rest[0], SILENCE), start))
                start = float(rest[1])
            elif kind == "W" and (position := lowered.find(rest[0].lower(), cursor)) >= 0:
                speech.words.append((position, float(rest[1]), float(rest[2])))
                cursor = position + len(rest[0])
        if not os.path.exists(self.path):
            return None
        speech.samples = to_16k(*read_wave(self.path))
        return speech


ENGINES = {"espeak": Espeak, "flite": Flite, "festival": Festival}


def choose(engine, language, held_out, rng):
    """Name of a voice for training, or of one that training never hears."""
    if engine == "espeak":
        accent = rng.choice((TEST_ACCENTS if held_out else ACCENTS)[language])
        return accent + "+" + rng.choice(TEST_VARIANTS if held_out else VARIANTS)
    if engine == "festival":
        return rng.choice(FESTIVAL)
    return rng.choice(TEST_FLITE if held_out else FLITE)
