"""What the checks of all clients share: how they are collected and how skipping is said."""


class Skip(Exception):
    """The server does not have what the check is about."""


class Suite:
    """The checks of one client; each is called with the client and the model's name."""

    def __init__(self, package):
        self.package = package
        self.checks = []

    def check(self, function):
        self.checks.append(function)
        return function


def user(text):
    return [{"role": "user", "content": text}]


GREEDY = {"temperature": 0, "max_tokens": 12}

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

FUNCTION = {"name": "get_weather", "description": "The weather of a place.", "parameters": PARAMETERS}

TOOL = {"type": "function", "function": FUNCTION}
