#!/usr/bin/env python3
"""The peer of `bench_speech encoder`: CTranslate2's Whisper encoder on random weights, one pass over 30 s.

  speech_encoder_ctranslate2.py --shape tiny --type int8 --threads 2 [--rounds 3]     prints JSON like bench_speech
"""
import argparse, json, os, tempfile, time

import ctranslate2, numpy
from ctranslate2.specs import WhisperSpec

# State, heads, layers of encoder and of decoder.
SHAPES = {"tiny": (384, 6, 4), "base": (512, 8, 6), "small": (768, 12, 12)}
VOCABULARY, MELS, AUDIO_CONTEXT, TEXT_CONTEXT = 51865, 80, 1500, 448
DRAW = numpy.random.default_rng(1)


def matrix(*shape):
    return (DRAW.standard_normal(shape) * 0.02).astype(numpy.float32)


def linear(spec, outputs, inputs):
    spec.weight, spec.bias = matrix(outputs, inputs), matrix(outputs)


def norm(spec, state):
    spec.gamma, spec.beta = numpy.ones(state, numpy.float32), numpy.zeros(state, numpy.float32)


def attention(spec, state, outputs):
    norm(spec.layer_norm, state)
    for part, size in zip(spec.linear, outputs):
        linear(part, size, state)


def feed_forward(spec, state):
    norm(spec.layer_norm, state)
    linear(spec.linear_0, 4 * state, state)
    linear(spec.linear_1, state, 4 * state)


def write_model(folder, shape, kind):
    state, heads, layers = SHAPES[shape]
    spec = WhisperSpec(layers, heads, layers, heads)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = matrix(state, MELS, 3), matrix(state)
    encoder.conv2.weight, encoder.conv2.bias = matrix(state, state, 3), matrix(state)
    encoder.position_encodings.encodings = matrix(AUDIO_CONTEXT, state)
    norm(encoder.layer_norm, state)
    for layer in encoder.layer:
        attention(layer.self_attention, state, (3 * state, state))
        feed_forward(layer.ffn, state)
    decoder.embeddings.weight = matrix(VOCABULARY, state)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.position_encodings.encodings = matrix(TEXT_CONTEXT, state)
    norm(decoder.layer_norm, state)
    for layer in decoder.layer:
        attention(layer.self_attention, state, (3 * state, state))
        attention(layer.attention, state, (state, 2 * state, state))
        feed_forward(layer.ffn, state)
    spec.register_vocabulary([f"token {number}" for number in range(VOCABULARY)])
    spec.validate()
    spec.optimize(quantization=kind)
    spec.save(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--type", choices=["int8", "float32"], required=True)
    parser.add_argument("--threads", type=int, default=2); parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_model(folder, args.shape, args.type)
        model = ctranslate2.models.Whisper(folder, device="cpu", compute_type=args.type,
                                           intra_threads=args.threads, inter_threads=1)
    sound = ctranslate2.StorageView.from_array(matrix(1, MELS, 2 * AUDIO_CONTEXT))
    model.encode(sound)
    seconds = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        model.encode(sound)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"ctranslate2": ctranslate2.__version__, "threads": args.threads, "fastest_seconds": min(seconds),
                      "median_seconds": sorted(seconds)[len(seconds) // 2]}))


if __name__ == "__main__":
    main()
