"""A network of Llama's architecture, as small as the task; weights are named and laid out as in a GGUF file."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocabulary: int = 4096
    width: int = 256
    layers: int = 6
    heads: int = 4
    inner: int = 704
    context: int = 640
    theta: float = 10000.0
    epsilon: float = 1e-5


class Norm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, self.epsilon)


class Block(nn.Module):
    def __init__(self, shape, dropout):
        super().__init__()
        def linear(inputs, outputs):
            return nn.Linear(inputs, outputs, bias=False)
        self.heads, self.dropout = shape.heads, dropout
        self.attn_norm, self.ffn_norm = Norm(shape.width, shape.epsilon), Norm(shape.width, shape.epsilon)
        self.attn_q, self.attn_k, self.attn_v = (linear(shape.width, shape.width) for _ in range(3))
        self.attn_output = linear(shape.width, shape.width)
        self.ffn_gate, self.ffn_up = linear(shape.width, shape.inner), linear(shape.width, shape.inner)
        self.ffn_down = linear(shape.inner, shape.width)

    def forward(self, x, rotation, cache=None):
        batch, length, width = x.shape
        inside = self.attn_norm(x)
        q, k, v = (part(inside).view(batch, length, self.heads, -1).transpose(1, 2)
                   for part in (self.attn_q, self.attn_k, self.attn_v))
        q, k = rotate(q, rotation), rotate(k, rotation)
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2) if cache else k, torch.cat([cache[1], v], 2) if cache else v
            cache[:] = [k, v]
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        x = x + self.drop(self.attn_output(attended.transpose(1, 2).reshape(batch, length, width)))
        inside = self.ffn_norm(x)
        return x + self.drop(self.ffn_down(F.silu(self.ffn_gate(inside)) * self.ffn_up(inside)))

    def drop(self, x):
        return F.dropout(x, self.dropout, self.training)


def rotate(x, rotation):
    """Pairs of neighbouring values turn with the position, as llama.cpp lays them out. x [B, H, L, D]."""
    cos, sin = rotation
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


class Model(nn.Module):
    def __init__(self, shape, dropout=0.0):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape, dropout) for _ in range(shape.layers))
        self.output_norm = Norm(shape.width, shape.epsilon)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:
                last = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if last else 0.02)
        half = shape.width // shape.heads // 2
        angle = torch.arange(shape.context)[:, None] * shape.theta ** (-torch.arange(half) / half)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, tokens, caches=None):
        """Hidden states [B, L, width] of tokens [B, L]; `caches`, one list a block, is read and extended."""
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        rotation = tuple(part[start:start + tokens.shape[1]] for part in (self.cos, self.sin))
        x = self.token_embd(tokens)
        for index, block in enumerate(self.blk):
            x = block(x, rotation, None if caches is None else caches[index])
        return self.output_norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.token_embd.weight)
