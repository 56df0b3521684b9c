"""Tiny random models as GGUF files: every architecture and every tensor type, the same bytes each
time.

    python tests/reference/tiny_models.py OUT_DIR

As a library: `make_all(directory)` returns {name: path}; `make(name, directory)` one path.
"""

import pathlib
import sys
import zlib
from dataclasses import dataclass

import gguf
import numpy as np

import tiny_vocabulary
from k_quants import quantise

Type = gguf.GGMLQuantizationType


@dataclass(frozen=True)
class Shape:
    architecture: str
    pre_tokenizer: str  # Of byte-level BPE; "" for SentencePiece-style BPE.
    layers: int = 3
    d_model: int = 64
    heads: int = 2
    kv_heads: int = 1
    head_dim: int = 32
    ffn: int = 96
    tied: bool = True  # The head is the embedding.
    window: int = 0
    rope_base: float = 10000.0
    llama3_rope: bool = False
    rope_factor: float = 0  # Of linear scaling; 0: none.
    context: int = 2048
    type: Type = Type.F32


def _quantised(kind):
    # One layer, as wide as a super-block of the K-quants.
    return Shape(
        "llama",
        "llama-bpe",
        layers=1,
        d_model=256,
        heads=8,
        kv_heads=2,
        ffn=256,
        tied=False,
        type=kind,
    )


SHAPES = {
    "llama": Shape("llama", "smollm", d_model=96, heads=3, rope_base=100000.0),
    "llama3": Shape("llama", "llama-bpe", d_model=128, heads=4, kv_heads=2, tied=False,
                    rope_base=500000.0, llama3_rope=True),
    "llama-linear": Shape("llama", "smollm", d_model=96, heads=3, rope_factor=4.0),
    # Of the layers that see everything alone.
    "gemma3-linear": Shape("gemma3", "", layers=7, heads=4, head_dim=32, window=70,
                           rope_base=1000000.0, rope_factor=8.0),
    "qwen2": Shape("qwen2", "qwen2", heads=4, kv_heads=2, head_dim=16, rope_base=1000000.0),
    # Heads times head size differs from d_model here and in gemma3.
    "qwen3": Shape("qwen3", "qwen2", heads=4, kv_heads=2, rope_base=1000000.0),
    # Seven layers: the sixth sees everything, the seventh has a window again.
    "gemma3": Shape("gemma3", "", layers=7, heads=4, head_dim=32, window=70, rope_base=1000000.0),
} | {
    f"llama-{kind.name.lower()}": _quantised(kind)
    for kind in (Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0,
                 Type.Q4_K, Type.Q5_K, Type.Q6_K)
}  # fmt: skip


def llama3_rope_factors(base, head_dim, factor=8.0, low=1.0, high=4.0, old_context=128):
    """Llama 3's divisors of rope frequencies: 1 for wavelengths well inside the old context,
    `factor` for those beyond it, a blend between."""
    frequency = base ** (-np.arange(0, head_dim, 2) / head_dim)
    turns = old_context * frequency / (2 * np.pi)
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


def _weight_shapes(s: Shape, vocabulary: int):
    """Names and shapes of a model's matrices, [out, in]."""
    yield "token_embd", (vocabulary, s.d_model)
    if not s.tied:
        yield "output", (vocabulary, s.d_model)
    for layer in range(s.layers):
        block = f"blk.{layer}."
        yield block + "attn_q", (s.heads * s.head_dim, s.d_model)
        yield block + "attn_k", (s.kv_heads * s.head_dim, s.d_model)
        yield block + "attn_v", (s.kv_heads * s.head_dim, s.d_model)
        yield block + "attn_output", (s.d_model, s.heads * s.head_dim)
        yield block + "ffn_gate", (s.ffn, s.d_model)
        yield block + "ffn_up", (s.ffn, s.d_model)
        yield block + "ffn_down", (s.d_model, s.ffn)


def _norm_shapes(s: Shape):
    yield "output_norm", s.d_model
    for layer in range(s.layers):
        block = f"blk.{layer}."
        yield block + "attn_norm", s.d_model
        yield block + "ffn_norm", s.d_model
        if s.architecture == "gemma3":
            yield block + "post_attention_norm", s.d_model
            yield block + "post_ffw_norm", s.d_model
        if s.architecture in ("qwen3", "gemma3"):
            yield block + "attn_q_norm", s.head_dim
            yield block + "attn_k_norm", s.head_dim


def _add_tensors(writer, name, s: Shape, vocabulary: int):
    def normal(tensor, *shape):
        # Each tensor has its own stream: adding one changes no other.
        generator = np.random.Generator(np.random.PCG64(zlib.crc32(f"{name}/{tensor}".encode())))
        return generator.standard_normal(shape).astype(np.float32)

    for tensor, (rows, columns) in _weight_shapes(s, vocabulary):
        # Embedding and head are loud enough that some tokens are clearly likelier than others; but
        # Gemma's, which the model scales up, must not drown what the layers add.
        loud = tensor in ("token_embd", "output") and s.architecture != "gemma3"
        gain = 3 if loud else 1
        weights = normal(tensor, rows, columns) * np.float32(gain / np.sqrt(columns))
        data = quantise(weights, s.type)
        writer.add_tensor(tensor + ".weight", data, raw_dtype=s.type)
    for tensor, size in _norm_shapes(s):
        writer.add_tensor(tensor + ".weight", 1 + normal(tensor, size) * np.float32(0.2))
    if s.architecture == "qwen2":
        for layer in range(s.layers):
            for part, heads in (("q", s.heads), ("k", s.kv_heads), ("v", s.kv_heads)):
                tensor = f"blk.{layer}.attn_{part}"
                writer.add_tensor(tensor + ".bias", normal(tensor + ".bias", heads * s.head_dim))
    if s.llama3_rope:
        writer.add_tensor("rope_freqs.weight", llama3_rope_factors(s.rope_base, s.head_dim))


def _add_sizes(writer, name, s: Shape):
    writer.add_name(f"Tiny {name}")
    writer.add_context_length(s.context)
    writer.add_embedding_length(s.d_model)
    writer.add_block_count(s.layers)
    writer.add_feed_forward_length(s.ffn)
    writer.add_head_count(s.heads)
    writer.add_head_count_kv(s.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6 if s.architecture != "llama" else 1e-5)
    writer.add_rope_freq_base(s.rope_base)
    if s.head_dim * s.heads != s.d_model:
        writer.add_key_length(s.head_dim)
        writer.add_value_length(s.head_dim)
    if s.architecture == "llama":
        writer.add_rope_dimension_count(s.head_dim)
    if s.rope_factor:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(s.rope_factor)
    if s.window:
        writer.add_sliding_window(s.window)


def make(name, directory) -> pathlib.Path:
    """Writes the model `name` of SHAPES into `directory` and returns the file's path."""
    s = SHAPES[name]
    path = pathlib.Path(directory) / f"tiny-{name}.gguf"
    writer = gguf.GGUFWriter(path, s.architecture)
    _add_sizes(writer, name, s)
    vocabulary = tiny_vocabulary.add(writer, s.pre_tokenizer)
    _add_tensors(writer, name, s, vocabulary)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def make_all(directory) -> dict[str, pathlib.Path]:
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    return {name: make(name, directory) for name in SHAPES}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for made in make_all(sys.argv[1]).values():
        print(made, made.stat().st_size)
