"""Loading a SentenceTransformer in the precision, and with the attention, that it is to run in."""

from collections.abc import Callable, Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import Any


def attention(device: str, dtype: str) -> dict[str, Any]:
    """Ask for attention over texts of unequal length where something installed can do it.

    sentence-transformers (from 6.0) then puts a batch's texts end to end, without padding.
    """
    has_it = any(find_spec(name) is not None for name in ("flash_attn", "kernels"))
    if device.startswith("cuda") and dtype != "float32" and has_it:
        return {"attn_implementation": "flash_attention_2"}
    return {}


def open_model(load: Callable[[dict[str, Any]], Any], wish: dict[str, Any]) -> Any:  # noqa: ANN401
    """Load a model as wished, or without the wish where its kind or the machine can't grant it."""
    if wish:
        try:
            model = load(wish)
            model.encode(["a"], prompt="", show_progress_bar=False)  # some kernels load only now
        except (ImportError, ValueError, OSError, RuntimeError):
            pass  # a fault of the model's own shows once more below
        else:
            return model
    return load({})


def in_dtype(model: Any, dtype: str) -> Any:  # noqa: ANN401
    import torch

    if dtype == "float32":
        return model.float().eval()  # some are saved in half precision
    if hasattr(model[0], "auto_model"):
        for module in list(model)[1:]:
            module.float()
        model[0].register_forward_hook(_in_float32)
    else:
        model.to(getattr(torch, dtype))
    return model.eval()


def dtype_key() -> str:
    major, minor = metadata.version("transformers").split(".")[:2]
    return "dtype" if (int(major), int(minor)) >= (4, 56) else "torch_dtype"


def _in_float32(module: Any, inputs: Any, features: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Go on from the transformer in float32: sums over tokens need more than 8 bits."""
    del module, inputs
    return {
        name: value.float() if hasattr(value, "is_floating_point") and value.is_floating_point()
        else value
        for name, value in features.items()
    }  # fmt: skip
