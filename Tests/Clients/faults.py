"""Mistreats a server of its own for some minutes and prints which promises it kept.

    swift build -c release
    python3 Tests/Clients/faults.py --minutes 20

Needs the standard library only. Clients abort in mid-stream, send malformed JSON, too much and too slowly, use wrong
keys, and hold up to --connections connections open; in the end the server gets SIGTERM under load. The exit status is
1 when a promise was broken.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import random
import resource
import signal
import socket
import statistics
import struct
import sys
import tempfile
import time

KEY = "sk-faults"
MARK = "zanzibar"  # Stands in every prompt, and must not stand in the log.
LIMITS = {"max-body-size": "256K", "max-header-size": "16K", "header-timeout": 6, "body-timeout": 6,
          "idle-timeout": 10, "write-timeout": 10, "max-output-tokens": 200, "max-num-seqs": 16,
          "max-num-waiting": 200, "shutdown-timeout": 20, "ctx-size": 2048, "log-format": "json"}
BUSY = {200, 429, 503}


class Broken(Exception):
    """The connection ended without the whole of an answer."""


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 22))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def reset(self):
        """Closes as a program does that is killed."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def head(self):
        try:
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Broken("no answer" if not getattr(error, "partial", b"") else "half a head") from error
        lines = text.split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split(" ")[1]), fields

    async def chunks(self, fields):
        try:
            if "content-length" in fields:
                yield await self.reader.readexactly(int(fields["content-length"]))
                return
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                yield (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Broken("half an answer") from error

    async def answer(self):
        status, fields = await self.head()
        body = b"".join([chunk async for chunk in self.chunks(fields)])
        return status, fields, body


def request(path, body=b"", key=KEY, method="POST", headers=()):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def chat(rng, stream, tokens=None):
    shared = f"{MARK} " + "The harbour of the town is old and deep. " * rng.choice([0, 0, 8, 24])
    return {"messages": [{"role": "user", "content": shared + f"Question {rng.randrange(1000)}?"}],
            "max_tokens": tokens or rng.randrange(1, 64), "stream": stream, "ignore_eos": True,
            "temperature": rng.choice([0, 0.8]), "n": rng.choice([1, 1, 1, 2])}


class Faults:
    """One kind of client a method; each returns what became of its request, or raises."""

    def __init__(self, port, seed):
        self.port, self.rng = port, random.Random(seed)

    async def one(self, data, statuses):
        async with await Connection.open(self.port) as connection:
            await connection.send(data)
            status, fields, body = await connection.answer()
            assert status in statuses, f"status {status}: {body[:200]}"
            assert fields.get("content-type", "").startswith(("application/json", "text/")), fields
            if status >= 400:
                assert json.loads(body)["error"]["message"], body
            return status

    async def whole(self):
        return await self.one(request("/v1/chat/completions", chat(self.rng, False)), BUSY)

    async def stream(self, tokens=None, begun=None):
        async with await Connection.open(self.port) as connection:
            await connection.send(request("/v1/chat/completions", chat(self.rng, True, tokens)))
            status, fields = await connection.head()
            assert status in BUSY, status
            text = b""
            async for chunk in connection.chunks(fields):
                text += chunk
                if begun and not begun.done():
                    begun.set_result(None)
            if status == 200:
                assert text.endswith(b"data: [DONE]\n\n"), text[-200:]
                return "error event" if b'"error"' in text else "stream"
            return status

    async def kept_alive(self):
        async with await Connection.open(self.port) as connection:
            for _ in range(self.rng.randrange(2, 6)):
                await connection.send(request("/v1/completions", {"prompt": MARK, "max_tokens": 4}))
                status, _, _ = await connection.answer()
                assert status in BUSY, status
        return "several"

    async def pipelined(self):
        async with await Connection.open(self.port) as connection:
            one = request("/v1/completions", {"prompt": MARK, "max_tokens": 4})
            await connection.send(one * 3)
            for _ in range(3):
                status, _, _ = await connection.answer()
                assert status in BUSY, status
        return "three"

    async def abort(self):
        async with await Connection.open(self.port) as connection:
            await connection.send(request("/v1/chat/completions", chat(self.rng, self.rng.random() < 0.8, 150)))
            with contextlib.suppress(asyncio.TimeoutError):
                for _ in range(self.rng.randrange(6)):
                    await asyncio.wait_for(connection.reader.read(200), 1)
            connection.reset() if self.rng.random() < 0.5 else connection.writer.close()
        return "gone"

    async def abort_body(self):
        async with await Connection.open(self.port) as connection:
            data = request("/v1/chat/completions", chat(self.rng, True))
            await connection.send(data[:self.rng.randrange(1, len(data))])
            connection.reset() if self.rng.random() < 0.5 else connection.writer.close()
        return "gone"

    async def malformed_json(self):
        body = bytearray(json.dumps(chat(self.rng, False)).encode())
        del body[self.rng.randrange(len(body)):]
        return await self.one(request("/v1/chat/completions", bytes(body) or b"{"), {400})

    async def wrong_field(self):
        body = chat(self.rng, True) | {"temperature": "hot"}
        return await self.one(request("/v1/chat/completions", body), {400})

    async def too_many_tokens(self):
        return await self.one(request("/v1/chat/completions", chat(self.rng, False, 201)), {400})

    async def long_prompt(self):
        body = {"prompt": [5] * 4000, "max_tokens": 1}
        return await self.one(request("/v1/completions", body), {400})

    async def large_body(self):
        body = b'{"prompt": "' + b"a" * self.rng.randrange(270_000, 900_000) + b'"}'
        return await self.one(request("/v1/completions", body), {413})

    async def large_header(self):
        return await self.one(request("/v1/models", method="GET", headers=["x: " + "a" * 20_000]), {431})

    async def wrong_key(self):
        key = self.rng.choice([None, "", "sk-fault", "sk-faults ", "x" * 500])
        data = request("/v1/chat/completions", chat(self.rng, True), key=key and key.strip() + "!")
        return await self.one(data, {401})

    async def no_http(self):
        noise = bytes(self.rng.randrange(256) for _ in range(self.rng.randrange(4, 200)))
        return await self.one(b"\x16" + noise + b"\r\n\r\n", {400, 431})

    async def unknown_path(self):
        return await self.one(request(f"/v1/{self.rng.randrange(99)}", b"{}"), {404})

    USUAL = ["whole", "stream", "stream", "kept_alive", "pipelined", "abort", "abort", "abort_body",
             "malformed_json", "wrong_field", "too_many_tokens", "long_prompt", "large_body",
             "large_header", "wrong_key", "no_http", "unknown_path"]

    # Clients that hold a connection for as long as they are let.

    async def slow_sender(self):
        """A byte a second, in the header or in the body: the server has to end it."""
        async with await Connection.open(self.port) as connection:
            data = request("/v1/completions", {"prompt": MARK * 9, "max_tokens": 1})
            start = self.rng.choice([0, data.index(b"\r\n\r\n") + 6])
            await connection.send(data[:start])
            for byte in data[start:start + 60]:
                try:
                    await connection.send(bytes([byte]))
                except ConnectionError:
                    return "closed"
                try:
                    text = await asyncio.wait_for(connection.reader.read(4096), 1)
                    assert not text or text.startswith(b"HTTP/1.1 408"), text
                    assert text or start == 0, "a request without an answer"
                    return "408" if text else "closed"
                except asyncio.TimeoutError:
                    pass
                except ConnectionError:
                    return "closed"
            raise AssertionError("the server waited for a minute")

    async def slow_reader(self):
        async with await Connection.open(self.port) as connection:
            await connection.send(request("/v1/chat/completions", chat(self.rng, True, 200)))
            for _ in range(self.rng.randrange(3, 15)):
                if not await connection.reader.read(1):
                    return "closed"
                await asyncio.sleep(1)
            connection.reset()
        return "gone"

    async def idle(self):
        async with await Connection.open(self.port) as connection:
            await connection.send(self.rng.choice([b"", b"GET / HT", b"POST /v1/completions HTTP/1.1\r\n"]))
            try:
                text = await asyncio.wait_for(connection.reader.read(100), 60)
            except ConnectionError:
                text = b""
            assert not text, text
        return "closed"


class Server:
    def __init__(self, binary, folder, pack):
        self.keys = pathlib.Path(folder, "keys")
        self.keys.write_text(f"{KEY} name=faults\nsk-other name=other max_tokens=8\n")
        self.log = pathlib.Path(folder, "log")
        arguments = [f"--{name}={value}" for name, value in LIMITS.items()]
        self.command = [binary, "serve", "--port", "0", "--api-key-file", str(self.keys), *arguments, *pack]

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stderr=self.log.open("wb"), stdout=asyncio.subprocess.DEVNULL)
        while True:
            text = self.log.read_text()
            if "http://127.0.0.1:" in text:
                self.port = int(text.split("http://127.0.0.1:")[1].split(",")[0].split('"')[0])
                break
            assert self.process.returncode is None, text
            await asyncio.sleep(0.05)
        while (await self.get("/readyz"))[0] != 200:
            await asyncio.sleep(0.05)

    async def get(self, path):
        async with await Connection.open(self.port) as connection:
            await connection.send(request(path, method="GET"))
            status, _, body = await connection.answer()
            return status, body.decode()

    @property
    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def memory(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    async def figures(self):
        values = {}
        for line in (await self.get("/metrics"))[1].splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name.split("{")[0]] = float(value)
        return values

    async def calm(self, baseline, seconds=90):
        """The figures once nothing runs and no connection but the asking one is open, or after the time is over."""
        end = time.monotonic() + seconds
        while True:
            await asyncio.sleep(1)
            figures = await self.figures()
            idle = not figures["vllm:num_requests_running"] and not figures["vllm:num_requests_waiting"]
            if (idle and self.files <= baseline) or time.monotonic() > end:
                return figures


class Run:
    def __init__(self, options):
        self.options = options
        self.counts = collections.Counter()
        self.failures = collections.Counter()
        self.memory, self.health = [], []
        self.peak_files = 0

    async def act(self, faults, name):
        try:
            result = await asyncio.wait_for(getattr(faults, name)(), 180)
            self.counts[name, str(result)] += 1
        except asyncio.CancelledError:
            raise
        except Exception as error:  # Whatever goes wrong is a finding.
            self.failures[name, f"{type(error).__name__}: {error}"[:160]] += 1
            await asyncio.sleep(0.2)

    async def worker(self, server, seed, names, pause):
        faults = Faults(server.port, seed)
        while time.monotonic() < self.end:
            await self.act(faults, faults.rng.choice(names))
            await asyncio.sleep(faults.rng.random() * pause)

    async def watch(self, server):
        while time.monotonic() < self.end:
            start = time.monotonic()
            try:
                status, _ = await server.get("/health")
                if status != 200:
                    self.failures["health", str(status)] += 1
            except Exception as error:
                self.failures["health", f"{type(error).__name__}: {error}"] += 1
                if server.process.returncode is not None:
                    return
            self.health.append(time.monotonic() - start)
            self.memory.append((start, server.memory))
            self.peak_files = max(self.peak_files, server.files)
            await asyncio.sleep(2)

    async def warm_up(self, server):
        """Everything once, so that what is made on first use is there before it is counted."""
        faults = Faults(server.port, self.options.seed)
        for name in sorted(set(Faults.USUAL)):
            await self.act(faults, name)
        await asyncio.gather(*(self.act(Faults(server.port, index), "stream") for index in range(32)))
        await server.calm(0, 12)
        return server.files

    async def run(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(self.options.binary, folder, self.options.flag)
            await server.start()
            baseline = await self.warm_up(server)
            start = time.monotonic()
            self.end = start + self.options.minutes * 60
            seeds = iter(range(self.options.seed * 100_000, 10**9))
            slow = min(40, self.options.connections // 8)
            idle = max(0, self.options.connections - self.options.workers - 2 * slow - 8)
            await asyncio.gather(
                self.watch(server),
                *(self.worker(server, next(seeds), Faults.USUAL, self.options.pause)
                  for _ in range(self.options.workers)),
                *(self.worker(server, next(seeds), ["slow_sender"], 2) for _ in range(slow)),
                *(self.worker(server, next(seeds), ["slow_reader"], 2) for _ in range(slow)),
                *(self.worker(server, next(seeds), ["idle"], 6) for _ in range(idle)))
            checks = []

            def check(name, passed, detail):
                checks.append((name, passed, detail))

            check("the server runs", server.process.returncode is None, f"status {server.process.returncode}")
            if server.process.returncode is None:
                figures = await server.calm(baseline)
                for name in ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"):
                    check(f"{name} is 0 again", figures[name] == 0, figures[name])
                check("no file is left open", server.files <= baseline,
                      f"{server.files}, {baseline} before, at most {self.peak_files}")
                self.check_memory(check, start)
                await self.terminate(server, check)
            lost = {key: count for key, count in self.failures.items() if key[0] != "health"}
            check("every request was answered as it should be", not lost, f"{sum(lost.values())} were not")
            wrong = {key: count for key, count in self.failures.items() if key[0] == "health"}
            times = sorted(self.health) or [0]
            check("/health always answered 200", not wrong,
                  f"p50 {times[len(times) // 2] * 1e3:.0f} ms, at most {times[-1] * 1e3:.0f} ms")
            self.check_log(check, server.log.read_text(errors="replace"))
            return self.report(checks)

    def check_memory(self, check, start):
        warm = start + min(120, self.options.minutes * 60 / 4)
        values = [value for when, value in self.memory if when >= warm]
        part = max(1, len(values) // 5)
        first, last = statistics.median(values[:part]), statistics.median(values[-part:])
        check("memory is flat within 5 %", last <= 1.05 * first,
              f"{first:.0f} MiB after {warm - start:.0f} s, {last:.0f} MiB in the end, at most {max(values):.0f}")

    async def terminate(self, server, check):
        """SIGTERM while streams run: they end with [DONE], the server with status 0."""
        begun = [asyncio.get_running_loop().create_future() for _ in range(32)]
        results = collections.Counter()

        async def stream(index):
            try:
                results[await Faults(server.port, index).stream(190, begun[index])] += 1
            except Exception as error:
                results[f"{type(error).__name__}: {error}"] += 1
            if not begun[index].done():
                begun[index].set_result(None)

        tasks = [asyncio.create_task(stream(index)) for index in range(32)]
        await asyncio.wait(begun[:16], return_when=asyncio.FIRST_COMPLETED)
        server.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*tasks)
        try:
            await asyncio.wait_for(server.process.wait(), LIMITS["shutdown-timeout"] + 20)
        except asyncio.TimeoutError:
            server.process.kill()
        # What arrives after the signal may be refused, or find nobody.
        late = {"503", "429", "Broken: no answer", "stream", "error event"}
        wrong = {key for key in results if str(key) not in late and not str(key).startswith("Connection")}
        check("SIGTERM: streams end with [DONE]", not wrong and results["stream"] > 0, dict(results))
        check("SIGTERM: the server ends with 0", server.process.returncode == 0, server.process.returncode)

    @staticmethod
    def check_log(check, text):
        lines = [line for line in text.splitlines() if not line.startswith("listening on")]
        bad = []
        for line in lines:
            try:
                json.loads(line)
            except ValueError:
                bad.append(line[:200])
        check("the log is JSON, line by line", not bad, f"{len(lines)} lines" + (f", not: {bad[:3]}" if bad else ""))
        check("the log holds no prompt and no key", MARK not in text and KEY not in text, "")
        errors = [line for line in lines if '"level":"error"' in line or '"level":"critical"' in line]
        check("the log holds no error", not errors, errors[:3] or "")

    def report(self, checks):
        kinds = sorted({name for name, _ in self.counts} | {name for name, _ in self.failures})
        print(f"\n{'client':18} {'did':>8} {'failed':>7}  outcomes")
        for kind in kinds:
            outcomes = {result: count for (name, result), count in self.counts.items() if name == kind}
            failed = sum(count for (name, _), count in self.failures.items() if name == kind)
            text = ", ".join(f"{result} {count}" for result, count in sorted(outcomes.items()))
            print(f"{kind:18} {sum(outcomes.values()):8} {failed:7}  {text}")
        for (name, error), count in self.failures.most_common(20):
            print(f"  {count} x {name}: {error}")
        print()
        for name, passed, detail in checks:
            print(f"{'pass' if passed else 'FAIL'}  {name:44} {detail}")
        failed = sum(not passed for _, passed, _ in checks)
        print(f"{len(checks) - failed} of {len(checks)} promises kept in {self.options.minutes:g} minutes")
        return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/release/apus")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--connections", type=int, default=1000, help="open at once, at most")
    parser.add_argument("--workers", type=int, default=24, help="clients that do not wait to be slow")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two requests of a client, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flag", action="append", default=[], help="a further flag of the server")
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    sys.exit(asyncio.run(Run(options).run()))


if __name__ == "__main__":
    main()
