"""The architectures weir runs, as plain NumPy: the definition its numbers are compared with.

Read `Model.forward` first: it is the whole computation, for one sequence from its start. The rest
reads a GGUF file through the `gguf` package and defines the parts.

Floats: weights, activations and matrix products are float32 (BLAS: several partial sums per output,
so its rounding error is well below that of one ordered chain); rope angles are computed in float64
and rounded once, so that positions in the thousands are exact. `dtype=np.float64` computes
everything in float64, to tell rounding from mistakes.

Sources of the definitions: LLaMA (Touvron et al., 2023), RMSNorm (Zhang and Sennrich, 2019), RoPE
(Su et al., 2021), GQA (Ainslie et al., 2023), GLU variants (Shazeer, 2020), and the technical
reports of Llama 3, Qwen 2, Qwen 3 and Gemma 3.
"""

from dataclasses import dataclass, field

import gguf
import numpy as np


@dataclass(frozen=True)
class Config:
    """Sizes and constants of a model. Lengths in elements."""

    architecture: str
    layers: int
    d_model: int
    heads: int
    kv_heads: int
    head_dim: int
    rope_dim: int  # Leading elements of each head that are rotated.
    norm_epsilon: float
    rope_base: float
    # Positions are divided by this (linear scaling); 1 where the model has none.
    rope_scale: float
    window: int  # Gemma 3's local layers see this many positions, themselves included; 0: all.
    local_rope_base: float

    def is_local(self, layer: int) -> bool:
        """Gemma 3 has five layers with a window, then one that sees everything."""
        return self.window > 0 and layer % 6 != 5


@dataclass
class Trace:
    """What `forward` computed; every array has one row per position."""

    embedding: np.ndarray  # [tokens, d_model], what enters layer 0.
    query: list = field(default_factory=list)  # Per layer [tokens, heads * head_dim], rotated.
    key: list = field(default_factory=list)  # Per layer [tokens, kv_heads * head_dim], rotated.
    value: list = field(default_factory=list)  # Per layer [tokens, kv_heads * head_dim].
    attention: list = field(default_factory=list)  # Per layer, before the output projection.
    layer_output: list = field(default_factory=list)  # The residual stream after each layer.
    final_norm: np.ndarray | None = None  # [tokens, d_model], what the head multiplies.


def rms_norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + x.dtype.type(epsilon)) * weight


def silu(x):
    # Below -88 the exponential overflows to infinity and the quotient is rightly zero.
    with np.errstate(over="ignore"):
        return x / (1 + np.exp(-x))


def gelu_tanh(x):
    inner = x.dtype.type(np.sqrt(2 / np.pi)) * (x + x.dtype.type(0.044715) * x * x * x)
    return x / 2 * (1 + np.tanh(inner))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rope_angles(positions, rope_dim, base, scale, factors):
    """Angle of each position and pair, [tokens, rope_dim / 2], in float64. Llama 3's scaling
    arrives as one divisor per pair (`factors`), already worked out by the file's writer."""
    frequency = base ** (-np.arange(0, rope_dim, 2, dtype=np.float64) / rope_dim)
    if factors is not None:
        frequency = frequency / factors.astype(np.float64)
    return np.outer(positions / scale, frequency)


def rotate(x, angles, interleaved):
    """Rotates x [tokens, heads, head_dim] by angles [tokens, rope_dim / 2]. A pair is (2i, 2i + 1)
    if interleaved: GGUF files of the llama architecture permute the rows of W_Q and W_K so. All
    others pair i with i + rope_dim / 2."""
    half = angles.shape[1]
    cos = np.cos(angles).astype(x.dtype)[:, None, :]
    sin = np.sin(angles).astype(x.dtype)[:, None, :]
    first = np.arange(half) * 2 if interleaved else np.arange(half)
    second = first + 1 if interleaved else first + half
    a, b = x[..., first], x[..., second]
    out = x.copy()
    out[..., first] = a * cos - b * sin
    out[..., second] = a * sin + b * cos
    return out


class Model:
    """A model read from a GGUF file, its weights dequantised."""

    def __init__(self, path, dtype=np.float32):
        self.dtype = dtype
        self.reader = gguf.GGUFReader(path)
        self.weights = {
            t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(dtype, copy=False)
            for t in self.reader.tensors
        }
        self.config = self._config()
        self.head_weight = self.weights.get("output.weight", self.weights["token_embd.weight"])

    def metadata(self, key, default=None):
        entry = self.reader.fields.get(key)
        return default if entry is None else entry.contents()

    def _config(self) -> Config:
        arch = self.metadata("general.architecture")
        if arch not in ("llama", "qwen2", "qwen3", "gemma3"):
            raise ValueError(f"no definition of architecture {arch!r}")

        def get(key, default=None):
            return self.metadata(f"{arch}.{key}", default)

        heads, d_model = get("attention.head_count"), get("embedding_length")
        head_dim = get("attention.key_length", d_model // heads)
        linear = get("rope.scaling.type") == "linear"
        return Config(
            architecture=arch,
            layers=get("block_count"),
            d_model=d_model,
            heads=heads,
            kv_heads=get("attention.head_count_kv", heads),
            head_dim=head_dim,
            rope_dim=get("rope.dimension_count", head_dim),
            norm_epsilon=get("attention.layer_norm_rms_epsilon"),
            rope_base=get("rope.freq_base", 10000.0),
            rope_scale=get("rope.scaling.factor", 1.0) if linear else 1.0,
            window=get("attention.sliding_window", 0) if arch == "gemma3" else 0,
            local_rope_base=get("rope.freq_base_swa", 10000.0),
        )

    # --- Parts that an experiment may replace ---

    def matmul(self, x, weight):
        """x [tokens, in] by a weight [out, in]: [tokens, out]."""
        return x @ weight.T

    def stored(self, rows):
        """Keys or values as the cache gives them back: here, unchanged."""
        return rows

    # --- The model ---

    def linear(self, x, name):
        y = self.matmul(x, self.weights[name + ".weight"])
        bias = self.weights.get(name + ".bias")
        return y if bias is None else y + bias

    def norm(self, x, name):
        return rms_norm(x, self.weights[name + ".weight"], self.config.norm_epsilon)

    def embed(self, tokens):
        x = self.weights["token_embd.weight"][tokens]
        if self.config.architecture == "gemma3":
            # In the float of the computation; code that computes in bfloat16 rounds it to that.
            x = x * self.dtype(np.sqrt(np.float64(self.config.d_model)))
        return x

    def _rotated(self, x, layer, positions):
        c = self.config
        local = c.is_local(layer)
        angles = rope_angles(
            positions,
            c.rope_dim,
            c.local_rope_base if local else c.rope_base,
            1.0 if local else c.rope_scale,
            self.weights.get("rope_freqs.weight"),
        )
        return rotate(x, angles, interleaved=c.architecture == "llama")

    def _attend(self, q, k, v, layer, positions):
        """Causal grouped-query attention; q [tokens, heads, head_dim], k and v [tokens, kv_heads,
        head_dim]. Query heads h * g .. h * g + g - 1 share KV head h."""
        c = self.config
        distance = positions[:, None] - positions[None, :]
        visible = distance >= 0
        if c.is_local(layer):
            visible &= distance < c.window
        group = c.heads // c.kv_heads
        out = np.empty_like(q)
        for head in range(c.heads):
            keys, values = k[:, head // group], v[:, head // group]
            logits = q[:, head] @ keys.T * self.dtype(c.head_dim**-0.5)
            out[:, head] = softmax(np.where(visible, logits, self.dtype(-np.inf))) @ values
        return out

    def _attention_block(self, x, layer, positions, trace):
        c, block = self.config, f"blk.{layer}."
        q = self.linear(x, block + "attn_q").reshape(len(x), c.heads, c.head_dim)
        k = self.linear(x, block + "attn_k").reshape(len(x), c.kv_heads, c.head_dim)
        v = self.linear(x, block + "attn_v").reshape(len(x), c.kv_heads, c.head_dim)
        if c.architecture in ("qwen3", "gemma3"):
            q = self.norm(q, block + "attn_q_norm")
            k = self.norm(k, block + "attn_k_norm")
        q = self._rotated(q, layer, positions)
        k = self._rotated(k, layer, positions)
        out = self._attend(q, self.stored(k), self.stored(v), layer, positions)
        for name, value in (("query", q), ("key", k), ("value", v), ("attention", out)):
            getattr(trace, name).append(value.reshape(len(x), -1))
        return self.linear(out.reshape(len(x), -1), block + "attn_output")

    def _feed_forward(self, x, layer):
        block = f"blk.{layer}."
        activation = gelu_tanh if self.config.architecture == "gemma3" else silu
        gate = activation(self.linear(x, block + "ffn_gate"))
        return self.linear(gate * self.linear(x, block + "ffn_up"), block + "ffn_down")

    def forward(self, tokens) -> Trace:
        """Runs a whole sequence; token i is at position i."""
        gemma = self.config.architecture == "gemma3"
        positions = np.arange(len(tokens))
        x = self.embed(np.asarray(tokens))
        trace = Trace(embedding=x)
        for layer in range(self.config.layers):
            block = f"blk.{layer}."
            y = self._attention_block(self.norm(x, block + "attn_norm"), layer, positions, trace)
            # Gemma norms what each half of a layer adds, too; its files' norm weights are 1 + w.
            x = x + (self.norm(y, block + "post_attention_norm") if gemma else y)
            y = self._feed_forward(self.norm(x, block + "ffn_norm"), layer)
            x = x + (self.norm(y, block + "post_ffw_norm") if gemma else y)
            trace.layer_output.append(x)
        trace.final_norm = self.norm(x, "output_norm")
        return trace

    def head(self, final_norm):
        """Logits [rows, vocabulary] of rows of `Trace.final_norm`."""
        return self.matmul(final_norm, self.head_weight)

    def logits(self, tokens):
        return self.head(self.forward(tokens).final_norm)
