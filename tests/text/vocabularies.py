"""Vocabularies for weir, each with the tokenizer of reference that it must agree with."""

import json
import os
import pathlib
import random

import gguf
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

import awkward

MODELS = pathlib.Path(
    os.environ.get("WEIR_TEST_MODELS", pathlib.Path.home() / ".cache/weir/models")
)
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_DEEPSEEK_LETTERS = (
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ"
    "Ⴀ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ\u1f5f-\u1f7dᾀ-ᾴ"
    "ᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ"
    "\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎ"
    "ꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
)


def _split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def reference_pre_tokenizer(name):
    """As the tokenizer.json of the models of that name has it."""
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    steps = {
        "gpt-2": [words],
        "smollm": [digits, words],
        "llama-bpe": [
            _split(_CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _TAIL),
            bytes_only,
        ],
        "qwen2": [_split(_CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _TAIL), bytes_only],
        "deepseek-llm": [
            _split("[\r\n]"),
            _split(rf"\s?[{_DEEPSEEK_LETTERS}]+"),
            _split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
            _split(r"\s+$"),
            _split("[一-龥ࠀ-一가-퟿]+"),
            digits,
            bytes_only,
        ],
    }[name]
    return pre_tokenizers.Sequence(steps)


def _byte_level(name, tokens, merges):
    """weir's data and a Tokenizer from the same tokens and merges."""
    model = models.BPE(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=merges,
        ignore_merges=name == "llama-bpe",
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = reference_pre_tokenizer(name)
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    data = {
        "model": "gpt2",
        "pre": name,
        "tokens": tokens,
        "merges": [" ".join(pair) for pair in merges],
    }
    return data, tokenizer


def trained(name, size=4000):
    """A small vocabulary that the reference itself makes, with that pre-tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = reference_pre_tokenizer(name)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(awkward.texts(6000, seed=7), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return _byte_level(name, tokens, [tuple(pair) for pair in model["merges"]])


def all_pairs(name):
    """Every two bytes merge, in random order: one word border more or less changes the ids."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [(a, b) for a in alphabet for b in alphabet]
    random.Random(3).shuffle(pairs)
    return _byte_level(name, alphabet + [a + b for a, b in pairs], pairs)


def _fields(file):
    path = MODELS / file
    assert (
        path.exists()
    ), f"{path} is missing: weir model pull fetches it, WEIR_TEST_MODELS says where it is"
    fields = gguf.GGUFReader(path).fields
    return lambda name: fields[f"tokenizer.ggml.{name}"].contents()


def smollm2():
    field = _fields("smollm2.gguf")
    data, tokenizer = _byte_level(
        "smollm", field("tokens"), [tuple(m.split(" ")) for m in field("merges")]
    )
    data |= {
        "token_types": field("token_type"),
        "bos": field("bos_token_id"),
        "eos": field("eos_token_id"),
        "add_bos": field("add_bos_token"),
    }
    control = [t for t, kind in zip(data["tokens"], data["token_types"]) if kind == CONTROL]
    return data, tokenizer, control


def with_added_tokens(tokenizer, tokens):
    """The same tokenizer, which reads these tokens where they are written out."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in tokens])
    return copy


def gemma3():
    field = _fields("gemma3-270m.gguf")
    data = {
        "model": "llama",
        "tokens": field("tokens"),
        "token_types": field("token_type"),
        "scores": [float(score) for score in field("scores")],
        "bos": field("bos_token_id"),
        "eos": field("eos_token_id"),
        "unknown": field("unknown_token_id"),
        "add_bos": field("add_bos_token"),
        "add_space_prefix": field("add_space_prefix"),
    }
    return data, sentencepiece_of(data)


def sentencepiece_of(data):
    """The official processor for the vocabulary that weir gets."""
    proto = sentencepiece_model_pb2.ModelProto()
    for token, (text, kind, score) in enumerate(
        zip(data["tokens"], data["token_types"], data["scores"])
    ):
        kind = UNKNOWN if token == data["unknown"] else kind
        # GGUF has the spaces of user-defined tokens as such.
        text = text.replace(" ", "▁") if kind == USER_DEFINED else text
        proto.pieces.add(piece=text, score=score, type=kind)
    proto.trainer_spec.model_type = sentencepiece_model_pb2.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = BYTE in data["token_types"]
    proto.trainer_spec.unk_piece = data["tokens"][data["unknown"]]
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = data["add_space_prefix"]
    proto.normalizer_spec.remove_extra_whitespaces = False
    proto.normalizer_spec.escape_whitespaces = True
    return SentencePieceProcessor(model_proto=proto.SerializeToString())


def random_sentencepiece(add_space_prefix, byte_fallback, seed):
    """Pieces cut at random out of awkward texts, some user-defined, some unused."""
    rng = random.Random(seed)
    pieces = {}
    for text in awkward.texts(1500, seed=seed):
        text = text.replace(" ", "▁")
        for size in (1, 1, 1, 2, 2, 3, 4, 6, 8):
            start = rng.randrange(max(1, len(text)))
            if piece := text[start : start + size].replace("\0", "0"):
                # Few different scores, so that ties are common.
                pieces[piece] = (NORMAL, -float(rng.randint(1, 40)))
    chars = sorted({c for piece in pieces for c in piece})
    for char in chars[: len(chars) // 2]:
        pieces[char] = (NORMAL, -float(rng.randint(1, 40)))
    for piece in rng.sample(sorted(pieces), 60):
        pieces[piece] = (rng.choice([USER_DEFINED, UNUSED]), pieces[piece][1])
    special = [("<unk>", UNKNOWN, 0.0), ("<s>", CONTROL, 0.0), ("</s>", CONTROL, 0.0)]
    byte_tokens = [(f"<0x{b:02X}>", BYTE, 0.0) for b in range(256)] if byte_fallback else []
    pieces = {p: v for p, v in pieces.items() if p not in {t for t, _, _ in special + byte_tokens}}
    rows = special + byte_tokens + [(piece, kind, score) for piece, (kind, score) in pieces.items()]
    data = {
        "model": "llama",
        "tokens": [r[0] for r in rows],
        "token_types": [r[1] for r in rows],
        "scores": [r[2] for r in rows],
        "bos": 1,
        "eos": 2,
        "unknown": 0,
        "add_space_prefix": add_space_prefix,
    }
    return data, sentencepiece_of(data)
