"""Whisper's architecture at small size (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision",
2022), with two training aids: a phone classifier on the encoder's frames, dropped at export, and the weights of
cross-attention, so that they can be guided."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from mel import BANDS

AUDIO_POSITIONS, TEXT_POSITIONS = 1500, 448


def gelu(x):
    """The tanh form, which ggml computes."""
    return F.gelu(x, approximate="tanh")


def sinusoids(length, width):
    """float32 [length, width]: Whisper's encoder positions, sines first."""
    step = math.log(10000) / (width // 2 - 1)
    angle = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2, dtype=torch.float64))[None]
    return torch.cat([angle.sin(), angle.cos()], 1).float()


class Attention(nn.Module):
    """Multi-head attention, its parameters named as in Whisper's checkpoints."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.value, self.out = (nn.Linear(width, width) for _ in range(3))
        self.key = nn.Linear(width, width, bias=False)

    def forward(self, x, source=None, causal=False):
        """Output, and the weights [batch, heads, queries, keys] of cross-attention (None for self-attention)."""
        q, k, v = self._split(self.query(x)), *(self._split(f(x if source is None else source))
                                                for f in (self.key, self.value))
        weights = None
        if causal or (source is None and x.is_cuda):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        else:  # on a CPU the plain form trains faster than the fused kernel; cross-attention needs the weights
            weights = (q * q.shape[-1] ** -0.5 @ k.transpose(2, 3)).softmax(-1, dtype=torch.float32)
            y = weights.to(v.dtype) @ v
        return self.out(y.transpose(1, 2).reshape(x.shape)), weights

    def _split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)


class Block(nn.Module):
    """Residual block; with `cross`, of the decoder."""

    def __init__(self, width, heads, cross):
        super().__init__()
        self.attn, self.attn_ln = Attention(width, heads), nn.LayerNorm(width)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, x, source=None):
        x = x + self.attn(self.attn_ln(x), causal=source is not None)[0]
        weights = None
        if source is not None:
            y, weights = self.cross_attn(self.cross_attn_ln(x), source)
            x = x + y
        return x + self.mlp[2](gelu(self.mlp[0](self.mlp_ln(x)))), weights

    def silence(self):
        """Makes the block the identity, so that it can be put into a trained model."""
        parts = [self.attn.out, self.mlp[2]] + ([self.cross_attn.out] if hasattr(self, "cross_attn") else [])
        for part in parts:
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)


class Encoder(nn.Module):
    """mel [batch, 80, 2 * time] -> [batch, time, width]."""

    def __init__(self, width, heads, layers):
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(AUDIO_POSITIONS, width), persistent=False)
        self.blocks = nn.ModuleList([Block(width, heads, False) for _ in range(layers)])
        self.ln_post = nn.LayerNorm(width)

    def forward(self, mel):
        x = gelu(self.conv2(gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.positional_embedding[:x.shape[1]].to(x.dtype)
        for block in self.blocks:
            x, _ = block(x)
        return self.ln_post(x)


class Decoder(nn.Module):
    """tokens [batch, length] -> logits [batch, length, vocabulary], and the cross-attention of each layer."""

    def __init__(self, width, heads, layers, vocabulary):
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.token_embedding.weight, std=0.05)
        self.positional_embedding = nn.Parameter(torch.randn(TEXT_POSITIONS, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads, True) for _ in range(layers)])
        self.ln = nn.LayerNorm(width)

    def forward(self, tokens, source):
        x = self.token_embedding(tokens) + self.positional_embedding[:tokens.shape[1]]
        maps = []
        for block in self.blocks:
            x, weights = block(x, source)
            maps.append(weights)
        return F.linear(self.ln(x), self.token_embedding.weight), maps


class Model(nn.Module):
    """Encoder, decoder and phone classifier; `dims` is what export and a resumed run need."""

    def __init__(self, d, heads, encoder_layers, decoder_layers, vocabulary, phones):
        super().__init__()
        self.dims = dict(d=d, heads=heads, encoder_layers=encoder_layers, decoder_layers=decoder_layers,
                         vocabulary=vocabulary, phones=phones)
        self.encoder = Encoder(d, heads, encoder_layers)
        self.decoder = Decoder(d, heads, decoder_layers, vocabulary)
        self.phone_head = nn.Linear(d, phones)

    def start_from(self, saved, tokens, phones):
        """Takes over a trained model of the same width with another vocabulary, fewer layers or other phones.

        Layers that it lacks begin as the identity: encoder layers at the end, decoder layers before the last, because
        guided attention lives in the first and the last. Rows of tokens and phones are matched by id and name.
        """
        old = {key: value.float() for key, value in saved["model"].items()}
        places = {"encoder": list(range(saved["dims"]["encoder_layers"])),
                  "decoder": list(range(saved["dims"]["decoder_layers"]))}
        places["decoder"][-1] = self.dims["decoder_layers"] - 1
        for side, network in (("encoder", self.encoder), ("decoder", self.decoder)):
            for k in sorted(set(range(len(network.blocks))) - set(places[side])):
                network.blocks[k].silence()
        own = self.state_dict()
        for key, value in old.items():
            side, *rest = key.split(".")
            if rest[0] == "blocks":
                rest[1] = str(places[side][int(rest[1])])
            key = ".".join([side, *rest])
            if side == "phone_head":
                _copy_rows(own[key], value, phones, saved["phones"])
            elif key == "decoder.token_embedding.weight":
                _copy_rows(own[key], value, {t: k for k, t in enumerate(tokens)},
                           {t: k for k, t in enumerate(saved["tokens"])})
            else:
                own[key] = value
        self.load_state_dict(own)


def _copy_rows(to, source, index, source_index):
    for name, row in index.items():
        if name in source_index:
            to[row] = source[source_index[name]]
