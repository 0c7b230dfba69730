"""A Llama-shaped decoder: RMSNorm, rotary positions (half-split, as in Hugging Face's Llama), grouped heads, SwiGLU.

Rows of many lengths lie end to end in one batch, so all that is not attention sees one matrix of a fixed size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import Spans, attend


@dataclass(frozen=True)
class Config:
    vocabulary: int = 4096
    width: int = 384
    layers: int = 8
    heads: int = 6
    kv_heads: int = 2
    head_dim: int = 64
    hidden: int = 1024  # of the feed-forward part
    theta: float = 500_000.0
    epsilon: float = 1e-5
    context: int = 40_960


READER = Config()
DRAFT = Config(width=128, layers=4, heads=2, kv_heads=1, hidden=320)
CONFIGS = {"reader": READER, "reader-draft": DRAFT}


def norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    return F.rms_norm(x.float(), weight.shape, weight, epsilon).to(x.dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def before(x: Tensor, gain: Tensor, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, c: Config):
    """Queries, keys and values, [tokens, heads, head_dim]."""
    h = norm(x, gain, c.epsilon)
    q, k, v = (F.linear(h, w.to(h.dtype)).view(len(h), -1, c.head_dim) for w in (q, k, v))
    return rotate(q, cos, sin), rotate(k, cos, sin), v


def behind(x: Tensor, heads: Tensor, o: Tensor, gain: Tensor, gate: Tensor, up: Tensor, down: Tensor, c: Config) -> Tensor:
    """What the heads found is added, and the feed-forward part."""
    x = x + F.linear(heads.reshape(len(x), -1), o.to(x.dtype))
    h = norm(x, gain, c.epsilon)
    gate, up, down = (w.to(x.dtype) for w in (gate, up, down))
    return x + F.linear(F.silu(F.linear(h, gate)) * F.linear(h, up), down)


class Norm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.attn_norm, self.ffn_norm = Norm(c.width), Norm(c.width)
        self.q = nn.Linear(c.width, c.heads * c.head_dim, bias=False)
        self.k = nn.Linear(c.width, c.kv_heads * c.head_dim, bias=False)
        self.v = nn.Linear(c.width, c.kv_heads * c.head_dim, bias=False)
        self.o = nn.Linear(c.heads * c.head_dim, c.width, bias=False)
        self.gate = nn.Linear(c.width, c.hidden, bias=False)
        self.up = nn.Linear(c.width, c.hidden, bias=False)
        self.down = nn.Linear(c.hidden, c.width, bias=False)


class Reader(nn.Module):
    # What a trainer may replace by compiled forms.
    before, behind = staticmethod(before), staticmethod(behind)

    def __init__(self, config: Config = READER):
        super().__init__()
        self.config = c = config
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = Norm(c.width)
        frequencies = c.theta ** (-torch.arange(0, c.head_dim, 2).float() / c.head_dim)
        angles = torch.arange(c.context).float()[:, None] * frequencies
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = 0.02 if "embedding" in name else weight.shape[1] ** -0.5
                scale *= (2 * c.layers) ** -0.5 if name.endswith(("o.weight", "down.weight")) else 1.0
                nn.init.normal_(weight, std=scale)

    def states(self, tokens: Tensor, spans: Spans, dtype: torch.dtype = torch.float32, caches: list[list] | None = None) -> Tensor:
        """The normed hidden states, [tokens, width]. `caches`, one list a layer, hold keys and values of earlier calls."""
        c = self.config
        x = self.embedding.weight[tokens].to(dtype)
        cos, sin = (t[spans.positions][:, None].to(dtype) for t in (self.cos, self.sin))
        for index, l in enumerate(self.layers):
            q, k, v = self.before(x, l.attn_norm.weight, l.q.weight, l.k.weight, l.v.weight, cos, sin, c)
            if caches is not None:
                k, v = (torch.cat(pair) for pair in zip(caches[index], (k, v))) if caches[index] else (k, v)
                caches[index][:] = [k, v]
            x = self.behind(x, attend(q, k, v, spans), l.o.weight, l.ffn_norm.weight, l.gate.weight, l.up.weight, l.down.weight, c)
        return norm(x, self.norm.weight, c.epsilon)

    def forward(self, tokens: Tensor, caches: list[list] | None = None) -> Tensor:
        """Logits of one row, [tokens, vocabulary]."""
        start = len(caches[0][0]) if caches and caches[0] else 0
        assert start == 0 or len(tokens) == 1, "after the first call, one token at a time"
        return F.linear(self.states(tokens, Spans.one(len(tokens), start), caches=caches), self.embedding.weight)

    @torch.no_grad()
    def greedy(self, tokens: list[int], stop: set[int], limit: int = 48) -> list[int]:
        caches: list[list] = [[] for _ in self.layers]
        said: list[int] = []
        given = torch.tensor(tokens)
        while len(said) < limit:
            best = int(self(given, caches)[-1].argmax())
            if best in stop:
                break
            said.append(best)
            given = torch.tensor([best])
        return said
