"""Drives a running server with the `openai` package and prints which checks pass.

    apus serve --port 8080 &
    python3 Tests/Clients/openai_client.py --base-url http://127.0.0.1:8080/v1

Needs `pip install openai`. The exit status is 1 when a check fails.
"""

import argparse
import asyncio
import sys
import time
import traceback

import openai

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def user(text):
    return [{"role": "user", "content": text}]


GREEDY = {"temperature": 0, "max_tokens": 12}


@check
def models_are_listed(client, model):
    listed = [entry.id for entry in client.models.list()]
    assert model in listed
    assert client.models.retrieve(model).id == model


@check
def chat_answers(client, model):
    answer = client.chat.completions.create(model=model, messages=user("Hello"), **GREEDY)
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and isinstance(choice.message.content, str)
    assert choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens >= 0


@check
def chat_takes_parts_and_roles(client, model):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "Again"},
    ]
    answer = client.chat.completions.create(model=model, messages=messages, **GREEDY)
    assert answer.choices[0].message.content is not None


@check
def chat_streams_the_same(client, model):
    whole = client.chat.completions.create(model=model, messages=user("Hello"), **GREEDY)
    stream = client.chat.completions.create(
        model=model, messages=user("Hello"), stream=True,
        stream_options={"include_usage": True}, **GREEDY)
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    reasons = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert [r for r in reasons if r] == [whole.choices[0].finish_reason]


@check
def chat_stream_helper(client, model):
    with client.chat.completions.stream(model=model, messages=user("Hello"), **GREEDY) as stream:
        # The helper refuses to give an answer that was cut by its limit, but its events come before.
        kinds = [event.type for event in stream]
    assert "chunk" in kinds and "content.delta" in kinds


@check
def chat_logprobs(client, model):
    answer = client.chat.completions.create(
        model=model, messages=user("Hello"), logprobs=True, top_logprobs=3, **GREEDY)
    content = answer.choices[0].logprobs.content
    assert "".join(entry.token for entry in content) == answer.choices[0].message.content
    for entry in content:
        assert len(entry.top_logprobs) == 3
        assert entry.logprob <= entry.top_logprobs[0].logprob <= 0
        assert bytes(entry.bytes).decode("utf-8", "replace") == entry.token


@check
def chat_choices_and_seeds(client, model):
    def texts():
        answer = client.chat.completions.create(
            model=model, messages=user("Once upon a time"), n=3, seed=11, temperature=1.5,
            max_tokens=12)
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        return [choice.message.content for choice in answer.choices]

    assert texts() == texts()


@check
def completions_answer(client, model):
    answer = client.completions.create(model=model, prompt=["The cat", "A dog"], **GREEDY)
    assert answer.object == "text_completion"
    assert [choice.index for choice in answer.choices] == [0, 1]
    again = client.completions.create(model=model, prompt="A dog", **GREEDY)
    assert again.choices[0].text == answer.choices[1].text


@check
def completions_stream(client, model):
    whole = client.completions.create(model=model, prompt="The cat", **GREEDY)
    stream = client.completions.create(model=model, prompt="The cat", stream=True, **GREEDY)
    assert "".join(c.choices[0].text for c in stream) == whole.choices[0].text


@check
def completions_score_prompts(client, model):
    answer = client.completions.create(
        model=model, prompt="The cat sat on the mat", echo=True, logprobs=2, max_tokens=1,
        temperature=0)
    choice = answer.choices[0]
    table = choice.logprobs
    assert choice.text.startswith("The cat sat on the mat")
    assert "".join(table.tokens) == choice.text
    assert table.token_logprobs[0] is None and all(x <= 0 for x in table.token_logprobs[1:])
    assert all(len(top) in (2, 3) for top in table.top_logprobs[1:])
    assert table.text_offset[0] == 0 and table.text_offset == sorted(table.text_offset)


@check
def stop_strings(client, model):
    whole = client.completions.create(model=model, prompt="The cat", **GREEDY).choices[0].text
    stop = whole[len(whole) // 2:][:3]
    cut = client.completions.create(model=model, prompt="The cat", stop=[stop], **GREEDY)
    assert cut.choices[0].finish_reason == "stop"
    assert cut.choices[0].text == whole[:whole.index(stop)]


@check
def extra_fields(client, model):
    answer = client.completions.create(
        model=model, prompt="The cat", max_tokens=6,
        extra_body={"top_k": 5, "min_p": 0.05, "repetition_penalty": 1.1, "ignore_eos": True,
                    "min_tokens": 2, "cache_salt": "a", "priority": 1})
    assert answer.usage.completion_tokens == 6
    assert answer.model_extra["timings"]["predicted_n"] == 6
    assert isinstance(answer.model_extra["apus"]["exact"], bool)


def expect(error, status, call, parameter=None):
    try:
        call()
    except error as caught:
        assert caught.status_code == status, caught
        assert caught.body["message"] and caught.body["type"]
        if parameter:
            assert caught.param == parameter, caught.param
    else:
        raise AssertionError(f"expected {error.__name__}")


@check
def errors_have_their_classes(client, model):
    chat = client.chat.completions.create
    expect(openai.BadRequestError, 400,
           lambda: chat(model=model, messages=user("x"), temperature=-1), "temperature")
    expect(openai.BadRequestError, 400, lambda: chat(model=model, messages=[]), "messages")
    expect(openai.BadRequestError, 400,
           lambda: client.completions.create(model=model, prompt=""), "prompt")
    expect(openai.BadRequestError, 400,
           lambda: client.completions.create(model=model, prompt="word " * 2_000_000))
    expect(openai.NotFoundError, 404, lambda: client.models.retrieve("no-such-model"))
    client = client.with_options(max_retries=0)
    expect(openai.InternalServerError, 501,
           lambda: client.embeddings.create(model=model, input="x"))
    expect(openai.InternalServerError, 501,
           lambda: client.chat.completions.create(
               model=model, messages=user("x"), response_format={"type": "json_object"}),
           "response_format")


@check
def a_closed_stream_leaves_the_server_well(client, model):
    for _ in range(10):
        stream = client.chat.completions.create(
            model=model, messages=user("Tell a story"), stream=True, max_tokens=200)
        next(iter(stream))
        stream.close()
    assert client.completions.create(model=model, prompt="a", max_tokens=1).choices


@check
def many_at_once(client, model):
    async def run():
        async with openai.AsyncOpenAI(
                base_url=client.base_url, api_key=client.api_key) as parallel:
            async def ask(stream):
                answer = await parallel.chat.completions.create(
                    model=model, messages=user("Hello"), stream=stream, **GREEDY)
                if not stream:
                    return answer.choices[0].message.content
                return "".join([c.choices[0].delta.content or "" async for c in answer])

            return await asyncio.gather(*(ask(index % 2 == 0) for index in range(32)))

    assert len(set(asyncio.run(run()))) == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", default="http://127.0.0.1:8080/v1")
    parser.add_argument("--api-key", default="none")
    options = parser.parse_args()
    client = openai.OpenAI(base_url=options.base_url, api_key=options.api_key)
    model = next(iter(client.models.list())).id
    failed = 0
    for function in CHECKS:
        start = time.monotonic()
        try:
            function(client, model)
            result = "pass"
        except Exception:
            result = "FAIL"
            failed += 1
            traceback.print_exc()
        print(f"{result}  {function.__name__:42} {time.monotonic() - start:7.2f} s", flush=True)
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed with openai {openai.__version__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
