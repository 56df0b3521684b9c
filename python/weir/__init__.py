"""weir runs language models; their KV cache is a managed resource.

Requests, streamed and scheduled together::

    engine = weir.Engine("smollm2")
    for event in engine.generate([{"role": "user", "content": "Hello!"}], max_tokens=32):
        if isinstance(event, weir.TokenEvent):
            print(event.text, end="")

Sequences, driven by hand::

    sequence = engine.create_sequence()
    logits = sequence.append(engine.tokenize("Once upon a time"))
    token = sequence.sample(weir.SamplingOptions(temperature=0))
    other = sequence.fork()

Both give the same bits for the same tokens.
"""

from . import errors, models
from ._weir import (
    ChoiceEvent,
    Engine,
    EngineStats,
    Generation,
    KvMethod,
    KvParameter,
    ModelInfo,
    Observable,
    PromptEvent,
    SamplingOptions,
    Sequence,
    TokenEvent,
    TokenLogprob,
    Usage,
    __version__,
    kv_methods,
)
from .errors import Error

__all__ = [
    "ChoiceEvent",
    "Engine",
    "EngineStats",
    "Error",
    "Generation",
    "KvMethod",
    "KvParameter",
    "ModelInfo",
    "Observable",
    "PromptEvent",
    "SamplingOptions",
    "Sequence",
    "TokenEvent",
    "TokenLogprob",
    "Usage",
    "__version__",
    "errors",
    "kv_methods",
    "models",
]
