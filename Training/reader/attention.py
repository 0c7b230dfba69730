"""Causal attention over rows that lie end to end."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass
class Spans:
    """Where the rows of a batch lie."""

    positions: Tensor  # [tokens], int64
    starts: Tensor  # [rows + 1], int32
    longest: int

    @staticmethod
    def one(count: int, start: int = 0) -> "Spans":
        return Spans(torch.arange(start, start + count), torch.tensor([0, count], dtype=torch.int32), count)


def by_rows(q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
    """One row after the other: for the CPU, and to check the other against."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    if len(k) > len(q):  # one more token of a row whose keys are known
        return F.scaled_dot_product_attention(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1)).transpose(0, 1)
    rows = spans.starts.tolist()
    done = [F.scaled_dot_product_attention(*(t[a:b].transpose(0, 1)[None] for t in (q, k, v)), is_causal=True)[0]
            for a, b in zip(rows, rows[1:])]
    return torch.cat(done, 1).transpose(0, 1)


def flash(q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
    """FlashAttention over all rows at once, on a GPU."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    return torch.ops.aten._flash_attention_forward(
        q, k, v, spans.starts, spans.starts, spans.longest, spans.longest, 0.0, True, False)[0]


def attend(q: Tensor, k: Tensor, v: Tensor, spans: Spans) -> Tensor:
    """[tokens, heads, head_dim]; the heads of `k` and `v` may be fewer."""
    return flash(q, k, v, spans) if q.is_cuda else by_rows(q, k, v, spans)
