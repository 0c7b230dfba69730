"""Measures OpenVINO GenAI's batch pipeline with eight clients in process: each sends one request after the other.

The load is that of the scenario `clients` of serve_compare.py: prompts of 512 random tokens, answers of 64, three a
client. A round of the same size with other prompts comes first, to warm up.
"""

import argparse
import statistics
import time

import numpy as np
import openvino
import openvino_genai

FINISHED = openvino_genai.GenerationStatus.FINISHED


def run(pipeline: openvino_genai.ContinuousBatchingPipeline, options: argparse.Namespace, seed: int) -> float:
    """Output tokens per second."""
    random = np.random.default_rng(seed)
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = options.answer
    config.ignore_eos = True
    number = 0

    def send() -> object:
        nonlocal number
        number += 1
        ids = random.integers(0, options.ids, (1, options.prompt), np.int64)
        return pipeline.add_request(seed * 100000 + number, openvino.Tensor(ids), config)

    begin = time.monotonic()
    left = [options.requests - 1] * options.clients
    handles = [send() for _ in range(options.clients)]
    while pipeline.has_non_finished_requests():
        pipeline.step()
        for client, handle in enumerate(handles):
            if handle.get_status() == FINISHED and left[client]:
                left[client] -= 1
                handles[client] = send()
    seconds = time.monotonic() - begin
    if number != options.clients * options.requests:
        raise SystemExit(f"{number} requests were sent")
    return number * options.answer / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", required=True, help="a GGUF file or a folder with OpenVINO's own files")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--answer", type=int, default=64)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=3, help="of each client")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ids", type=int, default=32000, help="prompts are of token ids below this")
    options = parser.parse_args()
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.max_num_seqs = options.clients
    scheduler.cache_size = 2
    pipeline = openvino_genai.ContinuousBatchingPipeline(
        options.model, scheduler, "CPU", {"INFERENCE_NUM_THREADS": options.threads}
    )
    run(pipeline, options, seed=0)
    speeds = [run(pipeline, options, seed=seed + 1) for seed in range(options.rounds)]
    print(f"{statistics.median(speeds):.1f} output tokens/s ({min(speeds):.1f}..{max(speeds):.1f})")


if __name__ == "__main__":
    main()
