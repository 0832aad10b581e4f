"""Writes a trained sentence model as a GGUF file that carries its tokenizer and its chat template.

    python export.py RUN OUT.gguf [--quant Q8_0]

A message of a user is the community of utterances; the answer is the sentence.
"""
import argparse
import json
import os

import gguf
import torch
from tokenizers import Tokenizer

from train import BEGIN, END, SENTENCE

TEMPLATE = "{{ bos_token }}{{ messages[-1]['content'] }}" + SENTENCE
NORMAL, CONTROL = 1, 3


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run")
    p.add_argument("out")
    p.add_argument("--quant", default="Q8_0", choices=["Q8_0", "F16", "F32"])
    args = p.parse_args()
    saved = torch.load(os.path.join(args.run, "weights.pt"), weights_only=True)
    shape, weights = saved["shape"], saved["model"]
    tokenizer = Tokenizer.from_file(os.path.join(args.run, "tokenizer.json"))
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    tokens = [tokenizer.id_to_token(index) for index in range(tokenizer.get_vocab_size())]
    special = {name: tokenizer.token_to_id(name) for name in (BEGIN, SENTENCE, END)}

    out = gguf.GGUFWriter(args.out, "llama")
    out.add_name("greffier-sentence")
    out.add_description("one sentence of reported speech about a community of utterances; AMI, ICSI, QMSum; CC BY 4.0")
    out.add_context_length(shape["context"])
    out.add_embedding_length(shape["width"])
    out.add_block_count(shape["layers"])
    out.add_feed_forward_length(shape["inner"])
    out.add_head_count(shape["heads"])
    out.add_head_count_kv(shape["heads"])
    out.add_rope_dimension_count(shape["width"] // shape["heads"])
    out.add_rope_freq_base(shape["theta"])
    out.add_layer_norm_rms_eps(shape["epsilon"])
    out.add_vocab_size(shape["vocabulary"])
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokens)
    out.add_token_types([CONTROL if index in special.values() else NORMAL for index in range(len(tokens))])
    out.add_token_merges([" ".join(merge) if isinstance(merge, list) else merge for merge in merges])
    out.add_bos_token_id(special[BEGIN])
    out.add_eos_token_id(special[END])
    out.add_add_bos_token(False)
    out.add_chat_template(TEMPLATE)
    kind = gguf.GGMLQuantizationType[args.quant]
    for name, weight in weights.items():
        values = weight.float().numpy()
        if values.ndim > 1 and args.quant != "F32":
            out.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            out.add_tensor(name, values)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    print(f"{args.out}: {os.path.getsize(args.out) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
