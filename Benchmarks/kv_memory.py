"""How much memory the keys and values of a long prompt take by method: by the pool's own count and by the system's.

Each method runs in a server of its own without a prefix cache. The memory is read while the answer is being written,
and compared with that beside the keys and values of a short prompt.
"""

import argparse
import json
import re
import subprocess
import time
import urllib.request

METHODS = {
    "f16": [],
    "q8_0": ["--cache-type-k", "q8_0", "--cache-type-v", "q8_0"],
    "q4_0": ["--cache-type-k", "q4_0", "--cache-type-v", "q4_0"],
    "snapkv, 20 %": ["--kv-policy", "snapkv:budget=0.2"],
    "h2o, 20 %": ["--kv-policy", "h2o:budget=0.2"],
    "streaming, 20 %": ["--kv-policy", "streaming:budget=0.2"],
    "snapkv, 20 %, q4_0": ["--kv-policy", "snapkv:budget=0.2", "--cache-type-k", "q4_0", "--cache-type-v", "q4_0"],
}


def resident(pid):
    """Bytes of memory that a process has in use."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024


def wait_until_ready(base, server):
    """Returns when the model is loaded, until when /health is an error, or the server has ended."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(base + "/health").read()
            return
        except OSError:
            time.sleep(0.1)


def post(base, prompt, count, on_token=lambda index: None):
    """The bytes that the server says the request held."""
    body = json.dumps({"prompt": prompt, "max_tokens": count, "ignore_eos": True, "stream": True, "temperature": 0})
    request = urllib.request.Request(base + "/v1/completions", body.encode(), {"Content-Type": "application/json"})
    index, held = 0, 0
    with urllib.request.urlopen(request) as response:
        for line in response:
            if line.startswith(b"data: {"):
                on_token(index)
                index += 1
                held = json.loads(line[6:]).get("apus", {}).get("kv", {}).get("bytes", held)
    return held


def everything(options, tokens):
    """What all keys and values take in f16; an answer that keeps and reads them all does not tell."""
    command = [options.apus, "plan", "-m", options.model, "-c", str(tokens), "--bandwidth", "1", "--compute", "1", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["rows"][-1]["kv_bytes_per_user"]


def measure(options, method):
    base = f"http://127.0.0.1:{options.port}"
    command = [options.apus, "serve", "-m", options.model, "--port", str(options.port), "--prefix-cache", "off"]
    command += ["--max-num-seqs", "1", "--max-num-batched-tokens", "512", "-c", str(options.prompt + 256), *method]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(base, server)
        seen = []

        def look(index):
            if index == 16:
                seen.append(resident(server.pid))

        def held_by(tokens):
            held = post(base, [100 + i * 7919 % 3000 for i in range(tokens)], 32, look)
            return held or everything(options, tokens + 31)

        # The second prompt finds the pages of the first already resident, and writes over them.
        first, held = held_by(512), held_by(options.prompt)
        return seen[1] - (seen[0] - first), held
    finally:
        server.kill()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default="apus")
    parser.add_argument("-m", "--model", default="builtin:reader")
    parser.add_argument("--prompt", type=int, default=30_000, help="tokens of the prompt")
    parser.add_argument("--port", type=int, default=18090)
    options = parser.parse_args()
    print("| method | resident, MiB | over f16 | pages held, MiB | over f16 |\n|---|---:|---:|---:|---:|")
    first = None
    for name, flags in METHODS.items():
        sizes = measure(options, flags)
        first = first or sizes
        cells = " | ".join(f"{size / 2**20:.1f} | {size / base:.3f}" for size, base in zip(sizes, first))
        print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
