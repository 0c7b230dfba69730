"""Checks with the `langchain-openai` package: chat, completions, tools, responses."""

import asyncio

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI

from harness import Suite

SUITE = Suite("langchain-openai")
check = SUITE.check


@tool
def get_weather(city: str) -> str:
    """The weather of a place."""
    return "Rain in " + city


def connect(address, key):
    def make(kind, model, **fields):
        return kind(model=model, base_url=address + "/v1", api_key=key, temperature=0,
                    max_tokens=12, max_retries=0, **fields)

    return make


@check
def chat_invokes_and_streams(make, model):
    chat = make(ChatOpenAI, model)
    turns = [SystemMessage("Be brief."), HumanMessage("Hello")]
    whole = chat.invoke(turns)
    assert whole.usage_metadata["output_tokens"] > 0
    assert "".join(piece.content for piece in chat.stream(turns)) == whole.content
    assert asyncio.run(chat.ainvoke(turns)).content == whole.content


@check
def chat_batches(make, model):
    answers = make(ChatOpenAI, model).batch(["Hello", "Again", "Hello"])
    assert answers[0].content == answers[2].content


@check
def a_bound_tool_is_called(make, model):
    chat = make(ChatOpenAI, model).bind_tools([get_weather], tool_choice="get_weather")
    answer = chat.invoke("How is Oslo?")
    calls = answer.tool_calls + answer.invalid_tool_calls
    assert [call["name"] for call in calls] == ["get_weather"]
    pieces = [p for piece in chat.stream("How is Oslo?") for p in piece.tool_call_chunks]
    assert "".join(piece["name"] or "" for piece in pieces) == "get_weather"


@check
def tool_results_are_taken(make, model):
    call = {"name": "get_weather", "args": {"city": "Oslo"}, "id": "call_1"}
    turns = [HumanMessage("How is Oslo?"), AIMessage("", tool_calls=[call]),
             ToolMessage("Rain.", tool_call_id="call_1")]
    chat = make(ChatOpenAI, model).bind_tools([get_weather])
    assert isinstance(chat.invoke(turns).content, str)


@check
def responses(make, model):
    chat = make(ChatOpenAI, model, use_responses_api=True)
    whole = chat.invoke("Hello")
    assert whole.text
    assert "".join(piece.text for piece in chat.stream("Hello")) == whole.text


@check
def completions(make, model):
    complete = make(OpenAI, model)
    whole = complete.invoke("The cat")
    assert "".join(complete.stream("The cat")) == whole
