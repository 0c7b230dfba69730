"""A Llama-shaped decoder: RMSNorm, rotary positions (half-split, as in Hugging Face's Llama), grouped heads, SwiGLU."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    vocabulary: int = 2048
    width: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    hidden: int = 512  # of the feed-forward part
    theta: float = 500_000.0
    epsilon: float = 1e-5
    context: int = 2048


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.epsilon)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    if not causal or q.shape[2] > 700:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    # Short rows: written out, because on a CPU that takes 60 % of the time of the fused form.
    hidden = torch.full((q.shape[2], q.shape[2]), float("-inf"), dtype=q.dtype).triu(1)
    return (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + hidden).softmax(-1) @ v


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.attn_norm = Norm(c.width, c.epsilon)
        self.q = nn.Linear(c.width, c.heads * c.head_dim, bias=False)
        self.k = nn.Linear(c.width, c.kv_heads * c.head_dim, bias=False)
        self.v = nn.Linear(c.width, c.kv_heads * c.head_dim, bias=False)
        self.o = nn.Linear(c.heads * c.head_dim, c.width, bias=False)
        self.ffn_norm = Norm(c.width, c.epsilon)
        self.gate = nn.Linear(c.width, c.hidden, bias=False)
        self.up = nn.Linear(c.width, c.hidden, bias=False)
        self.down = nn.Linear(c.hidden, c.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: list | None) -> Tensor:
        c, (rows, length, _) = self.c, x.shape
        h = self.attn_norm(x)
        q = self.q(h).view(rows, length, c.heads, c.head_dim).transpose(1, 2)
        k = self.k(h).view(rows, length, c.kv_heads, c.head_dim).transpose(1, 2)
        v = self.v(h).view(rows, length, c.kv_heads, c.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), dim=2), torch.cat((cache[1], v), dim=2)
            cache[:] = [k, v]
        group = c.heads // c.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        h = attend(q, k, v, causal=length > 1)
        x = x + self.o(h.transpose(1, 2).reshape(rows, length, -1))
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Reader(nn.Module):
    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config = c = config
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = Norm(c.width, c.epsilon)
        frequencies = c.theta ** (-torch.arange(0, c.head_dim, 2).float() / c.head_dim)
        angles = torch.arange(c.context).float()[:, None] * frequencies
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = 0.02 if "embedding" in name else weight.shape[1] ** -0.5
                scale *= (2 * c.layers) ** -0.5 if name.endswith(("o.weight", "down.weight")) else 1.0
                nn.init.normal_(weight, std=scale)

    def states(self, tokens: Tensor, caches: list[list] | None = None) -> Tensor:
        """The normed hidden states. `caches`, one list per layer, hold what earlier calls computed."""
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        assert start == 0 or tokens.shape[1] == 1, "after the first call, one token at a time"
        x = self.embedding(tokens)
        cos, sin = (t[start:start + tokens.shape[1]].to(x.dtype) for t in (self.cos, self.sin))
        for index, layer in enumerate(self.layers):
            x = layer(x, cos, sin, caches[index] if caches is not None else None)
        return self.norm(x)

    def forward(self, tokens: Tensor, caches: list[list] | None = None) -> Tensor:
        return F.linear(self.states(tokens, caches), self.embedding.weight)

    @torch.no_grad()
    def greedy(self, tokens: list[int], stop: set[int], limit: int = 48) -> list[int]:
        caches: list[list] = [[] for _ in self.layers]
        said: list[int] = []
        given = torch.tensor([tokens])
        while len(said) < limit:
            best = int(self(given, caches)[0, -1].argmax())
            if best in stop:
                break
            said.append(best)
            given = torch.tensor([[best]])
        return said
