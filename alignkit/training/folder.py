"""The folder of a training: whose it is, where it stands, and what may be trained into it."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alignkit.checkpoints import steps_in
from alignkit.errors import AlignkitError

SCHEMA = "alignkit.training/1"


def whole_steps(folder: Path) -> list[Path]:
    """List the whole `checkpoint-N` of a training, by step.

    The Trainer writes `trainer_state.json` last: one without it was interrupted, and is left out.
    """
    return [path for path in steps_in(folder) if _is_whole(path)]


def _is_whole(step: Path) -> bool:
    try:
        json.loads((step / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _as_json(settings: dict[str, Any]) -> dict[str, Any]:
    """Write and read settings, as a file would."""
    return json.loads(json.dumps(settings))


@dataclass(frozen=True)
class TrainingFolder:
    """A folder to train into; `provenance.json` in it says with which settings, and how far."""

    path: Path

    def begin(self, provenance: dict[str, Any], *, force: bool) -> Path | None:
        """Make it this training's, and return the checkpoint to go on from, if there is one.

        `provenance["settings"]` must be those of a training that was interrupted here. Raises
        AlignkitError where another training, a finished one or anything else is in the way; with
        `force` a training is removed, but nothing else.
        """
        stored = self._stored()
        if self.path.exists() and stored is None and any(self.path.iterdir()):
            raise AlignkitError(
                f"{self.path} is not a training of alignkit, and not empty; name another --out"
            )
        if stored is not None and force:
            shutil.rmtree(self.path)
            stored = None
        if stored is None:
            self._write({**provenance, "finished": False})
            return None
        self._check_same(stored, provenance)
        whole = whole_steps(self.path)
        for torn in set(steps_in(self.path)) - set(whole):
            shutil.rmtree(torn)
        return whole[-1] if whole else None

    def is_finished(self, provenance: dict[str, Any]) -> bool:
        """Whether a training with these settings is whole here."""
        stored = self._stored() or {}
        same = stored.get("settings") == _as_json(provenance["settings"])
        return bool(stored.get("finished")) and same

    def finish(self, provenance: dict[str, Any]) -> None:
        """Say that the training is whole."""
        self._write({**provenance, "finished": True})

    def _check_same(self, stored: dict[str, Any], provenance: dict[str, Any]) -> None:
        if stored.get("finished"):
            raise AlignkitError(
                f"{self.path} is a finished training; name another --out, or replace it with "
                "--force"
            )
        before, now = stored.get("settings", {}), _as_json(provenance["settings"])
        other = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        if other:
            raise AlignkitError(
                f"{self.path} is an unfinished training with another {other[0]} "
                f"({before.get(other[0])!r}, now {now.get(other[0])!r}); repeat its command to go "
                "on, or begin anew with --force"
            )

    def _stored(self) -> dict[str, Any] | None:
        try:
            stored = json.loads((self.path / "provenance.json").read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise AlignkitError(
                f"{self.path} cannot be read: {error}; name another --out"
            ) from error
        return stored if isinstance(stored, dict) and stored.get("schema") == SCHEMA else None

    def _write(self, provenance: dict[str, Any]) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            draft = self.path / ".provenance.json.part"
            text = json.dumps({"schema": SCHEMA, **provenance}, ensure_ascii=False, indent=2)
            draft.write_text(text + "\n", "utf-8")
            os.replace(draft, self.path / "provenance.json")  # noqa: PTH105  atomic, and says so
        except OSError as error:
            raise AlignkitError(
                f"cannot write {self.path}: {error.strerror}; name a writable place with --out"
            ) from error
