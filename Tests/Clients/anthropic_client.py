"""Checks with the `anthropic` package: messages, streams, tools, tokens."""

import asyncio

import anthropic

from harness import FUNCTION, PARAMETERS, Suite, user

SUITE = Suite("anthropic")
check = SUITE.check

TOOL = {"name": FUNCTION["name"], "description": FUNCTION["description"], "input_schema": PARAMETERS}


def connect(address, key):
    return anthropic.Anthropic(base_url=address, api_key=key, timeout=600)


def fields(model, temperature=0, **more):
    # Newer versions of the package have no parameter of that name.
    more["extra_body"] = {"temperature": temperature}
    return dict(dict(model=model, messages=user("Hello"), max_tokens=12), **more)


@check
def messages_answer(client, model):
    answer = client.messages.create(**fields(model, system="Be brief."))
    assert answer.type == "message" and answer.role == "assistant"
    assert answer.content[0].type == "text" and answer.content[0].text
    assert answer.stop_reason in ("end_turn", "max_tokens")
    assert answer.usage.input_tokens + answer.usage.cache_read_input_tokens > 0
    assert answer.usage.output_tokens > 0


@check
def messages_stream(client, model):
    whole = client.messages.create(**fields(model))
    with client.messages.stream(**fields(model)) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole.content[0].text == final.content[0].text
    assert final.stop_reason == whole.stop_reason
    assert final.usage.output_tokens == whole.usage.output_tokens
    events = [event.type for event in client.messages.create(stream=True, **fields(model))]
    assert events[0] == "message_start" and events[-1] == "message_stop"


@check
def messages_asynchronously(client, model):
    async def run():
        async with anthropic.AsyncAnthropic(
                base_url=client.base_url, api_key=client.api_key) as many:
            async def ask():
                async with many.messages.stream(**fields(model)) as stream:
                    return "".join([text async for text in stream.text_stream])

            return await asyncio.gather(*(ask() for _ in range(8)))

    assert len(set(asyncio.run(run()))) == 1


@check
def conversations_and_blocks(client, model):
    turns = [
        {"role": "user", "content": [
            {"type": "text", "text": "How is Oslo?", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"city": "Oslo"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "Rain."}]},
    ]
    answer = client.messages.create(**fields(model, messages=turns, tools=[TOOL]))
    assert answer.stop_reason in ("end_turn", "max_tokens")


@check
def a_named_tool_is_called(client, model):
    more = dict(tools=[TOOL], tool_choice={"type": "tool", "name": "get_weather"})
    answer = client.messages.create(**fields(model, **more))
    assert [block.type for block in answer.content] == ["tool_use"]
    assert answer.content[0].name == "get_weather" and answer.content[0].id
    events = list(client.messages.create(stream=True, **fields(model, **more)))
    starts = [e.content_block for e in events if e.type == "content_block_start"]
    assert [block.name for block in starts] == ["get_weather"]


@check
def stop_sequences(client, model):
    text = client.messages.create(**fields(model)).content[0].text
    stop = text[len(text) // 2:][:3]
    cut = client.messages.create(**fields(model, stop_sequences=[stop]))
    assert cut.stop_reason == "stop_sequence" and cut.stop_sequence == stop


@check
def tokens_are_counted(client, model):
    counted = client.messages.count_tokens(model=model, messages=user("Hello"))
    usage = client.messages.create(**fields(model)).usage
    assert counted.input_tokens == usage.input_tokens + usage.cache_read_input_tokens


@check
def errors_have_their_classes(client, model):
    client = client.with_options(max_retries=0)
    for error, more in [
            (anthropic.BadRequestError, dict(temperature=-1)),
            (anthropic.BadRequestError, dict(messages=[])),
            (anthropic.InternalServerError, dict(tools=[{"type": "bash_20250124", "name": "bash"}]))]:
        try:
            client.messages.create(**fields(model, **more))
        except error as caught:
            assert caught.body["type"] == "error" and caught.body["error"]["message"]
        else:
            raise AssertionError(f"expected {error.__name__}")
