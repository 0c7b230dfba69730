"""Starts `apus serve`, drives it with public clients as they are, and prints which checks pass.

    pip install openai litellm langchain-openai anthropic guidellm
    python3 Tests/Clients/run.py .build/release/apus

`--base-url` takes a server that runs already instead. The exit status is 1 when a check fails.
"""

import argparse
import importlib
import importlib.metadata
import json
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request

from harness import Skip

CLIENTS = ["openai", "litellm", "langchain", "anthropic", "guidellm"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(binary, arguments):
    port = free_port()
    process = subprocess.Popen([binary, "serve", "--port", str(port), *arguments])
    address = f"http://127.0.0.1:{port}"
    for _ in range(1200):
        if process.poll() is not None:
            sys.exit(f"{binary} serve ended with status {process.returncode}")
        try:
            urllib.request.urlopen(address + "/health", timeout=5).close()
            return process, address
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    process.kill()
    sys.exit("the server did not become ready")


def model_name(address, key):
    request = urllib.request.Request(
        address + "/v1/models", headers={"Authorization": "Bearer " + key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"][0]["id"]


def run(client, address, key, model):
    """The rows of one client: name, result, seconds."""
    module = importlib.import_module(client + "_client")
    connection = module.connect(address, key)
    for function in module.SUITE.checks:
        began = time.monotonic()
        try:
            function(connection, model)
            result = "pass"
        except Skip as reason:
            result = f"skip ({reason})"
        except Exception:
            result = "FAIL"
            traceback.print_exc()
        yield function.__name__, result, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("apus", nargs="?", help="the program to start")
    parser.add_argument("--base-url", help="a running server, without /v1")
    parser.add_argument("--api-key", default="none")
    parser.add_argument("--only", default=",".join(CLIENTS), help="clients, separated by commas")
    parser.add_argument("--serve-args", default="", help="further arguments for apus serve")
    options = parser.parse_args()
    if bool(options.apus) == bool(options.base_url):
        parser.error("give either the program or --base-url")
    process, address = None, options.base_url
    if options.apus:
        process, address = start(options.apus, options.serve_args.split())
    failures = count = 0
    try:
        model = model_name(address, options.api_key)
        for client in options.only.split(","):
            module = importlib.import_module(client + "_client")
            version = importlib.metadata.version(module.SUITE.package)
            print(f"{module.SUITE.package} {version}")
            for name, result, seconds in run(client, address, options.api_key, model):
                count += 1
                failures += result == "FAIL"
                print(f"  {name:44} {result:24} {seconds:7.2f} s", flush=True)
    finally:
        if process:
            process.terminate()
            process.wait(60)
    print(f"{count - failures} of {count} checks passed or were skipped, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
