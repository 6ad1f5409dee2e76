"""Callers who are refused by name hear why, before the call is answered: 183 with a sentence, then 603 (RFC 3960).

Nothing is charged to them, and their network lets the phone hear it. What became of the call was told before: whatever
happens to the sentence, the refusal stands in the record.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from callcenter.telephony.line import Srtp
from callcenter.telephony.media.ports import NoPorts
from callcenter.telephony.sipua.legs import Desk, InboundLeg
from callcenter.telephony.sipua.offers import NotAcceptable
from callcenter.telephony.sipua.transactions import ServerTransaction

MOST = 5
"""Callers who hear it at once; a further one is refused without a word: who is barred takes no ports from others."""
LONGEST = 30.0
"""Seconds after which the call is refused even when the sentence does not end."""
PLAY = "farewell"

BARRED = {
    "en": "say:en:We do not take calls from this number. Goodbye.",
    "cmn": "say:cmn:您的号码已被限制呼入，再见。",
    "yue": "say:yue:我哋唔接聽呢個號碼嘅來電，再見。",
}
WITHHELD = {
    "en": "say:en:We do not take calls without a number. Please call again and show yours. Goodbye.",
    "cmn": "say:cmn:我们不接听隐藏号码的来电，请显示号码后重新拨打，再见。",
    "yue": "say:yue:我哋唔接聽冇來電顯示嘅電話，請顯示號碼再打嚟，再見。",
}

Plays = Callable[[str, str, tuple[str, ...], bool], None]
"""Plays the sentence: `MediaPlane.play`."""


class Farewells:
    """`languages`: spoken ones, one after another, as long as nobody knows the caller's; () says nothing to anybody."""

    def __init__(self, languages: tuple[str, ...], play: Plays) -> None:
        self._languages, self._play = languages, play
        self._standing: dict[str, tuple[InboundLeg, asyncio.TimerHandle]] = {}

    def say(self, desk: Desk, leg: str, server: ServerTransaction, withheld: bool, srtp: Srtp) -> bool:
        """Whether this call is refused here, behind the sentence; False: refuse it at once.

        So it is when nobody shall hear anything, when the caller made no offer to answer, and when too many listen.
        """
        if not self._languages or len(self._standing) >= MOST:
            return False
        quiet: Callable[[object], None] = lambda _: None  # noqa: E731
        try:
            made = InboundLeg(replace(desk, report=quiet, gone=self._gone), leg, server, srtp)
        except (NotAcceptable, NoPorts):
            return False
        timer = asyncio.get_running_loop().call_later(LONGEST, self._refuse, leg)
        self._standing[leg] = made, timer
        if not made.progress():
            self._refuse(leg)
            return True
        texts = WITHHELD if withheld else BARRED
        self._play(leg, PLAY, tuple(texts[one] for one in self._languages if one in texts), False)
        return True

    def heard(self, leg: str) -> bool:
        """The sentence was heard to its end; False when this leg is none of ours."""
        return self._refuse(leg)

    def stop(self) -> None:
        """Refuse all who still listen."""
        for leg in list(self._standing):
            self._refuse(leg)

    def _refuse(self, leg: str) -> bool:
        found = self._standing.get(leg)
        if found is not None:
            found[0].refuse(603, "")
        return found is not None

    def _gone(self, leg: str) -> None:
        found = self._standing.pop(leg, None)
        if found is not None:
            found[1].cancel()
