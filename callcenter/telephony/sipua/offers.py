"""SDP offer and answer (RFC 3264) for what we speak: G.711, G.722 and telephone-event, over RTP or SRTP (RFC 4568)."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiosipua import (
    ConnectionData,
    MediaDescription,
    Origin,
    SdpMessage,
    SipMessage,
    SipRequest,
    parse_sdp,
    serialize_sdp,
)

from callcenter.telephony.line import Srtp
from callcenter.telephony.media.crypto import KEY_BYTES, SUITES, Crypto
from callcenter.telephony.sipua import sdes
from callcenter.telephony.sipua.flows import is_address

PCMU, PCMA, G722 = 0, 8, 9
DTMF = 101
CODECS = {PCMU: "PCMU/8000", PCMA: "PCMA/8000", G722: "G722/8000"}
"""Static payload types (RFC 3551). G.722 samples at 16 kHz, but its RTP clock is 8000 by an old mistake (4.5.2)."""
PREFERRED = (PCMA, PCMU, G722)
"""PCMA first as on the networks of most of the world outside North America and Japan."""
_ANSWER_DIRECTION = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


class NotAcceptable(ValueError):
    """The offer or answer holds nothing that we speak: 488."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What the other side's SDP agreed to. `direction` is the attribute as *it* wrote it.

    `keying`: its SRTP key, None for RTP in the clear.
    """

    host: str
    port: int
    payload: int
    dtmf_payload: int | None
    direction: str
    keying: sdes.Keying | None = None


@dataclass(slots=True)
class Local:
    """Our side of one session: where RTP reaches us. `version` grows with each new description (RFC 3264 section 8).

    `srtp`: the policy towards this peer; `private`: whether what we write to it travels encrypted.
    """

    host: str
    port: int
    session: int = 0
    version: int = 0
    payloads: tuple[int, ...] = PREFERRED
    dtmf: int | None = DTMF
    srtp: Srtp = "may"
    private: bool = False
    _keys: dict[str, bytes] = field(default_factory=dict)
    _offered: bool = False

    def prefer(self, codec: int) -> None:
        """Offer this one of our codecs first."""
        self.payloads = tuple(sorted(self.payloads, key=lambda payload: payload != codec))

    def offer(self, direction: str = "sendrecv") -> bytes:
        """Our codecs in our order, and our keys when the policy has us offer them."""
        stream = _audio(self.port, list(self.payloads), self.dtmf, direction)
        self._offered = self.srtp == "must" or (self.srtp == "may" and (self.private or bool(self._keys)))
        if self._offered:
            stream.proto = "RTP/SAVP" if self.srtp == "must" else "RTP/AVP"
            stream.attributes["crypto"] = [
                str(sdes.Keying(tag, suite, self._key(suite))) for tag, suite in enumerate(SUITES, 1)
            ]
        return self._body([stream])

    def read_answer(self, body: bytes) -> Remote:
        """What became of our offer. Raises NotAcceptable, also for keys that answer nothing of ours."""
        remote = read_offer(body, self.srtp if self._offered else "off", self.payloads).remote
        keying = remote.keying
        if keying is not None and SUITES[keying.tag - 1 : keying.tag] != (keying.suite,):
            raise NotAcceptable("a crypto line that answers none of ours")
        return remote

    def read_offer(self, body: bytes) -> "Offer":
        """An offer within the call; see `read_offer`."""
        return read_offer(body, self.srtp, self.payloads)

    def answer(self, offer: "Offer") -> bytes:
        """One codec of the offer; every other stream refused with port 0."""
        return self._body(
            [
                self._taken(stream, offer.remote)
                if number == offer.index
                else MediaDescription(stream.media, 0, stream.proto, stream.formats or ["0"])
                for number, stream in enumerate(offer.sdp.media)
            ]
        )

    def crypto(self, remote: Remote) -> Crypto | None:
        """The keys of both directions; ours stay what they were in each later negotiation, so that SRTP goes on."""
        if remote.keying is None:
            return None
        return Crypto(remote.keying.suite, self._key(remote.keying.suite), remote.keying.key)

    def _taken(self, stream: MediaDescription, remote: Remote) -> MediaDescription:
        taken = _audio(self.port, [remote.payload], remote.dtmf_payload, _ANSWER_DIRECTION[remote.direction])
        taken.proto = stream.proto
        if remote.keying is not None:
            ours = sdes.Keying(remote.keying.tag, remote.keying.suite, self._key(remote.keying.suite))
            taken.attributes["crypto"] = [str(ours)]
        return taken

    def _key(self, suite: str) -> bytes:
        return self._keys.setdefault(suite, secrets.token_bytes(KEY_BYTES))

    def _body(self, media: list[MediaDescription]) -> bytes:
        self.session = self.session or time.time_ns() // 1_000_000
        self.version += 1
        family = "IP6" if ":" in self.host else "IP4"
        sdp = SdpMessage(
            origin=Origin("-", str(self.session), str(self.version), "IN", family, self.host),
            session_name="-",
            connection=ConnectionData("IN", family, self.host),
            media=media,
        )
        return serialize_sdp(sdp).encode()


@dataclass(frozen=True, slots=True)
class Offer:
    """A parsed description and the audio stream in it that we take."""

    sdp: SdpMessage
    index: int
    remote: Remote


def read_offer(body: bytes, srtp: Srtp = "may", payloads: Sequence[int] = PREFERRED) -> Offer:
    """The first audio stream that codecs and policy allow, in its writer's first codec that is one of `payloads`.

    RTP/AVP with crypto lines is how many phones offer SRTP to whoever may not have it, and is taken as that offer.
    Raises NotAcceptable when there is none.
    """
    try:
        sdp = parse_sdp(body.decode("utf-8", "replace"))
    except (ValueError, IndexError) as error:
        raise NotAcceptable(str(error)) from error
    for index, stream in enumerate(sdp.media):
        if stream.media != "audio" or not 0 < stream.port < 65536:
            continue
        allowed, keying = _secured(stream, srtp)
        payload = next((int(f) for f in stream.formats if f.isdigit() and int(f) in payloads), None)
        if allowed and payload is not None:
            return Offer(sdp, index, _remote(sdp, stream, payload, keying))
    raise NotAcceptable("no audio in a codec and of a profile that we have")


def _secured(stream: MediaDescription, srtp: Srtp) -> tuple[bool, sdes.Keying | None]:
    """Whether the policy allows this stream, and the key by which it is taken; its writer's first usable one."""
    profile = stream.proto.upper()
    lines = sdes.read(stream.attributes.get("crypto", [])) if srtp != "off" else ()
    keying = lines[0] if lines else None
    if profile in ("RTP/SAVP", "RTP/SAVPF"):
        return keying is not None, keying
    return profile in ("RTP/AVP", "RTP/AVPF") and (srtp != "must" or keying is not None), keying


def has_sdp(message: SipMessage) -> bool:
    kind = (message.headers.get_first("content-type") or "").partition(";")[0].strip().lower()
    return bool(message.body) and kind == "application/sdp"


def not_spoken(invite: SipRequest) -> int:
    """415 to a body that is no SDP, 406 to a caller who takes no SDP from us (RFC 3261 sections 8.2.3, 21.4.7); else 0.

    A body that the caller calls optional may be anything.
    """
    optional = "handling=optional" in (invite.headers.get_first("content-disposition") or "").lower()
    if invite.body.strip() and not has_sdp(invite) and not optional:
        return 415
    wanted = {value.partition(";")[0].strip().lower() for value in invite.headers.get("accept")} - {""}
    return 406 if wanted and not wanted & {"application/sdp", "application/*", "*/*"} else 0


def _remote(sdp: SdpMessage, stream: MediaDescription, payload: int, keying: sdes.Keying | None) -> Remote:
    connection = stream.connection or sdp.connection
    host = connection.address.partition("/")[0] if connection else ""
    if not host:
        raise NotAcceptable("no connection address")
    direction = stream.direction
    if not any(name in stream.attributes for name in _ANSWER_DIRECTION):
        direction = next((name for name in _ANSWER_DIRECTION if name in sdp.attributes), "sendrecv")
    if host in ("0.0.0.0", "::"):
        direction = "inactive" if direction in ("inactive", "recvonly") else "sendonly"
    if not is_address(host) and not all(part for part in host.split(".")):
        raise NotAcceptable("bad connection address")
    return Remote(host, stream.port, payload, _dtmf(stream), direction, keying)


def _dtmf(stream: MediaDescription) -> int | None:
    for codec in stream.codecs:
        if codec.encoding_name.lower() == "telephone-event" and codec.clock_rate == 8000:
            return int(codec.payload_type)
    return None


def _audio(port: int, payloads: list[int], dtmf: int | None, direction: str) -> MediaDescription:
    formats = [str(payload) for payload in payloads]
    maps = [f"{payload} {CODECS[payload]}" for payload in payloads]
    attributes = {"rtpmap": maps, "ptime": ["20"], direction: []}
    if dtmf is not None:
        formats.append(str(dtmf))
        maps.append(f"{dtmf} telephone-event/8000")
        attributes["fmtp"] = [f"{dtmf} 0-16"]
    return MediaDescription("audio", port, "RTP/AVP", formats, attributes=attributes)
