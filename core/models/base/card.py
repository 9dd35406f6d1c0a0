"""A model's card: model.json, everything about a model except its weights.

Reading a card needs no torch.
"""

import hashlib
import json
import string
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import ModelError
from core.files import recover_folder

FORMAT = 1


class ModelCard(BaseModel):
    """The content of model.json: everything except the weights."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    kind: Literal["point", "teacher", "student", "linear"]
    name: str
    labels: tuple[str, ...]  # the order of the head's outputs
    base: str  # a Hugging Face name, or a folder; a folder is relative to the model's folder
    base_sha256: str
    # how the base's answer is read: core.models.base.choice
    readout: Literal["classify", "choice"] = "classify"
    # core.models.base.pooling; "token" is what models read before it was recorded
    pooling: Literal["mean", "token"] = "token"
    cut: int  # first block with adapters
    scale: float = 1.0  # of the adapters; a teacher needs it to rebuild them
    samples: int = 1  # N, passes a case
    sigma: float | None = None  # of a teacher
    parent: str | None = None  # hash of the model from which this one was made
    seed: int = 0
    settings: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    duration_s: float = 0.0
    versions: dict[str, str] = {}
    created_at: datetime | None = None
    weights_sha256: str = ""

    @property
    def hash(self) -> str:
        """Return the hash of what determines the answers: weights, base, labels, samples, seed."""
        content = [
            self.kind,
            self.labels,
            self.base_sha256,
            self.readout,
            self.cut,
            self.scale,
            self.samples,
            self.sigma,
            self.seed,
            self.weights_sha256,
            *self._read_out_fields,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def made_for(self) -> str:
        """Return the sha256 of the weights' meaning.

        That is kind, label order, base, read-out and the adapters' place. The weights' file holds
        it too, so that loading detects a card that was changed or that belongs to other weights.
        """
        content = [
            self.kind,
            self.labels,
            self.base_sha256,
            self.readout,
            self.cut,
            self.scale,
            *self._read_out_fields,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def _read_out_fields(self) -> list[str]:
        """Return the read-out fields that older cards lack.

        They are left out of the hashes at their old meaning, so that old hashes stay valid.
        """
        return [] if self.pooling == "token" else [self.pooling]

    @property
    def chooses(self) -> bool:
        """Return whether its answers are letters of options that a case's text must list."""
        return self.readout == "choice" and self.labels == tuple(
            string.ascii_uppercase[: len(self.labels)]
        )


def read_card(folder: Path) -> ModelCard:
    """Return the card of the model in `folder`.

    Raises ModelError if there is none, if it is broken, or if it is of another format.
    """
    path = recover_folder(folder) / "model.json"
    try:
        card = ModelCard.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        models = (
            sorted(p.parent.name for p in folder.parent.glob("*/model.json"))
            if folder.parent.is_dir()
            else []
        )
        raise ModelError("models.no_model", model=folder.name, models=models or "-") from e
    except (OSError, UnicodeDecodeError) as e:
        reason = getattr(e, "strerror", None) or str(e)
        raise ModelError("models.broken_card", file=path, field=path.name, reason=reason) from e
    except ValidationError as e:
        raise ModelError(
            "models.broken_card",
            file=path,
            field=".".join(map(str, e.errors()[0]["loc"])),
            reason=e.errors()[0]["msg"],
        ) from e
    if card.format != FORMAT:
        raise ModelError(
            "models.other_format", model=folder.name, format=card.format, expected=FORMAT
        )
    return card
