"""Checks with the `litellm` package, which talks to the server as to OpenAI and as to Anthropic."""

import asyncio
import types

import litellm

from harness import GREEDY, TOOL, Suite, user

SUITE = Suite("litellm")
check = SUITE.check
litellm.telemetry = False
litellm.suppress_debug_info = True


def connect(address, key):
    return types.SimpleNamespace(
        openai=dict(api_base=address + "/v1", api_key=key),
        anthropic=dict(api_base=address, api_key=key))


@check
def chat_answers_and_streams(server, model):
    fields = dict(model="openai/" + model, messages=user("Hello"), **GREEDY, **server.openai)
    whole = litellm.completion(**fields)
    assert whole.usage.completion_tokens > 0
    pieces = litellm.completion(stream=True, **fields)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert text == whole.choices[0].message.content


@check
def chat_answers_asynchronously(server, model):
    fields = dict(model="openai/" + model, messages=user("Hello"), **GREEDY, **server.openai)
    answer = asyncio.run(litellm.acompletion(**fields))
    assert isinstance(answer.choices[0].message.content, str)


@check
def a_named_tool_is_called(server, model):
    choice = {"type": "function", "function": {"name": "get_weather"}}
    answer = litellm.completion(
        model="openai/" + model, messages=user("How is Oslo?"), tools=[TOOL], tool_choice=choice,
        **GREEDY, **server.openai)
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


@check
def text_completion(server, model):
    answer = litellm.text_completion(
        model="text-completion-openai/" + model, prompt="The cat", **GREEDY, **server.openai)
    assert isinstance(answer.choices[0].text, str)


@check
def errors_have_their_classes(server, model):
    try:
        litellm.completion(
            model="openai/" + model, messages=user("x"), temperature=-1, max_retries=0,
            **server.openai)
    except litellm.BadRequestError as error:
        assert "temperature" in str(error)
    else:
        raise AssertionError("expected BadRequestError")


@check
def anthropic_answers_and_streams(server, model):
    fields = dict(model="anthropic/" + model, messages=user("Hello"), **GREEDY, **server.anthropic)
    whole = litellm.completion(**fields)
    pieces = litellm.completion(stream=True, **fields)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert text == whole.choices[0].message.content != ""
