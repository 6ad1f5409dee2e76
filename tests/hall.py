"""The audio process in tests: a plane, what it reported, and parties connected to it over real UDP."""

from callcenter.telephony.media.plane import Bridged, MediaEvent, MediaPlane
from tests.party import Party, until
from tests.ports import free_range


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


async def started(plane: MediaPlane, ports: tuple[int, int] | None = None) -> Hall:
    hall = Hall(plane)
    await plane.start("127.0.0.1", ports or free_range(40), hall.events.append)
    return hall
