"""Transfers by REFER (RFC 3515): what one asks for, and the NOTIFYs that say how it went."""

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiosipua import SipRequest, parse_uri

from callcenter.telephony.sipua.dialogs import parse_address_uri
from callcenter.telephony.sipua.replaces import NotReplaces, Replaces, read_replaces
from callcenter.telephony.sipua.wire import REASONS, Inbound, values

if TYPE_CHECKING:
    from callcenter.telephony.sipua.session import Session

SIPFRAG = "message/sipfrag;version=2.0"
_LASTS = 180
"""Seconds that we say a referral may take, longer than a phone rings."""
_STATUS = re.compile(rb"^\s*SIP/2\.0 ([1-6]\d\d)\b")
_URI = re.compile(r"(sips?|tel):[^\s<>\"]+", re.IGNORECASE)


class NotReferral(ValueError):
    """A REFER that cannot be followed; `code` answers it."""

    def __init__(self, why: str, code: int = 400) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """What a REFER asks for. `uri` has no headers any more; `silent`: no NOTIFY is wanted (RFC 4488)."""

    uri: str
    replaces: Replaces | None = None
    silent: bool = False


def read_refer(request: SipRequest) -> Asked:
    """Raises NotReferral: 400 for other than one Refer-To or a broken one, 416 for other schemes, 603 for another
    method than INVITE."""
    found = values(request, "refer-to")
    if len(found) != 1:
        raise NotReferral("not one Refer-To")
    uri = parse_address_uri(found[0])
    if not _URI.fullmatch(uri):
        raise NotReferral(
            "not a SIP or tel URI", 416 if re.match(r"[a-z][a-z0-9+.-]*:", uri, re.IGNORECASE) else 400
        )
    bare, _, headers = uri.partition("?")
    if bare[:4].lower() != "tel:":
        try:
            method = parse_uri(bare).params.get("method") or "INVITE"
        except (ValueError, IndexError) as problem:
            raise NotReferral("not a URI") from problem
        if method.upper() != "INVITE":
            raise NotReferral("not to an INVITE", 603)
    silent = (request.headers.get_first("refer-sub") or "").strip().lower().startswith("false")
    return Asked(re.sub(r";method=\w+", "", bare, flags=re.IGNORECASE), _replaces_in(headers), silent)


def _replaces_in(headers: str) -> Replaces | None:
    found = [part for part in headers.split("&") if part.partition("=")[0].lower() == "replaces"]
    if not found:
        return None
    if len(found) > 1:
        raise NotReferral("several Replaces")
    try:
        return read_replaces(unquote(found[0].partition("=")[2]))
    except NotReplaces as problem:
        raise NotReferral(str(problem)) from problem


def status_in(body: bytes) -> int:
    """Status of a `message/sipfrag` (RFC 3420); 0 when it holds none."""
    found = _STATUS.match(body)
    return int(found[1]) if found else 0


class Referral:
    """The subscription that an accepted REFER made: one NOTIFY at once, one at its end."""

    def __init__(self, session: "Session", event: str, silent: bool) -> None:
        self._session, self._event, self._silent = session, event, silent
        self._notify(100, f"active;expires={_LASTS}")

    def finish(self, code: int) -> None:
        """Tell the final status and end the subscription."""
        self._notify(code, "terminated;reason=noresource")

    def _notify(self, code: int, state: str) -> None:
        if self._silent:
            return
        body = f"SIP/2.0 {code} {REASONS.get(code, 'Unknown')}\r\n".encode()
        headers = {"Event": self._event, "Subscription-State": state, "Content-Type": SIPFRAG}
        self._session.ask("NOTIFY", headers, body)


class Transfer:
    """A REFER of ours, and what its NOTIFYs tell; the owner hears of the end once."""

    def __init__(self, session: "Session", refer_to: str, referred_by: str) -> None:
        self._session = session
        self._timer: asyncio.TimerHandle | None = None
        self.open = True
        headers = {"Refer-To": refer_to, "Referred-By": referred_by, "Supported": "norefersub"}
        session.ask("REFER", headers, b"", self._answered)

    def notified(self, request: SipRequest) -> None:
        """A NOTIFY of the referral."""
        state = (request.headers.get_first("subscription-state") or "").partition(";")[0].strip().lower()
        code = status_in(request.body)
        if code >= 200 or state == "terminated":
            self.settle(code if code >= 200 else 0)
        else:
            self._wait(_LASTS)

    def settle(self, code: int) -> None:
        """It is over, 0 when the other side never told."""
        if self._timer is not None:
            self._timer.cancel()
        if self.open:
            self.open = False
            self._session.owner.transferred(self._session, code)

    def _answered(self, code: int, _: Inbound | None) -> None:
        if code >= 300:
            self.settle(code)
        elif self.open and self._timer is None:
            self._wait(self._session.agent.timers.timeout)

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.open:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.settle, 0)
