"""SDP offer and answer (RFC 3264) for what we speak: PCMU, PCMA and telephone-event over plain RTP."""

import time
from dataclasses import dataclass

from aiosipua import (
    ConnectionData,
    MediaDescription,
    Origin,
    SdpMessage,
    SipMessage,
    parse_sdp,
    serialize_sdp,
)

from callcenter.telephony.sipua.transport import is_address

PCMU, PCMA = 0, 8
DTMF = 101
CODECS = {PCMU: "PCMU/8000", PCMA: "PCMA/8000"}
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
    """What the other side's SDP agreed to. `direction` is the attribute as *it* wrote it."""

    host: str
    port: int
    payload: int
    dtmf_payload: int | None
    direction: str


@dataclass(slots=True)
class Local:
    """Our side of one session: where RTP reaches us. `version` grows with each new description (RFC 3264 section 8)."""

    host: str
    port: int
    session: int = 0
    version: int = 0
    payloads: tuple[int, ...] = (PCMA, PCMU)
    dtmf: int | None = DTMF

    def offer(self, direction: str = "sendrecv") -> bytes:
        """Our codecs, PCMA first as on the networks of most of the world outside North America and Japan."""
        return self._body([_audio(self.port, list(self.payloads), self.dtmf, direction)])

    def answer(self, offer: "Offer") -> bytes:
        """One codec of the offer; every other stream refused with port 0."""
        remote = offer.remote
        media = []
        for number, stream in enumerate(offer.sdp.media):
            if number == offer.index:
                media.append(
                    _audio(
                        self.port, [remote.payload], remote.dtmf_payload, _ANSWER_DIRECTION[remote.direction]
                    )
                )
            else:
                media.append(MediaDescription(stream.media, 0, stream.proto, stream.formats or ["0"]))
        return self._body(media)

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


def read_offer(body: bytes) -> Offer:
    """Raises NotAcceptable when there is no plain RTP audio in PCMU or PCMA."""
    try:
        sdp = parse_sdp(body.decode("utf-8", "replace"))
    except (ValueError, IndexError) as error:
        raise NotAcceptable(str(error)) from error
    for index, stream in enumerate(sdp.media):
        if (
            stream.media == "audio"
            and 0 < stream.port < 65536
            and stream.proto.upper() in ("RTP/AVP", "RTP/AVPF")
        ):
            payload = next((int(f) for f in stream.formats if f.isdigit() and int(f) in CODECS), None)
            if payload is not None:
                return Offer(sdp, index, _remote(sdp, stream, payload))
    raise NotAcceptable("no PCMU or PCMA over RTP/AVP")


def has_sdp(message: SipMessage) -> bool:
    kind = (message.headers.get_first("content-type") or "").partition(";")[0].strip().lower()
    return bool(message.body) and kind == "application/sdp"


def _remote(sdp: SdpMessage, stream: MediaDescription, payload: int) -> Remote:
    connection = stream.connection or sdp.connection
    host = connection.address.partition("/")[0] if connection else ""
    if not host:
        raise NotAcceptable("no connection address")
    direction = stream.direction
    if not any(name in stream.attributes for name in _ANSWER_DIRECTION):
        direction = next((name for name in _ANSWER_DIRECTION if name in sdp.attributes), "sendrecv")
    if host == "0.0.0.0":
        direction = "inactive" if direction in ("inactive", "recvonly") else "sendonly"
    if not is_address(host) and not all(part for part in host.split(".")):
        raise NotAcceptable("bad connection address")
    return Remote(host, stream.port, payload, _dtmf(stream), direction)


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
