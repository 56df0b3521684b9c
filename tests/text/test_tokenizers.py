"""weir's token ids are those of the `tokenizers` and `sentencepiece` packages."""

import pytest

import awkward
import vocabularies
from probe import Probe, ProbeError
from soak import soak

PRE_TOKENIZERS = ["gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-llm"]


@pytest.fixture(scope="module")
def probe():
    process = Probe()
    yield process
    process.close()


@pytest.fixture(scope="module")
def texts():
    return awkward.texts(soak(10_000, 60_000))


def assert_same(texts, ours, theirs):
    for text, our, their in zip(texts, ours, theirs, strict=True):
        assert our == their, f"{text!r}"


def normalized(tokenizer, texts):
    if tokenizer.normalizer is None:
        return texts
    return [tokenizer.normalizer.normalize_str(text) for text in texts]


def reference_ids(tokenizer, texts):
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_byte_level_trained(probe, texts, name):
    data, reference = vocabularies.trained(name)
    probe("load", vocabulary=data)
    ours = probe.encode(texts)
    assert_same(texts, ours, reference_ids(reference, texts))
    assert_same(texts, probe.decode(ours), normalized(reference, texts))


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_byte_level_every_code_point(probe, name):
    data, reference = vocabularies.all_pairs(name)
    probe("load", vocabulary=data)
    texts = list(awkward.every_code_point())
    ours = probe.encode(texts)
    assert_same(texts, ours, reference_ids(reference, texts))
    assert_same(texts, probe.decode(ours), normalized(reference, texts))


def test_smollm2(probe, texts):
    data, reference, control = vocabularies.smollm2()
    probe("load", vocabulary=data)
    ours = probe.encode(texts)
    assert_same(texts, ours, reference_ids(reference, texts))
    # This vocabulary lacks 21 bytes, so that the reference too drops some of these texts.
    assert_same(
        texts,
        probe.decode(ours),
        [reference.decode(ids, skip_special_tokens=False) for ids in ours],
    )
    told = vocabularies.with_added_tokens(reference, control)
    assert_same(texts, probe.encode(texts, parse_special=True), reference_ids(told, texts))
    names = {data["tokens"].index(token) for token in control}
    assert not any(names & set(ids) for ids in ours), "plain text became a control token"


def test_gemma3(probe, texts):
    data, reference = vocabularies.gemma3()
    probe("load", vocabulary=data)
    ours = probe.encode(texts)
    assert_same(texts, ours, reference.encode(texts))
    # U+2581 is how SentencePiece writes a space: it comes back as one.
    assert_same(texts, probe.decode(ours), [text.replace("▁", " ") for text in texts])
    assert probe.encode(["<bos>a"], parse_special=True, add_special=True)[0][:2] == [
        data["bos"],
        data["bos"],
    ]


@pytest.mark.parametrize("add_space_prefix", [False, True])
@pytest.mark.parametrize("byte_fallback", [False, True])
@pytest.mark.parametrize("seed", range(1, soak(3, 9)))
def test_sentencepiece_random(probe, texts, add_space_prefix, byte_fallback, seed):
    data, reference = vocabularies.random_sentencepiece(add_space_prefix, byte_fallback, seed)
    probe("load", vocabulary=data)
    ours = probe.encode(texts)
    assert_same(texts, ours, reference.encode(texts))
    if byte_fallback:
        assert_same(texts, probe.decode(ours), [text.replace("▁", " ") for text in texts])


def test_bytes_that_are_not_utf8(probe):
    data, _ = vocabularies.all_pairs("llama-bpe")
    probe("load", vocabulary=data)
    texts = [bytes([byte]) for byte in range(256)] + [
        b"a\xff\xfe b",
        b"\xc3",
        b"\xe4\xb8",
        b"\xf0\x9f\x91",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80x",
        b"\xe4\xb8\xe4\xb8\xad",
        b"\xf0\x9f\x91a\x80\x80",
    ]
    ours = probe.encode(texts)
    answer = probe("decode", tokens=ours)
    assert [bytes.fromhex(code) for code in answer["hex"]] == texts
    assert answer["texts"] == [text.decode(errors="replace") for text in texts]
    streamed = probe("stream", tokens=ours)["parts"]
    assert ["".join(parts) for parts in streamed] == answer["texts"]
    data, reference = vocabularies.random_sentencepiece(True, True, 1)
    probe("load", vocabulary=data)
    assert_same(texts, probe.encode(texts), [reference.encode(text) for text in texts])


@pytest.mark.parametrize("vocabulary", ["smollm2", "sentencepiece"])
def test_streams_join_to_the_whole(probe, texts, vocabulary):
    data = (
        vocabularies.smollm2()
        if vocabulary == "smollm2"
        else vocabularies.random_sentencepiece(True, True, 2)
    )[0]
    probe("load", vocabulary=data)
    ours = probe.encode(texts[:3000])
    whole = probe.decode(ours)
    parts = probe("stream", tokens=ours)["parts"]
    assert_same(texts[:3000], ["".join(part) for part in parts], whole)
    stops = ["\n\n", "the", "there", " x", "中中"]
    answer = probe("stream", tokens=ours, stops=stops)
    for text, part, stop in zip(whole, answer["parts"], answer["stop"]):
        ends = sorted((text.find(s) + len(s), -len(s), i) for i, s in enumerate(stops) if s in text)
        assert stop == (ends[0][2] if ends else None), f"{text!r}"
        assert "".join(part) == (text[: ends[0][0] + ends[0][1]] if ends else text)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"model": "rwkv"}, "tokenizer.ggml.model"),
        ({"pre": "nonesuch"}, "tokenizer.ggml.pre"),
        ({"merges": ["a"]}, r"tokenizer.ggml.merges\[0\]"),
        ({"merges": ["a b", "x zz"]}, r"tokenizer.ggml.merges\[0\]"),
        ({"bos": 99999999}, "bos_token_id"),
        ({"add_bos": True}, "add_bos_token"),
    ],
)
def test_hostile_fields(probe, change, message):
    data, _ = vocabularies.all_pairs("gpt-2")
    data = data | {"tokens": data["tokens"][:256], "merges": []}
    probe("load", vocabulary=data)
    with pytest.raises(ProbeError, match=message):
        probe("load", vocabulary=data | change)
