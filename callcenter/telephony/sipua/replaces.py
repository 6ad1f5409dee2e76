"""Which dialog a Replaces header means (RFC 3891): in an INVITE, or escaped within a Refer-To (RFC 5589)."""

from dataclasses import dataclass
from urllib.parse import quote

_PLAIN = "-_.!~*'()"
"""What may stand unescaped in a header of a URI besides letters and digits (RFC 3261 section 25.1)."""


class NotReplaces(ValueError):
    """The value names no dialog: 400."""


@dataclass(frozen=True, slots=True)
class Replaces:
    """`to_tag` is the tag of whoever receives the INVITE with this header, `from_tag` that of its partner."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def value(self) -> str:
        """As the value of the header."""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}"

    def escaped(self) -> str:
        """As a header within a URI."""
        return quote(self.value(), safe=_PLAIN)


def read_replaces(value: str) -> Replaces:
    """Raises NotReplaces without a Call-ID or one of the tags, and for two dialogs in one value."""
    call_id, *rest = (part.strip() for part in value.split(";"))
    params = {}
    for part in rest:
        name, _, text = part.partition("=")
        if name.strip().lower() in params:
            raise NotReplaces(f"{name} twice")
        params[name.strip().lower()] = text.strip()
    to_tag, from_tag = params.get("to-tag", ""), params.get("from-tag", "")
    if not (call_id and to_tag and from_tag) or "," in value:
        raise NotReplaces(value)
    return Replaces(call_id, to_tag, from_tag, "early-only" in params)
