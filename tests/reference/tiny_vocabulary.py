"""Small vocabularies for the tiny models: all 256 bytes, common pieces of English, and the control
tokens of ChatML or Gemma with a chat template each."""

import gguf

# Every piece is one that pairs of earlier ones make: that is how merges come about.
_MERGES = """
t+h h+e th+e i+n a+n e+r r+e o+n a+t e+n o+r i+s i+t o+u e+s a+l an+d in+g i+on a+r l+l o+f t+o
e+d o+w b+e h+a w+h i+l a+s u+t f+or c+h p+e l+e m+e o+t v+er n+o u+n a+m s+t
_+t _+a _+the _+in _+and _+o _+of _+s _+c _+w _+b _+to _+is _+f _+p _+m _+d _+h _+th _+for _+re
"""
_CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for message in messages %}{% set role = 'model' if message['role'] == "
    "'assistant' else message['role'] %}{{ '<start_of_turn>' + role + '\n' + message['content'] | "
    "trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<start_of_turn>model\n' }}{% endif %}"
)


def _pairs(space):
    return [tuple(p.replace("_", space) for p in merge.split("+")) for merge in _MERGES.split()]


def _byte_letters():
    """GPT-2's letters for bytes: printable ones are themselves, the rest count up from 256."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def _add_byte_level(writer, pre_tokenizer):
    letters = _byte_letters()
    pairs = _pairs(letters[ord(" ")])
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = control + [letters[b] for b in range(256)]
    for pair in pairs:
        if any(part not in tokens for part in pair):
            raise ValueError(f"the merge {pair} has a part that no earlier merge makes")
        if "".join(pair) not in tokens:
            tokens.append("".join(pair))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre_tokenizer)
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * len(control)
        + [gguf.TokenType.NORMAL] * (len(tokens) - len(control))
    )
    writer.add_token_merges([" ".join(pair) for pair in pairs])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_CHATML)
    return len(tokens)


def _add_sentencepiece(writer):
    control = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    pieces = ["▁"] + [chr(c) for c in range(33, 127)] + ["\n"]
    for pair in _pairs("▁"):
        if "".join(pair) not in pieces:
            pieces.append("".join(pair))
    entries = [(t, gguf.TokenType.CONTROL, -1000.0) for t in control]
    entries[3] = ("<unk>", gguf.TokenType.UNKNOWN, -1000.0)
    entries += [(f"<0x{b:02X}>", gguf.TokenType.BYTE, -1000.0) for b in range(256)]
    # A SentencePiece score is minus the rank of the merge; single characters come last.
    pieces.sort(key=lambda piece: len(piece) == 1)
    entries += [(p, gguf.TokenType.NORMAL, -float(i)) for i, p in enumerate(pieces)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([e[0] for e in entries])
    writer.add_token_types([e[1] for e in entries])
    writer.add_token_scores([e[2] for e in entries])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_GEMMA)
    return len(entries)


def add(writer, pre_tokenizer) -> int:
    """Writes a vocabulary into a GGUF writer and returns its size. An empty `pre_tokenizer` means
    SentencePiece-style BPE with byte fallback."""
    return _add_byte_level(writer, pre_tokenizer) if pre_tokenizer else _add_sentencepiece(writer)
