"""The audio process in tests: a plane, what it reported, and parties connected to it over real UDP."""

import socket

from callcenter.telephony.media.plane import Bridged, MediaEvent, MediaPlane
from tests.party import Party, until


class Hall:
    """A plane, what it reported, and parties connected to it."""

    def __init__(self, plane: MediaPlane) -> None:
        self.plane = plane
        self.events: list[MediaEvent] = []

    def enter(
        self, leg: str, party: Party, direction: str = "sendrecv", announced: int | None = None
    ) -> None:
        party.to = self.plane.open(leg)
        port = party.port if announced is None else announced
        self.plane.connect(leg, "127.0.0.1", port, party.payload, party.dtmf, direction, party.crypto)

    async def plane_is_up(self) -> None:
        """The child has carried out an order, so that it is past its start."""
        self.plane.open("probe-a")
        self.plane.open("probe-b")
        await self.bridge("probe-a", "probe-b")

    async def reported(self, event: MediaEvent) -> None:
        await until(lambda: event in self.events, f"{event} in {self.events}")

    async def bridge(self, leg: str, other: str) -> None:
        self.plane.bridge(leg, other)
        await self.reported(Bridged(leg, other))


def free_range(pairs: int = 20) -> tuple[int, int]:
    """A range that starts where the system just had a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        first = min(int(probe.getsockname()[1]), 65_000)
    return first, first + 2 * pairs


async def started(plane: MediaPlane, ports: tuple[int, int] | None = None) -> Hall:
    hall = Hall(plane)
    await plane.start("127.0.0.1", ports or free_range(), hall.events.append)
    return hall
