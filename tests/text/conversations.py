"""Conversations of every shape a chat template may meet."""

SYSTEM = {"role": "system", "content": "You are a helpful assistant.\n\nBe brief."}
HELLO = {"role": "user", "content": "Hello, how are you?"}
FINE = {"role": "assistant", "content": "I'm doing fine. <And> you & yours?"}
AGAIN = {"role": "user", "content": "  Tell me a story about \"quotes\" and 'ticks'.\n"}

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place, in Zürich or 東京.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The place", "enum": ["Paris", "東京"]},
                "days": {"type": "integer", "minimum": 1, "default": 3},
                "exact": {"type": ["boolean", "null"]},
            },
            "required": ["city"],
        },
        "return": {"type": "number", "description": "Degrees"},
    },
}
SUM = {
    "type": "function",
    "function": {
        "name": "sum",
        "description": "Adds numbers",
        "parameters": {
            "type": "object",
            "properties": {"values": {"type": "array", "items": {"type": "number"}}},
            "required": [],
        },
    },
}
BARE = {"type": "function", "function": {"name": "now", "description": "", "parameters": {}}}
TOOLS = [WEATHER, SUM, BARE]


def call(name, arguments, identity="call00001"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [call("get_weather", {"city": "東京", "days": 2, "exact": True, "near": None})],
}
RESULT = {
    "role": "tool",
    "tool_call_id": "call00001",
    "name": "get_weather",
    "content": '{"degrees": 21.5, "sky": "<clear>"}',
}
TWO_CALLS = {
    "role": "assistant",
    "content": "Let me see.",
    "tool_calls": [
        call("get_weather", {"city": "Paris"}, "abcdefgh1"),
        call("sum", {"values": [1, 2.5, -3e10], "nested": {"a": [], "b": {}}}, "abcdefgh2"),
    ],
}
TEXT_CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [call("sum", '{"values": [1, 2]}', "callcall9")],
}
THINKING = {
    "role": "assistant",
    "content": "<think>\nThe user wants a number.\n</think>\n\nForty-two.",
}
REASONING = {
    "role": "assistant",
    "reasoning_content": "\nLet me think.\n\nYes.\n",
    "content": "\n\nForty-two.",
}
PARTS = {
    "role": "user",
    "content": [
        {"type": "text", "text": "What is in this picture?"},
        {"type": "image", "url": "https://example.org/a.png"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": " Look well.\n"},
    ],
}
UNICODE = {
    "role": "user",
    "content": "Grüße, ΟΔΥΣΣΕΥΣ! 你好 🦊👩‍👩‍👧 e\u0301 \u200b\u00a0\u2028 \x7f\x1b end\u3000",
}
EMPTY = {"role": "user", "content": ""}


def conversation(*messages, **fields):
    return {"messages": list(messages), **fields}


CONVERSATIONS = {
    "user": conversation(HELLO),
    "system": conversation(SYSTEM, HELLO),
    "turns": conversation(SYSTEM, HELLO, FINE, AGAIN),
    "no_system_turns": conversation(HELLO, FINE, AGAIN, FINE, HELLO),
    "ends_with_assistant": conversation(HELLO, FINE),
    "two_users": conversation(HELLO, AGAIN),
    "starts_with_assistant": conversation(FINE, HELLO),
    "late_system": conversation(HELLO, FINE, SYSTEM, AGAIN),
    "system_only": conversation(SYSTEM),
    "none_at_all": conversation(),
    "empty_content": conversation({"role": "system", "content": ""}, EMPTY, FINE, EMPTY),
    "unicode": conversation(UNICODE, FINE, UNICODE),
    "parts": conversation(SYSTEM, PARTS, FINE, PARTS),
    "system_parts": conversation(
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, PARTS
    ),
    "tools": conversation(SYSTEM, HELLO, tools=TOOLS),
    "tools_no_system": conversation(HELLO, FINE, AGAIN, tools=TOOLS),
    "tool_call": conversation(HELLO, CALLS, RESULT, FINE, AGAIN, tools=TOOLS),
    "tool_calls": conversation(
        SYSTEM, HELLO, TWO_CALLS, RESULT, {**RESULT, "tool_call_id": "abcdefgh2"}, tools=TOOLS
    ),
    "text_call": conversation(HELLO, TEXT_CALL, {**RESULT, "content": {"sum": 3}}, tools=TOOLS),
    "call_without_tools": conversation(HELLO, CALLS, RESULT),
    "empty_tools": conversation(SYSTEM, HELLO, tools=[]),
    "thinking": conversation(HELLO, THINKING, AGAIN, THINKING),
    "reasoning": conversation(HELLO, REASONING, AGAIN, REASONING, CALLS, RESULT, tools=TOOLS),
    "no_thinking": conversation(HELLO, THINKING, AGAIN, extra={"enable_thinking": False}),
    "with_thinking": conversation(SYSTEM, HELLO, extra={"enable_thinking": True}),
    "documents": conversation(
        HELLO, documents=[{"title": "One", "text": "First."}, {"title": "Two", "text": "2nd."}]
    ),
    "date": conversation(HELLO, extra={"date_string": "1 Jan 2025", "custom_tools": [SUM]}),
    "unknown_role": conversation(HELLO, {"role": "narrator", "content": "Meanwhile"}),
    "content_missing": conversation({"role": "user"}, FINE),
    "role_missing": conversation({"content": "who?"}),
    "content_number": conversation({"role": "user", "content": 42}, FINE),
    "content_null": conversation({"role": "user", "content": None}),
    "content_dict": conversation({"role": "user", "content": {"text": "odd", "n": [1.0, True]}}),
    "messages_text": {"messages": "hello"},
    "messages_null": {"messages": None},
    "message_texts": {"messages": ["a", "b"]},
}
