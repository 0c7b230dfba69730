"""Sets the first weights so that the model can look back from the first step.

Finding "the token that followed this one before" takes two heads in a row, and a model of this size needs far more text
than we have time for until chance lets it find both. So we begin with them: heads of layer 0 fetch the tokens one and
two places back, and heads of layers 1 and 2 attend to where those match, and say what stands there. Training is free to
change all of it.
"""

import torch
from torch import Tensor

from .model import Reader

CONSTANT = 0.9  # every embedding has this in channel 0, so that a head can attend by distance alone
SPREAD = 0.12  # of the other channels
SHARP = 12  # how many of the fastest rotations tell distances
SLOW = 16  # from this rotation on, turning is slow enough to compare what tokens are
SCALE = 4.0  # how sharply they are compared


def directions(rows: int, width: int) -> Tensor:
    return torch.linalg.qr(torch.randn(width, rows))[0].T


@torch.no_grad()
def look_back(model: Reader) -> None:
    c = model.config
    d, half = c.head_dim, c.head_dim // 2
    model.embedding.weight.normal_(std=SPREAD)
    model.embedding.weight[:, 0] = CONSTANT
    constant = CONSTANT / (CONSTANT ** 2 + SPREAD ** 2 * c.width) ** 0.5 * c.width ** 0.5  # of channel 0, once normed
    angles = c.theta ** (-torch.arange(half).float() / half)

    for layer in model.layers:  # the rest must not drown what is set here
        layer.o.weight *= 0.03
        layer.down.weight *= 0.03

    first = model.layers[0]
    code = directions(d, c.width)  # what of a token's embedding is passed on
    code[:, 0] = 0  # tells tokens apart, so without the channel they share
    back = directions(2 * d, c.width)  # where it is written: one place back, two places back
    first.k.weight[:d] *= 0.2
    first.q.weight[:2 * d] *= 0.2
    first.k.weight[:SHARP, 0] = 5.7 / constant
    first.v.weight[:d] = code
    for head, distance in enumerate((1, 2)):
        rows = head * d
        first.q.weight[rows:rows + SHARP, 0] = 5.7 / constant * (distance * angles[:SHARP]).cos()
        first.q.weight[rows + half:rows + half + SHARP, 0] = -5.7 / constant * (distance * angles[:SHARP]).sin()
        first.o.weight[:, rows:rows + d] = 0.24 * back[rows:rows + d].T

    slow = [*range(SLOW, half), *range(half + SLOW, d)]
    wanted = (code, back[:d])  # this token, and the one before it
    copied = directions(c.width, c.width)
    for index, layer in enumerate(model.layers[1:3]):
        for group, query in enumerate(wanted[:c.kv_heads]):
            rows = slice(group * d, group * d + d)
            first_row = (2 * index + group) * d % c.width
            spoken = copied[first_row:first_row + d]
            layer.k.weight[rows] *= 0.2
            layer.v.weight[rows] = spoken
            layer.k.weight[[group * d + s for s in slow]] = SCALE * back[group * d:group * d + len(slow)]
            head = group * (c.heads // c.kv_heads) * d  # the first of the query heads that share this key
            layer.q.weight[head:head + d] *= 0.2
            layer.q.weight[[head + s for s in slow]] = SCALE * query[:len(slow)]
            layer.o.weight[:, head:head + d] = 2.0 * spoken.T
