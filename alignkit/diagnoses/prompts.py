"""Prompts that a model's card or config names and that are not in force."""

import json
import re
from collections.abc import Iterator

from alignkit.checkpoints._model import ModelCheckpoint
from alignkit.diagnoses import Finding, Patient, diagnosis

# What stands in quotes, ends in a colon and begins with a word of those that prompts begin with.
_IN_CARD = re.compile(
    r"""["'`“]((?:query|passage|document|search_query|search_document|title|task|instruct|"""
    r"""represent|given|classification|clustering)[^"'`”\n]{0,200}?:\s?)""",
    re.IGNORECASE,
)
_OF_PASSAGES = re.compile(r"passage|document|corpus|title", re.IGNORECASE)
_SHOWN = 3


@diagnosis("prompts")
def prompts(patient: Patient) -> Iterator[Finding]:
    """Report the prompts of the config, then of the card, that neither role has in force."""
    checkpoint = patient.checkpoint
    if not isinstance(checkpoint, ModelCheckpoint):
        return
    in_force = (checkpoint.prompt("query"), checkpoint.prompt("passage"))
    for name, prompt in checkpoint.named_prompts.items():
        if prompt.strip() and not _stands_in(prompt, in_force):
            yield _found(f"its config has the prompt {name!r}, {_quoted(prompt)}", name, prompt)
    card = checkpoint.card
    if card is None:
        yield Finding(
            "note",
            "prompts",
            "it has no model card to look for prompts in",
            "if its makers ask for prompts, give --query-prompt and --passage-prompt",
        )
        return
    named = dict.fromkeys(match[1] for match in _IN_CARD.finditer(card))
    missing = [prompt for prompt in named if not _stands_in(prompt, in_force)]
    for prompt in missing[:_SHOWN]:
        yield _found(f"its card names the prompt {_quoted(prompt)}", prompt, prompt)


def _stands_in(prompt: str, in_force: tuple[str, ...]) -> bool:
    return any(prompt.strip() and prompt.strip() in used for used in in_force)


def _found(what: str, name: str, prompt: str) -> Finding:
    role = "passage" if _OF_PASSAGES.match(name) else "query"
    spaced = prompt if prompt.endswith((" ", "\n")) else f"{prompt} "
    return Finding(
        "warning",
        "prompts",
        f"{what}, which is not in force",
        f"if your texts need it, --{role}-prompt {_quoted(spaced)}",
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
