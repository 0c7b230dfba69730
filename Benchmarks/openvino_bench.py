"""Measures OpenVINO GenAI on one GGUF file, in the form of llama-bench: reads a prompt, then writes an answer.

Reading is the prompt's tokens over the time to the first token. Writing is one over the time per output token after
the first. Neither counts loading. A run of the same size with another prompt comes first, to warm up.
"""

import argparse
import json

import numpy as np
import openvino
import openvino_genai


def generate(pipeline: openvino_genai.LLMPipeline, options: argparse.Namespace, seed: int) -> dict[str, float]:
    """One prompt of random ids and its answer: tokens per second of each."""
    ids = np.random.default_rng(seed).integers(0, options.ids, (1, max(options.prompt, 1)), np.int64)
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = options.answer + 1  # the first one belongs to the prompt's time
    config.ignore_eos = True
    inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(np.ones_like(ids)))
    metrics = pipeline.generate(inputs, config).perf_metrics
    counts = metrics.get_num_input_tokens(), metrics.get_num_generated_tokens()
    if counts != (ids.size, options.answer + 1):
        raise SystemExit(f"asked for {ids.size} and {options.answer + 1} tokens, got {counts}")
    rows = {}
    if options.prompt:
        rows[f"pp{options.prompt}"] = options.prompt / metrics.get_ttft().mean * 1e3
    if options.answer:
        depth = f"@d{options.prompt}" if options.prompt else ""
        rows[f"tg{options.answer}{depth}"] = 1e3 / metrics.get_tpot().mean
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", required=True, help="a GGUF file")
    parser.add_argument("-p", "--prompt", type=int, default=512, help="tokens to read; 0: one, not measured")
    parser.add_argument("-n", "--answer", type=int, default=0, help="tokens to write after the first")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--ids", type=int, default=32000, help="prompts are of token ids below this")
    parser.add_argument("--kv", help="keys and values: f16, u8; default: OpenVINO's own choice")
    options = parser.parse_args()
    properties = {"INFERENCE_NUM_THREADS": options.threads}
    if options.kv:
        properties["KV_CACHE_PRECISION"] = options.kv
    pipeline = openvino_genai.LLMPipeline(options.model, "CPU", **properties)
    generate(pipeline, options, seed=0)
    rows = generate(pipeline, options, seed=1)
    print(json.dumps([{"test": test, "avg_ts": speed} for test, speed in rows.items()]))


if __name__ == "__main__":
    main()
