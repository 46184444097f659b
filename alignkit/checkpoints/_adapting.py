"""Putting an adapter's weights into a loaded transformer, beside its own or added into them.

Done by PEFT itself and not through transformers, whose part in it asks for a later PEFT than there
was at the time of writing.
"""

from pathlib import Path
from typing import Any

from alignkit.checkpoints._weights import WeightReport
from alignkit.errors import AlignkitError

_PREFIX = "base_model.model."  # before every name in a file that PEFT wrote, not transformers


def adapt(model: Any, folder: Path, weights: WeightReport, *, merge: bool) -> None:  # noqa: ANN401
    """Put the adapter in `folder` over the transformer of a SentenceTransformer.

    `weights` notes what the adapter's file lacks; what fits nowhere is refused.
    """
    from peft import PeftConfig, inject_adapter_in_model, set_peft_model_state_dict

    transformer = model[0].auto_model
    config: Any = PeftConfig.from_pretrained(str(folder))
    config.inference_mode = True
    state = {name.removeprefix(_PREFIX): one for name, one in _read(folder).items()}
    inject_adapter_in_model(config, transformer, "default")
    found = set_peft_model_state_dict(transformer, state, "default")
    if found.unexpected_keys:
        raise AlignkitError(
            f"{len(found.unexpected_keys)} weights of the adapter in {folder} fit nowhere in its "
            f"base, first {found.unexpected_keys[0]}; name the right one by base=LOCATION"
        )
    marks = ("default", config.peft_type.value.lower())  # in the names of an adapter's weights
    missing = [name for name in found.missing_keys if any(mark in name for mark in marks)]
    weights.add(transformer, missing, ())
    transformer.to(model.device)
    if merge:
        _merge(transformer, folder)
    model.eval()


def is_zero(folder: Path) -> bool:
    """Whether LoRA's second matrices, which it begins from zero with, are all still zero."""
    second = [
        one for name, one in _read(folder).items() if "lora_B" in name or "lora_embedding_B" in name
    ]
    return bool(second) and not any(bool(one.any()) for one in second)


def _read(folder: Path) -> dict[str, Any]:
    safe = folder / "adapter_model.safetensors"
    if safe.is_file():
        from safetensors.torch import load_file

        return load_file(safe)
    import torch

    return torch.load(folder / "adapter_model.bin", map_location="cpu", weights_only=True)


def _merge(transformer: Any, folder: Path) -> None:  # noqa: ANN401  a PreTrainedModel
    """Add the adapter's weights into the layers that it changes, and put those back in place."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import ModulesToSaveWrapper

    for name, layer in list(transformer.named_modules()):
        if isinstance(layer, ModulesToSaveWrapper):
            merged: Any = layer.modules_to_save["default"]
        elif isinstance(layer, BaseTunerLayer):
            try:
                layer.merge()
            except (ValueError, NotImplementedError) as error:
                raise AlignkitError(
                    f"the adapter in {folder} cannot be merged; run it beside its base by merge=no"
                ) from error
            merged = layer.get_base_layer()
        else:
            continue
        parent, _, own = name.rpartition(".")
        setattr(transformer.get_submodule(parent), own, merged)
