"""Writes weights.pt as a whisper.cpp model file, and the limits of the model as data beside it.

    python export.py weights.pt multilingual.tiktoken greffier-demo.bin [q5_1|q8_0|f16]

Layout of ggml's Whisper files: magic, eleven header integers, mel filter bank, vocabulary (base tokens; whisper.cpp
derives the special ones from their number), then tensors: dimensions, length of the name, type, reversed shape, name,
data. Rows of the token table that were not trained are one equal vector that always scores LOW_SCORE.
"""
import base64
import hashlib
import os
import struct
import sys
import textwrap

import numpy as np
import torch

import lexicon
from mel import BANDS, FILTERS
from model import AUDIO_POSITIONS, TEXT_POSITIONS, sinusoids

MAGIC, VOCABULARY = 0x67676D6C, 51865
SHIFT, LOW_SCORE = 0.3, -20.0
KINDS = {"f16": (1, 1), "q8_0": (2007, 8), "q5_1": (2009, 7)}  # file type in the header, tensor type
F32, F16 = 0, 1
NOTICE = ("The demo speech model knows about 1,600 words of meeting talk in English and French, in synthetic voices; for "
          "real recordings: greffier models pull whisper-base-q5_1")
LONGEST_WINDOW_MS = 4500  # half of the longest in training: at 54 % of the training, 7500 made 3 words in 100 more errors
LOG_PROBABILITY_MIN, SHARE_UNKNOWN_MAX, SHARE_OUTSIDE_MAX = -1.14, 0.34, 0.2
BLOCK = 32


def q8_0(x):
    """Blocks of 32 values: scale in float16, signed bytes."""
    x = x.reshape(-1, BLOCK)
    scale = (np.abs(x).max(1) / 127).astype(np.float16)
    inverse = np.where(scale > 0, 1 / np.maximum(scale.astype(np.float32), 1e-12), 0)
    codes = np.clip(np.rint(x * inverse[:, None]), -127, 127).astype(np.int8)
    return np.concatenate([scale[:, None].view(np.uint8), codes.view(np.uint8)], 1).tobytes()


def q5_1(x):
    """Blocks of 32 values: scale and minimum in float16, the fifth bits in one word, then the nibbles."""
    x = x.reshape(-1, BLOCK)
    low = x.min(1).astype(np.float16)
    scale = ((x.max(1) - low.astype(np.float32)) / 31).astype(np.float16)
    inverse = np.where(scale > 0, 1 / np.maximum(scale.astype(np.float32), 1e-12), 0)
    codes = np.clip(np.rint((x - low.astype(np.float32)[:, None]) * inverse[:, None]), 0, 31).astype(np.uint8)
    fifth = ((codes >> 4).astype(np.uint32) << np.arange(BLOCK, dtype=np.uint32)).sum(1, dtype=np.uint32)
    nibbles = (codes[:, :16] & 15) | (codes[:, 16:] & 15) << 4
    return np.concatenate([scale[:, None].view(np.uint8), low[:, None].view(np.uint8),
                           fifth.astype("<u4")[:, None].view(np.uint8), nibbles], 1).tobytes()


def full_table(weights, ids):
    """Token table of Whisper's size, and the last bias that keeps untrained rows from ever winning.

    Trained rows are centred: a constant added to the residual stream is removed by every layer norm. So a constant
    may be added to the last bias without effect on them, while a row of equal negative values scores it times that.
    """
    small = weights["decoder.token_embedding.weight"]
    small = small - small.mean(1, keepdims=True)
    bias = weights["decoder.ln.bias"] + SHIFT
    table = np.full((VOCABULARY, small.shape[1]), LOW_SCORE / bias.sum(), np.float32)
    table[np.array(ids)] = small[:len(ids)]
    return table, bias


def tensors(saved):
    """Name -> float32 array, as whisper.cpp expects them."""
    weights = {k: v.float().numpy() for k, v in saved["model"].items() if not k.startswith("phone_head")}
    table, bias = full_table(weights, saved["tokens"])
    weights["decoder.token_embedding.weight"], weights["decoder.ln.bias"] = table, bias
    weights["encoder.positional_embedding"] = sinusoids(AUDIO_POSITIONS, saved["dims"]["d"]).numpy()
    for name in ("encoder.conv1.bias", "encoder.conv2.bias"):
        weights[name] = weights[name][:, None]
    return weights


def write(saved, tiktoken_path, out, kind):
    """Writes the model file."""
    dims, (file_type, matrix_type) = saved["dims"], KINDS[kind]
    with open(tiktoken_path, "rb") as file:
        vocabulary = [base64.b64decode(line.split()[0]) for line in file if line.strip()]
    packers = {F32: lambda a: a.tobytes(), F16: lambda a: a.astype("<f2").tobytes(), 8: q8_0, 7: q5_1}
    with open(out, "wb") as file:
        file.write(struct.pack("<12i", MAGIC, VOCABULARY, AUDIO_POSITIONS, dims["d"], dims["heads"],
                               dims["encoder_layers"], TEXT_POSITIONS, dims["d"], dims["heads"],
                               dims["decoder_layers"], BANDS, file_type))
        file.write(struct.pack("<2i", *FILTERS.shape) + FILTERS.astype("<f4").tobytes())
        file.write(struct.pack("<i", len(vocabulary)))
        for token in vocabulary:
            file.write(struct.pack("<i", len(token)) + token)
        for name, array in tensors(saved).items():
            plain = "positional" in name or "conv" in name or array.ndim != 2
            tensor_type = F16 if array.ndim == 3 else F32 if plain else matrix_type
            file.write(struct.pack("<3i", array.ndim, len(name), tensor_type))
            file.write(struct.pack(f"<{array.ndim}i", *array.shape[::-1]) + name.encode())
            file.write(packers[tensor_type](np.ascontiguousarray(array, np.float32)))


def write_card(saved, out, kind):
    """Writes the card beside the model file: what the transcriber (models/speech/src/card.rs) has to respect."""
    with open(out, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    languages = ", ".join(f'"{language}"' for language in lexicon.LANGUAGES)
    words = "\n".join(f"{language} = [\n{_wrapped(lexicon.written_parts(language))}\n]" for language in lexicon.LANGUAGES)
    with open(os.path.splitext(out)[0] + ".toml", "w", encoding="utf8") as file:
        file.write(f"""# What the demo speech model can do; written by scripts/train_demo_model/export.py, respected by the transcriber.
name = "demo"
notice = "{NOTICE}"
sha256 = "{digest}"
bytes = {os.path.getsize(out)}
quantization = "{kind}"
languages = [{languages}]
heard_hours = {saved.get("heard_s", 0) / 3600:.0f}

[window]
# Milliseconds; positions of 20 ms that the encoder gets beyond the window.
longest_ms = {LONGEST_WINDOW_MS}
positions_more = 30

[decoding]
# It knows no prompt, and writes nothing where nobody speaks, or nothing that it knows.
takes_prompt = false
may_stay_silent = true
# Hypotheses that are followed at once where nobody waits for the text; measured with 1, 3, 5 and 8.
beam_size = 5

[domain]
# See scripts/train_demo_model/choose_domain.py.
log_probability_min = {LOG_PROBABILITY_MIN}
share_unknown_max = {SHARE_UNKNOWN_MAX}
share_outside_max = {SHARE_OUTSIDE_MAX}

[lexicon]
# What it can write: words, and parts of words around hyphens and apostrophes.
{words}
""")
    return digest


def _wrapped(words):
    """A TOML array's lines."""
    return textwrap.fill(", ".join(f'"{word}"' for word in words), 118, initial_indent="  ", subsequent_indent="  ",
                         break_long_words=False, break_on_hyphens=False)


def main():
    weights_path, tiktoken_path, out, *kind = sys.argv[1:]
    kind = kind[0] if kind else "q5_1"
    saved = torch.load(weights_path, weights_only=True)
    write(saved, tiktoken_path, out, kind)
    print(out, os.path.getsize(out), "bytes, sha256", write_card(saved, out, kind))


if __name__ == "__main__":
    main()
