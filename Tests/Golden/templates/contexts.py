"""Conversations that every chat template is rendered with."""

USER = {"role": "user", "content": "What is the weather in Zürich?"}
ANSWER = {"role": "assistant", "content": "It is sunny, 21 °C."}
SYSTEM = {"role": "system", "content": "You are a careful assistant.\nAnswer briefly."}

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Returns the weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "The city, \"Town, Country\""},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer", "minimum": 1, "maximum": 7, "description": "How many"},
            },
            "required": ["place"],
        },
    },
}

NESTED = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Books a trip <with> 'quotes' & more",
        "parameters": {
            "type": "object",
            "properties": {
                "stops": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "place": {"type": "string", "description": "Where"},
                            "nights": {"type": "number"},
                        },
                        "required": ["place"],
                    },
                },
                "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                "extra": {
                    "type": "object",
                    "properties": {"flag": {"type": "boolean", "nullable": True}},
                    "additionalProperties": {"type": "string"},
                },
                "when": {"oneOf": [{"type": "string", "format": "date"}, {"type": "integer", "format": "unix"}]},
                "size": {"type": ["string", "null"], "examples": ["s", "it's"], "maxLength": 3},
            },
            "required": ["stops"],
        },
        "return": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "number"}},
                   "description": "The price"},
    },
}


def call(name, arguments, identifier="abcdefgh1"):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls, content="", **more):
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def result(content, name="get_weather", identifier="abcdefgh1"):
    return {"role": "tool", "name": name, "tool_call_id": identifier, "content": content}


DICT_CALL = call("get_weather", {"place": "Zürich", "days": 2, "unit": None, "deep": {"a": [1, 2.5, True]}})
TEXT_CALL = call("get_weather", "{\"place\": \"Zürich\"}")

CONVERSATIONS = {
    "simple": {"messages": [USER]},
    "system": {"messages": [SYSTEM, USER]},
    "turns": {"messages": [USER, ANSWER, {"role": "user", "content": "And tomorrow?"}]},
    "system-turns": {"messages": [SYSTEM, USER, ANSWER, {"role": "user", "content": "And tomorrow?"}]},
    "answered": {"messages": [SYSTEM, USER, ANSWER]},
    "long": {"messages": [SYSTEM] + [
        {"role": ["user", "assistant"][i % 2], "content": f"Message {i}: " + "word " * i} for i in range(21)]},
    "tools": {"messages": [USER], "tools": [WEATHER]},
    "system-tools": {"messages": [SYSTEM, USER], "tools": [WEATHER, NESTED]},
    "nested-tools": {"messages": [USER], "tools": [NESTED]},
    "empty-tools": {"messages": [USER], "tools": []},
    "call-dict": {"messages": [USER, calling(DICT_CALL)], "tools": [WEATHER]},
    "call-text": {"messages": [USER, calling(TEXT_CALL)], "tools": [WEATHER]},
    "result-dict": {"messages": [USER, calling(DICT_CALL), result("{\"sun\": true}"), ANSWER], "tools": [WEATHER]},
    "result-text": {"messages": [SYSTEM, USER, calling(TEXT_CALL), result("sun"), ANSWER, USER], "tools": [WEATHER]},
    "result-object": {"messages": [USER, calling(DICT_CALL), result({"sun": True, "t": 21.0})], "tools": [WEATHER]},
    "result-nested": {"messages": [USER, calling(DICT_CALL), result({"content": "inner"})], "tools": [WEATHER]},
    "parallel": {"messages": [
        SYSTEM, USER, calling(DICT_CALL, call("book", {"stops": []}, "abcdefgh2")),
        result("sun"), result("done", "book", "abcdefgh2"), ANSWER, USER], "tools": [WEATHER, NESTED]},
    "call-content": {"messages": [USER, calling(DICT_CALL, content="Let me look."), result("sun")],
                     "tools": [WEATHER]},
    "call-null": {"messages": [USER, calling(DICT_CALL, content=None), result("sun")], "tools": [WEATHER]},
    "call-no-id": {"messages": [USER, {"role": "assistant", "tool_calls": [
        {"function": {"name": "get_weather", "arguments": {}}}]}, {"role": "tool", "content": "sun"}]},
    "documents": {"messages": [USER], "documents": [
        {"title": "Alps", "text": "High.", "n": 1}, {"title": "Lakes", "text": "Deep\nand \"blue\"."}]},
    "documents-tools": {"messages": [SYSTEM, USER, ANSWER, USER], "tools": [WEATHER],
                        "documents": [{"title": "Alps", "text": "High."}]},
    "empty": {"messages": []},
    "empty-content": {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]},
    "null-content": {"messages": [USER, {"role": "assistant", "content": None}]},
    "no-content": {"messages": [USER, {"role": "assistant"}]},
    "parts": {"messages": [{"role": "user", "content": [
        {"type": "text", "text": "Look: "}, {"type": "image", "url": "x.png"}, {"type": "text", "text": "what?"}]}]},
    "system-parts": {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, USER]},
    "thinking": {"messages": [SYSTEM, USER], "kwargs": {"enable_thinking": True, "thinking": True}},
    "no-thinking": {"messages": [SYSTEM, USER], "kwargs": {"enable_thinking": False, "thinking": False}},
    "thinking-tools": {"messages": [SYSTEM, USER], "tools": [WEATHER], "kwargs": {"enable_thinking": True}},
    "reasoning": {"messages": [USER, {**ANSWER, "reasoning_content": "Think."}, USER]},
    "reasoning-alias": {"messages": [USER, {**ANSWER, "reasoning": "Think."}, USER]},
    "think-tags": {"messages": [USER, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nSunny."}, USER]},
    "unicode": {"messages": [
        {"role": "user", "content": "é e\u0301 👩‍👩‍👧 \u200b한국어 中文 \U0001F600\r\nזה"},
        {"role": "assistant", "content": "\u00a0 naïve \u2028 ﬁn \u0130 "}, {"role": "user", "content": "ẞß Σας"}]},
    "markup": {"messages": [{"role": "user", "content": "<b>&amp; \"quotes\" 'n' {{ braces }} {% tag %}"}],
               "tools": [NESTED]},
    "spaces": {"messages": [{"role": "system", "content": "  padded \n"}, {"role": "user", "content": "\n\n hi \t"}]},
    "unknown-role": {"messages": [USER, {"role": "critic", "content": "No."}]},
    "two-users": {"messages": [USER, USER]},
    "late-system": {"messages": [USER, ANSWER, SYSTEM, USER]},
    "assistant-first": {"messages": [ANSWER, USER]},
    "ipython": {"messages": [SYSTEM, USER, {"role": "ipython", "content": "1 + 1"}, {"role": "tool", "content": [1, {"a": None}]}]},
    "builtin-tools": {"messages": [SYSTEM, USER, calling(call("brave_search", {"query": "alps"}))],
                      "kwargs": {"builtin_tools": ["brave_search", "code_interpreter"], "date_string": "1 May 2024"}},
    "custom-tools": {"messages": [SYSTEM, USER], "kwargs": {"custom_tools": [WEATHER], "tools_in_user_message": False}},
    "code-interpreter": {"messages": [USER], "tools": [{"type": "code_interpreter"}, WEATHER]},
    "functions": {"messages": [SYSTEM, USER, calling(TEXT_CALL)],
                  "kwargs": {"functions": "[{\"name\": \"f\"}]", "datetime": "2024-05-01", "enable_citations": True}},
}


def chats():
    """Each conversation with and without the prompt for an answer."""
    for name, conversation in CONVERSATIONS.items():
        for prompts in (True, False):
            yield f"{name}{'+' if prompts else '-'}", {
                "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": prompts, **conversation}
