"""`LineConfig` as JSON: what the conductor puts under `line:config` and the line keeps on disk; the settings in it."""

import dataclasses
from pathlib import Path
from typing import Any

import orjson

from callcenter.settings import Settings
from callcenter.telephony.dialplan import RolePlan
from callcenter.telephony.line import Barred, LineConfig, Phone, Trunk


def trunks_of(settings: Settings) -> tuple[Trunk, ...]:
    """The trunks of the settings; one without a country is in the house's."""
    return tuple(
        Trunk(
            register=trunk.register_here,
            **{**trunk.model_dump(exclude={"register_here"}), "country": trunk.country or settings.country},
        )
        for trunk in settings.trunks
    )


def encode(config: LineConfig) -> bytes:
    """JSON object of the fields; phones and trunks as objects."""
    return orjson.dumps(dataclasses.asdict(config))


def decode(body: bytes) -> LineConfig:
    """The config again; fields of a newer release are ignored. Raises ValueError for anything else."""
    try:
        fields = orjson.loads(body)
        known = _known(LineConfig, fields)
        known["phones"] = tuple(Phone(**_known(Phone, phone)) for phone in fields.get("phones", ()))
        known["trunks"] = tuple(Trunk(**_known(Trunk, trunk)) for trunk in fields.get("trunks", ()))
        if "plans" in fields:
            known["plans"] = tuple(RolePlan(**_known(RolePlan, plan)) for plan in fields["plans"])
        known["barred"] = tuple(Barred(**_known(Barred, one)) for one in fields.get("barred", ()))
        return LineConfig(**known)
    except (TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"not a line's configuration: {error}") from error


def read(path: Path) -> LineConfig | None:
    """The config kept on disk; None when there is none, or none that can be read."""
    try:
        return decode(path.read_bytes())
    except (OSError, ValueError):
        return None


def write(path: Path, config: LineConfig) -> None:
    """Replace the file whole: a crash leaves the old one. It holds phones' HA1, so nobody else may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.touch(0o600)
    beside.write_bytes(encode(config))
    beside.replace(path)


def _known(cls: type, fields: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(cls)}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items() if name in names}
