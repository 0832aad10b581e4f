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

import numpy as np
import torch

import lexicon
from mel import BANDS, FILTERS
from model import AUDIO_POSITIONS, TEXT_POSITIONS, sinusoids
from synthesize import LONGEST_S, SHORTEST_S

MAGIC, VOCABULARY = 0x67676D6C, 51865
SHIFT, LOW_SCORE = 0.3, -20.0
KINDS = {"f16": (1, 1), "q8_0": (2007, 8), "q5_1": (2009, 7)}  # file type in the header, tensor type
F32, F16 = 0, 1
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
    """Writes card.toml: what the transcriber has to respect."""
    with open(out, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    languages = ", ".join(f'"{language}"' for language in lexicon.LANGUAGES)
    counts = "\n".join(f"{language} = {len(lexicon.words(language))}" for language in lexicon.LANGUAGES)
    with open(os.path.join(os.path.dirname(out), "card.toml"), "w", encoding="utf8") as file:
        file.write(f"""# What the demo speech model can do, for the transcriber; written by scripts/train_demo_model/export.py.
name = "demo"
file = "{os.path.basename(out)}"
bytes = {os.path.getsize(out)}
sha256 = "{digest}"
quantization = "{kind}"
languages = [{languages}]
heard_hours = {saved.get("heard_s", 0) / 3600:.0f}

[window]
# A window outside these lengths was never trained; audio_ctx = ceil((seconds * 50 + margin) / multiple) * multiple.
shortest_s = {SHORTEST_S}
longest_s = {LONGEST_S}
lead_s = 0.2
audio_ctx_margin = 30
audio_ctx_multiple = 64

[decoding]
# The model writes no time stamps and knows no prompt; a window without speech gives an empty text.
no_timestamps = true
single_segment = true
initial_prompt = false
suppress_blank = false
temperature_inc = 0.0
max_tokens = 60

[lexicon]
# scripts/train_demo_model/lexicon/LANGUAGE.txt; any other word is heard as the nearest known ones.
{counts}
""")
    return digest


def main():
    weights_path, tiktoken_path, out, *kind = sys.argv[1:]
    kind = kind[0] if kind else "q5_1"
    saved = torch.load(weights_path, weights_only=True)
    write(saved, tiktoken_path, out, kind)
    print(out, os.path.getsize(out), "bytes, sha256", write_card(saved, out, kind))


if __name__ == "__main__":
    main()
