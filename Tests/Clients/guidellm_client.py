"""Checks with `guidellm`, a load generator: its runs end without an error and count the tokens that were asked for."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Suite

SUITE = Suite("guidellm")
check = SUITE.check

# It makes up prompts with a tokenizer of transformers; any does, as the server counts by its own.
TOKENIZER = Path(__file__).resolve().parent.parent / "Golden" / "embeddings" / "bert"
REQUESTS, OUTPUT = 12, 16


def connect(address, key):
    return address, key


def run(connection, model, profile, backend=""):
    """The counts and the metrics of one run, of requests for `OUTPUT` tokens each."""
    address, key = connection
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            Path(sys.executable).parent / "guidellm", "run",
            "--backend", f"kind=openai_http,target={address},model={model},api_key={key}{backend}",
            "--tokenizer", f"kind=hf_auto,model={TOKENIZER}",
            "--data", f"kind=synthetic_text,prompt_tokens=64,output_tokens={OUTPUT}",
            "--profile", profile, "--constraint", f"kind=max_requests,count={REQUESTS}",
            "--output", f"kind=json,path={report}", "--disable-console",
        ]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        benchmark = json.loads(report.read_text())["benchmarks"][0]
    return benchmark["metrics"]


def expect_answers(metrics):
    totals = metrics["request_totals"]
    assert (totals["successful"], totals["errored"]) == (REQUESTS, 0), totals
    tokens = metrics["output_token_count"]["successful"]
    assert tokens["min"] == tokens["max"] == OUTPUT, tokens
    first = metrics["time_to_first_token_ms"]["successful"]
    assert first["min"] > 0, first


@check
def concurrent_chats(connection, model):
    expect_answers(run(connection, model, "kind=concurrent,streams=4"))


@check
def poisson_arrivals(connection, model):
    expect_answers(run(connection, model, "kind=poisson,rate=8"))


@check
def completions_one_by_one(connection, model):
    expect_answers(run(connection, model, "kind=synchronous", ",request_format=/v1/completions"))
