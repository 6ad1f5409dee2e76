"""What several of these tests begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.telephony.media.plane import MediaPlane
from tests.hall import Hall, started


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = await started(MediaPlane(tmp_path))
    yield hall
    await hall.plane.stop()
