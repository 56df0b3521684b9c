"""Rendered chat templates equal Python's jinja2, byte for byte."""

import pathlib
import re

import jinja2
import pytest

import chat_jinja
import random_templates
from conversations import CONVERSATIONS
from probe import Probe, ProbeError
from soak import soak

# What weir refuses and Python does not (see chat_template.h).
REFUSED = re.compile(r"64 bits|cannot be printed|than 100000")
TEMPLATES = sorted((pathlib.Path(__file__).parent / "templates").glob("*.jinja"))

@pytest.fixture(scope="module")
def probe():
    process = Probe()
    yield process
    process.close()


def ours(probe, request):
    try:
        return probe("render", now=chat_jinja.NOW, **request)["text"]
    except ProbeError as error:
        return error


def compare(probe, request, name):
    expected = chat_jinja.render(request)
    answer = ours(probe, request)
    if isinstance(expected, Exception):
        if isinstance(expected, jinja2.TemplateAssertionError):
            return expected  # An unknown filter, which is no error of ours until it is reached.
        assert isinstance(answer, ProbeError), f"{name}: {expected!r}, but we gave {answer!r}"
        if type(expected).__name__ == "TemplateError":  # What raise_exception was given.
            assert str(answer) == str(expected), name
    elif not (isinstance(answer, ProbeError) and REFUSED.search(str(answer))):
        assert answer == expected, name
    return expected


def check_template(probe, source):
    """Every conversation, with and without a generation prompt; how many renderings gave text."""
    rendered = 0
    for name, conversation in CONVERSATIONS.items():
        for prompt in (False, True):
            request = {
                "template": source,
                "add_generation_prompt": prompt,
                "bos_token": "<s>",
                "eos_token": "</s>",
                **conversation,
            }
            rendered += isinstance(compare(probe, request, f"{name} {prompt}"), str)
    return rendered


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_kinds_in_use(probe, path):
    # Templates refuse some conversations; one that refused most would test nothing.
    assert check_template(probe, path.read_text()) >= 12


def test_there_are_twenty():
    assert len(TEMPLATES) >= 20


def gguf_template(path):
    import gguf

    field = gguf.GGUFReader(path).fields.get("tokenizer.chat_template")
    return None if field is None else bytes(field.parts[field.data[0]]).decode()


@pytest.mark.parametrize("name", ["smollm2", "gemma3-270m"])
def test_real_models(probe, models_dir, name):
    path = models_dir / f"{name}.gguf"
    if not path.exists():
        pytest.skip(f"no {path}")
    source = gguf_template(path)
    if source is None:
        pytest.skip(f"{path.name} has no chat template")
    assert check_template(probe, source) >= 12


@pytest.mark.parametrize("seed", range(soak(8, 80)))
def test_random_templates(probe, seed):
    texts = 0
    for request in random_templates.requests(seed, 500):
        answer = compare(probe, request, repr(request["template"]))
        texts += isinstance(answer, str)
    assert texts >= 150
