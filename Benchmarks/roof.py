"""How much of what the machine can do a speed uses: of memory bandwidth in writing, of int8 arithmetic in reading."""

import json
import subprocess
from dataclasses import dataclass

KV_BYTES = {"f16": 2, "q8_0": 34 / 32}  # one element of a key or value


@dataclass(frozen=True)
class Work:
    """What one row of the comparison computes: a prompt to read, or answers to write behind `depth` other tokens."""

    prompt: int = 0
    answer: int = 0
    depth: int = 0
    batch: int = 1
    kv: str = "f16"

    @property
    def name(self) -> str:
        """The row's name in the output of `apus bench throughput`."""
        kind = f"pp{self.prompt}" if self.prompt else f"tg{self.answer}"
        batch = f"x{self.batch}" if self.batch > 1 else ""
        depth = f"@d{self.depth}" if self.depth else ""
        return kind + batch + depth

    @property
    def mean_context(self) -> float:
        """How many positions a token attends to, on average."""
        return self.depth + (self.prompt + self.answer) / 2


@dataclass(frozen=True)
class Roofs:
    bytes_per_second: float
    int8_per_second: float


@dataclass(frozen=True)
class Model:
    """The sizes of a model file, as `apus inspect` shows them; its output matrix is its embedding."""

    weight_bytes: int
    weights: int
    embedding: int
    layers: int
    query_width: int
    kv_width: int

    def share(self, work: Work, speed: float, roofs: Roofs) -> float:
        """The part of the roof that `speed`, in tokens per second, comes to."""
        if work.prompt:
            # Two operations for each weight of the layers, and four for each position and query element. The output
            # matrix is left out, for it is needed for one token of the prompt only.
            products = 2 * (self.weights - self.embedding)
            attention = 4 * self.query_width * self.layers * work.mean_context
            return speed * (products + attention) / roofs.int8_per_second
        # All answers of a batch share one pass over the weights; each reads its own keys and values.
        kv_bytes = 2 * self.kv_width * self.layers * work.mean_context * KV_BYTES[work.kv]
        return speed * (self.weight_bytes / work.batch + kv_bytes) / roofs.bytes_per_second


def read_model(apus: str, file: str) -> Model:
    command = [apus, "inspect", file, "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    sizes = report["configuration"]
    return Model(
        weight_bytes=report["byte_count"],
        weights=report["parameter_count"],
        embedding=sizes["vocabulary_size"] * sizes["hidden_size"],
        layers=sizes["layers"],
        query_width=sizes["heads"] * sizes["head_dimension"],
        kv_width=sizes["kv_heads"] * sizes["head_dimension"],
    )


def read_roofs(apus: str) -> Roofs | None:
    """The roofs that `apus bench kernels` measures, or nothing where it does not."""
    result = subprocess.run([apus, "bench", "kernels", "--filter", "rms_norm", "--json"], capture_output=True, text=True)
    if result.returncode:
        return None
    values = {row["name"]: row["value"] for row in json.loads(result.stdout)}
    return Roofs(values["roof_read"] * 1e9, values["roof_int8"] * 1e9)
