"""Loading a SentenceTransformer, and the precision that it runs in."""

from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def load_model(folder: Path, device: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Load the SentenceTransformer in `folder`, from this disk alone."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    def load(more: Mapping[str, Any]) -> Any:  # noqa: ANN401
        given: dict[str, Any] = dict(arguments)
        given["model_kwargs"] = {**arguments["model_kwargs"], **more}
        return SentenceTransformer(str(folder), device=device, local_files_only=True, **given)

    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()  # one a weight file, and ours comes next
    logging.set_verbosity_error()  # a table of what weights are missing; we judge them ourselves
    try:
        wish = attention(device, arguments)
        if wish:
            try:
                model = load(wish)
                model.encode(["a"], prompt="", show_progress_bar=False)  # some kernels load now
            except (ImportError, ValueError, OSError, RuntimeError):
                pass  # its kind or the machine can't; another fault shows once more below
            else:
                return model
        return load({})
    finally:
        logging.enable_progress_bar()
        logging.set_verbosity(verbosity)


def attention(device: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for attention over texts of unequal length where something installed can do it.

    sentence-transformers (from 6.0) then puts a batch's texts end to end, without padding.
    """
    has_it = any(find_spec(name) is not None for name in ("flash_attn", "kernels"))
    precision = str(arguments["model_kwargs"].get("dtype"))
    if device.startswith("cuda") and has_it and precision in ("torch.bfloat16", "torch.float16"):
        return {"attn_implementation": "flash_attention_2"}
    return {}


def in_dtype(model: Any, dtype: str) -> Any:  # noqa: ANN401  a SentenceTransformer
    """Let it run in `dtype`; what follows a transformer runs in float32."""
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


def dtype_argument(dtype: str) -> dict[str, Any]:
    """Give the `model_kwargs` that load weights in `dtype`."""
    import torch

    major, minor = metadata.version("transformers").split(".")[:2]
    key = "dtype" if (int(major), int(minor)) >= (4, 56) else "torch_dtype"
    return {key: getattr(torch, dtype)}


def _in_float32(module: Any, inputs: Any, features: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Go on from the transformer in float32: sums over tokens need more than 8 bits."""
    del module, inputs
    return {
        name: value.float() if hasattr(value, "is_floating_point") and value.is_floating_point()
        else value
        for name, value in features.items()
    }  # fmt: skip
