"""Checks with the `openai` package: models, chat, completions, tools, responses, embeddings."""

import asyncio
import json

import openai

from harness import FUNCTION, GREEDY, TOOL, Skip, Suite, user

SUITE = Suite("openai")
check = SUITE.check


def connect(address, key):
    return openai.OpenAI(base_url=address + "/v1", api_key=key, timeout=600)


def parallel(client):
    return openai.AsyncOpenAI(base_url=client.base_url, api_key=client.api_key, timeout=600)


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
        async with parallel(client) as many:
            async def ask(stream):
                answer = await many.chat.completions.create(
                    model=model, messages=user("Hello"), stream=stream, **GREEDY)
                if not stream:
                    return answer.choices[0].message.content
                return "".join([c.choices[0].delta.content or "" async for c in answer])

            return await asyncio.gather(*(ask(index % 2 == 0) for index in range(32)))

    assert len(set(asyncio.run(run()))) == 1


@check
def tools_are_taken(client, model):
    answer = client.chat.completions.create(
        model=model, messages=user("How is Oslo?"), tools=[TOOL], tool_choice="auto",
        parallel_tool_calls=False, **GREEDY)
    without = client.chat.completions.create(
        model=model, messages=user("How is Oslo?"), tools=[TOOL], tool_choice="none", **GREEDY)
    # The tools are in the prompt of the first only.
    assert answer.usage.prompt_tokens > without.usage.prompt_tokens
    assert without.choices[0].message.tool_calls is None


@check
def a_named_tool_is_called(client, model):
    choice = {"type": "function", "function": {"name": "get_weather"}}
    fields = dict(model=model, messages=user("How is Oslo?"), tools=[TOOL], tool_choice=choice, **GREEDY)
    message = client.chat.completions.create(**fields).choices[0].message
    call = message.tool_calls[0]
    assert message.content is None and call.id and call.type == "function"
    assert call.function.name == "get_weather" and isinstance(call.function.arguments, str)
    name = arguments = ""
    for chunk in client.chat.completions.create(stream=True, **fields):
        for part in chunk.choices[0].delta.tool_calls or []:
            assert part.index == 0
            name += part.function.name or ""
            arguments += part.function.arguments or ""
    assert (name, arguments) == (call.function.name, call.function.arguments)


@check
def tool_results_are_taken(client, model):
    call = {"id": "call_1", "type": "function",
            "function": {"name": "get_weather", "arguments": json.dumps({"city": "Oslo"})}}
    messages = user("How is Oslo?") + [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=[TOOL], **GREEDY)
    assert answer.choices[0].finish_reason in ("stop", "length")


@check
def what_cannot_be_kept_is_refused(client, model):
    client = client.with_options(max_retries=0)
    other = {"type": "function", "function": dict(FUNCTION, name="other")}
    expect(openai.InternalServerError, 501,
           lambda: client.chat.completions.create(
               model=model, messages=user("x"), tools=[TOOL, other], tool_choice="required"),
           "tool_choice")
    expect(openai.InternalServerError, 501,
           lambda: client.completions.create(model=model, prompt="x", best_of=3), "best_of")
    expect(openai.InternalServerError, 501,
           lambda: client.responses.create(model=model, input="x", previous_response_id="resp_1"),
           "previous_response_id")
    expect(openai.InternalServerError, 501,
           lambda: client.responses.create(model=model, input="x", store=True), "store")


@check
def responses_answer(client, model):
    answer = client.responses.create(
        model=model, input="Hello", instructions="Be brief.", max_output_tokens=12, temperature=0)
    assert answer.object == "response" and answer.status in ("completed", "incomplete")
    assert answer.output_text == answer.output[-1].content[0].text != ""
    usage = answer.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    turns = [{"role": "user", "content": "Hello"}, answer.output[-1].to_dict(),
             {"role": "user", "content": [{"type": "input_text", "text": "Again"}]}]
    assert client.responses.create(model=model, input=turns, max_output_tokens=4).output_text


@check
def responses_stream(client, model):
    fields = dict(model=model, input="Hello", max_output_tokens=12, temperature=0)
    whole = client.responses.create(**fields)
    events = list(client.responses.create(stream=True, **fields))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response." + whole.status
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == whole.output_text == events[-1].response.output_text


@check
def responses_stream_helper(client, model):
    with client.responses.stream(model=model, input="Hello", max_output_tokens=12) as stream:
        kinds = [event.type for event in stream]
    assert "response.output_text.delta" in kinds and "response.output_item.done" in kinds


@check
def responses_call_a_named_tool(client, model):
    tool = dict(FUNCTION, type="function", strict=False)
    fields = dict(model=model, input="How is Oslo?", tools=[tool], max_output_tokens=12,
                  tool_choice={"type": "function", "name": "get_weather"}, temperature=0)
    call = client.responses.create(**fields).output[0]
    assert call.type == "function_call" and call.name == "get_weather" and call.call_id
    events = list(client.responses.create(stream=True, **fields))
    done = [e for e in events if e.type == "response.function_call_arguments.done"]
    assert [event.arguments for event in done] == [call.arguments]
    turns = user("How is Oslo?") + [
        {"type": "function_call", "call_id": "1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "Rain."}]
    assert client.responses.create(model=model, input=turns, max_output_tokens=4).output


@check
def responses_at_once(client, model):
    async def run():
        async with parallel(client) as many:
            async def ask():
                stream = await many.responses.create(
                    model=model, input="Hello", max_output_tokens=12, temperature=0, stream=True)
                return "".join(
                    [e.delta async for e in stream if e.type == "response.output_text.delta"])

            return await asyncio.gather(*(ask() for _ in range(8)))

    assert len(set(asyncio.run(run()))) == 1


@check
def embeddings(client, model):
    client = client.with_options(max_retries=0)
    try:
        answer = client.embeddings.create(model=model, input=["The cat", "A dog"])
    except openai.APIStatusError as error:
        if error.status_code == 501:
            raise Skip("501")
        raise
    vectors = [entry.embedding for entry in answer.data]
    assert len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 0
    assert all(isinstance(x, float) for x in vectors[0]) and answer.usage.prompt_tokens > 0
