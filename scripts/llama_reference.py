#!/usr/bin/env python3
"""Writes what the language model's tests compare with, by transformers on the same weights; and random files of true shapes.

  pip install torch transformers gguf        (in a virtual environment; torch is large)

  llama_reference.py fixtures OUT
      OUT/reference.json: for each case (Lucie's, Llama-3.2's, SmolLM2's, Qwen's shapes, shrunk) the settings, the list
      of tensors, a prompt, logits and 256 greedy tokens. Weights are not stored: they are drawn from a counter-based
      generator (SplitMix64 of tensor name and index) that the tests have too; quantized tensors are random blocks,
      dequantized here by the gguf package. This is models/language/tests/fixtures/reference.json.
  llama_reference.py shape OUT.gguf --like smollm2-360m --quant Q4_K_M
      A GGUF file of a true shape with random weights, for measuring speed. --like: smollm2-360m, tinyllama-1.1b,
      llama-3.2-1b, lucie-7b. --quant: Q4_K_M, Q5_K_M, Q6_K, Q8_0, Q4_0, F16.
"""
import argparse, json, math, os, sys
import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1
BLOCKS = {"Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22), "Q5_1": (32, 24), "Q8_0": (32, 34),
          "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210)}


def seed_of(text):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & WORD
    return value


def words(seed, count, first=0):
    """SplitMix64 of a counter: word i depends on seed and i alone."""
    z = np.uint64(seed) + (np.arange(first + 1, first + count + 1, dtype=np.uint64)) * np.uint64(GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed, count):
    """In [0, 1)."""
    return (words(seed, count) >> np.uint64(40)).astype(np.float64) / (1 << 24)


def block_bytes(kind, seed, blocks, scale):
    """Random blocks with weights of mean 0 and a spread of about `scale`."""
    size = BLOCKS[kind][1]
    data = (words(seed, blocks * size) >> np.uint64(56)).astype(np.uint8).reshape(blocks, size)
    vary = scale * (0.5 + uniform(seed ^ 0x5555, blocks))

    def put(at, values):
        data[:, at:at + 2] = values.astype(np.float16).view(np.uint8).reshape(blocks, 2)

    {"Q4_0": lambda: put(0, vary / 8), "Q4_1": lambda: (put(0, vary / 8), put(2, -vary)),
     "Q5_0": lambda: put(0, vary / 16), "Q5_1": lambda: (put(0, vary / 16), put(2, -vary)),
     "Q8_0": lambda: put(0, vary / 128), "Q4_K": lambda: (put(0, vary / 480), put(2, vary / 64)),
     "Q5_K": lambda: (put(0, vary / 960), put(2, vary / 64)), "Q6_K": lambda: put(208, vary / 4096)}[kind]()
    return data


def tensor_bytes(tensor, salt):
    """Bytes of a tensor as they stand in a file."""
    count = math.prod(tensor["shape"])
    seed, kind = seed_of(f"{salt}/{tensor['name']}"), tensor["format"]
    if "values" in tensor:
        return np.asarray(tensor["values"], "<f4").view(np.uint8)
    if kind in BLOCKS:
        return block_bytes(kind, seed, count // BLOCKS[kind][0], tensor["scale"]).reshape(-1)
    floats = (tensor["mean"] + tensor["scale"] * (2 * uniform(seed, count) - 1)).astype(np.float32)
    if kind == "F16":
        return floats.astype("<f2").view(np.uint8)
    if kind == "BF16":
        return (floats.view("<u4") >> 16).astype("<u2").view(np.uint8)
    return floats.astype("<f4").view(np.uint8)


def tensor_floats(tensor, salt):
    import gguf
    data, kind = tensor_bytes(tensor, salt), tensor["format"]
    if kind == "F32":
        floats = data.view("<f4")
    elif kind == "F16":
        floats = data.view("<f2").astype(np.float32)
    elif kind == "BF16":
        floats = (data.view("<u2").astype("<u4") << 16).view("<f4")
    else:
        rows = data.reshape(-1, tensor["shape"][-1] // BLOCKS[kind][0] * BLOCKS[kind][1])
        floats = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType[kind])
    return floats.reshape(tensor["shape"]).astype(np.float32)


def llama3_factors(rotated, theta, factor, low, high, context):
    """What llama.cpp's converter writes as rope_freqs.weight."""
    factors = []
    for pair in range(rotated // 2):
        wavelength = 2 * math.pi * theta ** (2 * pair / rotated)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(float(factor))
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return factors


HF = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
      "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
      "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
      "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
      "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def hf_name(name):
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{HF[parts[2]]}.{parts[3]}"
    return f"{HF[parts[0]]}.{parts[1]}"


def mixture(quant, part, layer, layers):
    """llama.cpp's recipe for its K-quant mixtures: more bits for the output, values and the way down of some layers."""
    base = {"Q4_K_M": "Q4_K", "Q5_K_M": "Q5_K"}.get(quant, quant)
    if quant in ("Q4_K_M", "Q5_K_M"):
        more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
        if part == "output" or (part in ("attn_v", "ffn_down") and more):
            return "Q6_K"
    if quant == "Q4_0" and part == "output":
        return "Q6_K"
    return base


def fitting(kind, columns):
    """llama.cpp's choice where rows are not whole blocks of 256."""
    if kind in BLOCKS and columns % BLOCKS[kind][0]:
        return {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}[kind]
    return kind


def tensors_of(case):
    c, quant, list_ = case["config"], case["quant"], []
    hidden, heads, kv, width = c["hidden"], c["heads"], c["kv_heads"], c["head_dim"]
    # Where output and embedding are tied, weak layers would repeat the last token for ever.
    strength = 6.0 if c["tied"] else 2.0

    def matrix(name, part, layer, outputs, inputs, gain=1.0):
        kind = fitting(mixture(quant, part, layer, c["layers"]), inputs)
        list_.append({"name": name + ".weight", "format": kind, "shape": [outputs, inputs], "mean": 0.0,
                      "scale": round(gain * math.sqrt(3 / inputs), 6)})

    def vector(name, length, mean=1.0):
        list_.append({"name": name, "format": "F32", "shape": [length], "mean": mean, "scale": 0.3})

    matrix("token_embd", "token_embd", 0, c["vocabulary"], hidden, gain=math.sqrt(hidden))
    for layer in range(c["layers"]):
        at = f"blk.{layer}."
        vector(at + "attn_norm.weight", hidden)
        # Sharp attention and strong layers: every part of the graph shows in the logits.
        matrix(at + "attn_q", "attn_q", layer, heads * width, hidden, gain=1.5)
        matrix(at + "attn_k", "attn_k", layer, kv * width, hidden, gain=1.5)
        matrix(at + "attn_v", "attn_v", layer, kv * width, hidden)
        if c["architecture"] == "qwen2":
            vector(at + "attn_q.bias", heads * width, 0.0)
            vector(at + "attn_k.bias", kv * width, 0.0)
            vector(at + "attn_v.bias", kv * width, 0.0)
        if c["architecture"] == "qwen3":
            vector(at + "attn_q_norm.weight", width)
            vector(at + "attn_k_norm.weight", width)
        matrix(at + "attn_output", "attn_output", layer, hidden, heads * width, gain=strength)
        vector(at + "ffn_norm.weight", hidden)
        matrix(at + "ffn_gate", "ffn_gate", layer, c["intermediate"], hidden)
        matrix(at + "ffn_up", "ffn_up", layer, c["intermediate"], hidden)
        matrix(at + "ffn_down", "ffn_down", layer, hidden, c["intermediate"], gain=strength)
    vector("output_norm.weight", hidden)
    if not c["tied"]:
        matrix("output", "output", 0, c["vocabulary"], hidden)
    if c.get("llama3"):
        values = llama3_factors(width, c["theta"], **c["llama3"])
        list_.append({"name": "rope_freqs.weight", "format": "F32", "shape": [width // 2], "mean": 0.0, "scale": 0.0,
                      "values": [float(np.float32(value)) for value in values]})
    return list_


def reference_model(case, salt):
    import torch, transformers
    c = case["config"]
    kind = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}[c["architecture"]]
    rope = {"rope_type": "default", "rope_theta": c["theta"]}
    if c.get("llama3"):
        rope = {"rope_type": "llama3", "rope_theta": c["theta"], "factor": c["llama3"]["factor"],
                "low_freq_factor": c["llama3"]["low"], "high_freq_factor": c["llama3"]["high"],
                "original_max_position_embeddings": c["llama3"]["context"]}
    config = getattr(transformers, kind + "Config")(
        vocab_size=c["vocabulary"], hidden_size=c["hidden"], intermediate_size=c["intermediate"],
        num_hidden_layers=c["layers"], num_attention_heads=c["heads"], num_key_value_heads=c["kv_heads"],
        head_dim=c["head_dim"], rms_norm_eps=c["eps"], max_position_embeddings=c["context"], rope_parameters=rope,
        tie_word_embeddings=c["tied"], bos_token_id=0, eos_token_id=1, pad_token_id=2)
    with torch.device("cpu"):
        model = getattr(transformers, kind + "ForCausalLM")(config).eval()
    state = {}
    for tensor in case["tensors"]:
        if tensor["name"] == "rope_freqs.weight":
            continue
        floats = tensor_floats(tensor, salt)
        part = tensor["name"].split(".")[2] if tensor["name"].startswith("blk") else ""
        if case["file"] == "gguf" and c["architecture"] == "llama" and part in ("attn_q", "attn_k"):
            heads = floats.shape[0] // c["head_dim"]  # GGUF turns neighbours, transformers halves
            floats = floats.reshape(heads, c["head_dim"] // 2, 2, -1).swapaxes(1, 2).reshape(floats.shape)
        state[hf_name(tensor["name"])] = torch.tensor(floats)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("lm_head" in name and c["tied"] for name in missing), (missing, unexpected)
    model.tie_weights()
    return model.float()


def evaluate(case, salt):
    import torch
    model = reference_model(case, salt)
    prompt = (words(seed_of("prompt"), case["prompt_length"]) % np.uint64(case["config"]["vocabulary"])).astype(np.int64)
    with torch.no_grad():
        out = model(torch.tensor(prompt)[None], use_cache=True, logits_to_keep=min(len(prompt), 64))
        logits, cache = out.logits[0], out.past_key_values
        greedy, margin, last = [], math.inf, logits[-1]
        for _ in range(case["greedy_length"]):
            top = torch.topk(last, 2).values
            margin = min(margin, float((top[0] - top[1]) / last.std()))
            greedy.append(int(last.argmax()))
            out = model(torch.tensor([[greedy[-1]]]), past_key_values=cache, use_cache=True)
            last, cache = out.logits[0, -1], out.past_key_values
    return prompt, logits.numpy(), greedy, margin, last.numpy()


LUCIE = dict(architecture="llama", hidden=256, intermediate=768, layers=2, heads=8, kv_heads=2, head_dim=32,
             vocabulary=96, tied=False, theta=2e7, eps=1e-5, context=32000)
LLAMA = dict(architecture="llama", hidden=256, intermediate=1024, layers=2, heads=8, kv_heads=2, head_dim=32,
             vocabulary=96, tied=True, theta=5e5, eps=1e-5, context=131072,
             llama3=dict(factor=32.0, low=1.0, high=4.0, context=8192))
SMOL = dict(architecture="llama", hidden=192, intermediate=512, layers=2, heads=3, kv_heads=1, head_dim=64,
            vocabulary=96, tied=True, theta=1e5, eps=1e-5, context=8192)
QWEN2 = dict(LUCIE, architecture="qwen2", hidden=64, intermediate=160, heads=4, kv_heads=2, head_dim=16, theta=1e6,
             eps=1e-6, tied=True)
QWEN3 = dict(QWEN2, architecture="qwen3", head_dim=32)
CASES = ([("lucie", LUCIE, "gguf", quant, 40) for quant in ("F16", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "Q4_0")]
         + [("lucie-long", LUCIE, "gguf", "F16", 5000), ("llama-3.2", LLAMA, "gguf", "F16", 200),
            ("llama-3.2", LLAMA, "gguf", "Q4_K_M", 200), ("smollm2", SMOL, "gguf", "F32", 70),
            ("smollm2", SMOL, "gguf", "Q4_K_M", 70), ("smollm2", SMOL, "safetensors", "BF16", 70),
            ("lucie", LUCIE, "safetensors", "F16", 40), ("llama-3.2", LLAMA, "safetensors", "F32", 200),
            ("qwen2", QWEN2, "gguf", "F16", 70), ("qwen3", QWEN3, "gguf", "F16", 70),
            ("qwen3", QWEN3, "safetensors", "F32", 70)])


def fixtures(args):
    import torch
    torch.set_num_threads(1)
    path, written = os.path.join(args.out, "reference.json"), []
    known = {case["name"]: case for case in json.load(open(path))} if args.only else {}
    for name, config, file, quant, length in CASES:
        if known and f"{name} {quant} {file}" != args.only:
            written.append(known[f"{name} {quant} {file}"])
            continue
        case = dict(name=f"{name} {quant} {file}", config=config, file=file, quant=quant, prompt_length=length,
                    greedy_length=32 if length > 1000 else 256)
        case["tensors"] = tensors_of(case)
        if file == "safetensors":
            case["tensors"] = [tensor for tensor in case["tensors"] if tensor["name"] != "rope_freqs.weight"]
        # The best margin of a few draws that don't repeat themselves: where the first two tokens are near, arithmetic
        # decides, not the graph.
        best = None
        for attempt in range(1 if length > 1000 else args.attempts):
            salt = f"{case['name']} {attempt}"
            result = evaluate(case, salt)
            rank = (min(len(set(result[2])), 16), result[3])
            if best is None or rank > best[0]:
                best = (rank, salt, result)
        _, salt, (prompt, logits, greedy, margin, last) = best
        rows = [len(logits) - 1, len(logits) // 2, 0]
        case.update(salt=salt, prompt=[int(token) for token in prompt] if length <= 200 else [],
                    rows=[length - len(logits) + row for row in rows],
                    logits=[[float(f"{x:.5g}") for x in logits[row]] for row in rows], greedy=greedy,
                    last_logits=[float(f"{x:.5g}") for x in last], margin=float(f"{margin:.2g}"))
        for tensor in case["tensors"]:
            if case["file"] == "safetensors":
                tensor["as"] = hf_name(tensor["name"])
        written.append(case)
        print(f"{case['name']}: margin {margin:.4f}, {len(set(greedy))} distinct tokens", file=sys.stderr)
    os.makedirs(args.out, exist_ok=True)
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in written) + "\n]\n")


SHAPES = {
    "smollm2-360m": dict(SMOL, hidden=960, intermediate=2560, layers=32, heads=15, kv_heads=5, head_dim=64, vocabulary=49152),
    "tinyllama-1.1b": dict(SMOL, hidden=2048, intermediate=5632, layers=22, heads=32, kv_heads=4, head_dim=64,
                           vocabulary=32000, tied=False, theta=1e4, context=8192),
    "llama-3.2-1b": dict(LLAMA, hidden=2048, intermediate=8192, layers=16, heads=32, kv_heads=8, head_dim=64, vocabulary=128256),
    "lucie-7b": dict(LUCIE, hidden=4096, intermediate=12288, layers=32, heads=32, kv_heads=8, head_dim=128, vocabulary=65024),
}


def shape(args):
    import gguf
    case = dict(config=SHAPES[args.like], quant=args.quant, file="gguf")
    c = case["config"]
    writer = gguf.GGUFWriter(args.out, c["architecture"])
    writer.add_context_length(c["context"]); writer.add_embedding_length(c["hidden"])
    writer.add_block_count(c["layers"]); writer.add_feed_forward_length(c["intermediate"])
    writer.add_head_count(c["heads"]); writer.add_head_count_kv(c["kv_heads"])
    writer.add_layer_norm_rms_eps(c["eps"]); writer.add_rope_freq_base(c["theta"])
    writer.add_rope_dimension_count(c["head_dim"]); writer.add_vocab_size(c["vocabulary"])
    # A byte-level vocabulary, so that any engine can load the file: bytes, then made-up words.
    characters = [chr(code) for code in list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
                  + list(range(256, 324))]
    words_ = [f"w{index}" for index in range(c["vocabulary"] - len(characters) - 3)]
    tokens = characters + ["ab"] + words_ + ["<s>", "</s>"]
    writer.add_tokenizer_model("gpt2"); writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens); writer.add_token_merges(["a b"])
    writer.add_token_types([1] * (len(tokens) - 2) + [3, 3])
    writer.add_bos_token_id(len(tokens) - 2); writer.add_eos_token_id(len(tokens) - 1)
    pool = {}
    for tensor in tensors_of(case):
        kind = gguf.GGMLQuantizationType[tensor["format"]]
        # Tensors of one kind share their bytes: speed does not look at values, and drawing billions takes long.
        key = (tensor["format"], tuple(tensor["shape"]), tensor["scale"], tensor["mean"])
        if key not in pool:
            data = tensor_bytes(tensor, "shape")
            if tensor["format"] in ("F32", "F16"):
                data = data.view({"F32": np.float32, "F16": np.float16}[tensor["format"]]).reshape(tensor["shape"])
            else:
                data = data.reshape(tensor["shape"][0], -1)
            pool[key] = data
        writer.add_tensor(tensor["name"], pool[key], raw_dtype=kind)
    writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    small = commands.add_parser("fixtures")
    small.add_argument("out"); small.add_argument("--attempts", type=int, default=6)
    small.add_argument("--only", help="the name of one case: the others stay as they are")
    small.set_defaults(run=fixtures)
    large = commands.add_parser("shape")
    large.add_argument("out"); large.add_argument("--like", choices=sorted(SHAPES), required=True)
    large.add_argument("--quant", default="Q4_K_M")
    large.set_defaults(run=shape)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    np.seterr(over="ignore")
    main()
