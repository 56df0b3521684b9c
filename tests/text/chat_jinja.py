"""Python's jinja2 as Hugging Face transformers sets it up for chat templates: the reference."""

import datetime
import functools
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1_721_900_000  # 2024-07-25, the clock of all tests.


class Generation(jinja2.ext.Extension):
    """{% generation %}: transformers marks the assistant's tokens with it."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_generation_support")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _generation_support(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def strftime_now(pattern):
    now = datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None)
    return now.strftime(pattern)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    return env


ENVIRONMENT = environment()


@functools.lru_cache(maxsize=4)
def compiled(source):
    return ENVIRONMENT.from_string(source)


def variables(request):
    """What the template sees of a request to text_probe."""
    return {
        "messages": request.get("messages"),
        "tools": request.get("tools"),
        "documents": request.get("documents"),
        "add_generation_prompt": request.get("add_generation_prompt", False),
        "bos_token": request.get("bos_token", ""),
        "eos_token": request.get("eos_token", ""),
        **request.get("extra", {}),
    }


def render(request):
    """The text, or the exception."""
    try:
        text = compiled(request["template"]).render(**variables(request))
        text.encode()
        return text
    except Exception as error:  # Templates fail in every way Python has.
        return error
