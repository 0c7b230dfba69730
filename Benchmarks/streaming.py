"""Writes a very long answer with a KV policy that keeps a fixed number of tokens, and shows that nothing drifts.

For each part of the answer: the perplexity of what was sampled (the exponential of the mean of -log p), the median and
the 99th percentile of the time per token, and the memory of the server in use.
"""

import argparse
import http.client
import json
import math
import statistics
import subprocess
import time

from kv_memory import resident, wait_until_ready


def stream(options):
    """The log-probability and the time of each token."""
    connection = http.client.HTTPConnection("127.0.0.1", options.port)
    body = {"prompt": options.prompt, "max_tokens": options.tokens, "ignore_eos": True, "stream": True, "logprobs": 0,
            "temperature": 1, "top_p": 0.95, "seed": 1}
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    for line in connection.getresponse():
        if not line.startswith(b"data: {"):
            continue
        logprobs = json.loads(line[6:])["choices"][0].get("logprobs")
        now = time.perf_counter()
        for number in (logprobs or {}).get("token_logprobs", []):
            yield number, now


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default="apus")
    parser.add_argument("-m", "--model", default="builtin:reader")
    parser.add_argument("--policy", default="streaming:budget=1024,sinks=4")
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--ctx-size", type=int, default=4096)
    parser.add_argument("--prompt", default="The harbour was quiet in the morning.")
    parser.add_argument("--port", type=int, default=18091)
    options = parser.parse_args()
    server = subprocess.Popen(
        [options.apus, "serve", "-m", options.model, "-c", str(options.ctx_size), "--port", str(options.port),
         "--kv-policy", options.policy, "--max-num-seqs", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{options.port}", server)
        print("| tokens | perplexity | TPOT, ms: median | 99 % | resident, MiB |\n|---:|---:|---:|---:|---:|")
        size = options.tokens // options.parts
        losses, times, last, count = [], [], None, 0
        for number, now in stream(options):
            losses.append(-number)
            if last is not None:
                times.append((now - last) * 1000)
            last = now
            count += 1
            if count % size:
                continue
            times.sort()
            print(f"| {count:,} | {math.exp(statistics.fmean(losses)):.2f} | {statistics.median(times):.2f} "
                  f"| {times[len(times) * 99 // 100]:.2f} | {resident(server.pid) / 2**20:.0f} |", flush=True)
            losses, times = [], []
        print(f"\n{count:,} tokens in all.")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
