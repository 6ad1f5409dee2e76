"""The audio process: `python -m callcenter.telephony.media.child FD SILENT_AFTER`, started by `plane` alone.

One thread around epoll, and nothing else runs here: `docs/decisions/005-audio.md` has what it was measured against. It
ends when the line's end of the control channel closes, however the line ended.
"""

import contextlib
import ctypes
import gc
import logging
import os
import resource
import select
import signal
import socket
import sys
import time

from callcenter.telephony.media.leg import Receive
from callcenter.telephony.media.recorder import Recorder
from callcenter.telephony.media.relay import BEATS, Relay
from callcenter.telephony.media.wire import Wire, WireClosed
from callcenter.telephony.media.writer import Writer

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_ORDERS_AT_ONCE = 16
_FAULTS_LOGGED = 20
_GATHER, _GATHER_MANY, _MANY = 0.002, 0.001, 8
"""Seconds for which packets gather once they come faster than that, and when at least `_MANY` do: being woken for
each packet costs two to three times what relaying it does."""
_RUNAWAY = 2_000_000
"""Microseconds in real time without once waiting for anything, after which the kernel ends us."""
_BREATH = 0.0001
_RETRY = 0.01
"""Seconds after which we try again to tell a line that did not read."""


class Child:
    """The loop: packets first, then orders, then whoever has a turn."""

    def __init__(self, control: socket.socket, silent_after: float) -> None:
        self._wire = Wire(control)
        self._epoll = select.epoll()
        self._receivers: dict[int, Receive] = {}
        self._recorder = Recorder(Writer(_hurry), self._tell)
        self._relay = Relay(self._tell, self._listen, self._fault, silent_after, self._recorder)
        self._look_at = self._relay.now
        self._faults = 0
        self._gather = 0.0
        self._woke = 0.0
        self._control = control.fileno()
        self._epoll.register(self._control, select.EPOLLIN)
        self._epoll.register(self._recorder.bell, select.EPOLLIN)
        self._receivers[self._recorder.bell] = self._recorder.hear_writer

    def run(self) -> None:
        """Until the line is gone."""
        with contextlib.suppress(WireClosed):
            while True:
                self._step()
        self._recorder.finish(time.monotonic())

    def _step(self) -> None:
        relay, receivers = self._relay, self._receivers
        wait = self._wait(time.monotonic())
        if wait > self._gather > 0:
            time.sleep(self._gather)
            wait = self._wait(time.monotonic())
        ready = self._epoll.poll(wait)
        now = relay.now = time.monotonic()
        busy = now - self._woke < 2 * _GATHER
        self._gather = (_GATHER_MANY if len(ready) >= _MANY else _GATHER) if busy else 0.0
        self._woke = now
        orders = False
        for fd, _ in ready:
            receive = receivers.get(fd)
            if receive is None:
                orders = orders or fd == self._control
                continue
            try:
                receive(now)
            except OSError:
                # unreachable (ICMP) or a full buffer: the packet is lost, as on any network
                pass
            except Exception as error:
                self._fault(error)
        if orders:
            self._gather = 0.0
            self._obey()
        try:
            self._turn(time.monotonic())
        except Exception as error:
            self._fault(error)

    def _wait(self, now: float) -> float:
        """Seconds until something must be done unasked."""
        until = self._look_at
        for due in (self._relay.pacer.due(), self._recorder.due()):
            if due is not None and due < until:
                until = due
        return max(0.0, min(until - now, _RETRY) if self._wire.waiting else until - now)

    def _turn(self, now: float) -> None:
        self._relay.now = now
        self._relay.pacer.run(now)
        self._recorder.run(now)
        if now >= self._look_at:
            self._look_at = now + 1.0 / BEATS
            self._relay.look_after(now)
            # shows the kernel, which counts, that a loop full of work is not one that ran wild
            time.sleep(_BREATH)
        if self._wire.waiting:
            self._wire.flush()

    def _obey(self) -> None:
        for _ in range(_ORDERS_AT_ONCE):
            order = self._wire.receive()
            if order is None:
                return
            try:
                self._relay.obey(*order)
            except Exception as error:
                self._fault(error)

    def _tell(self, *message: object) -> None:
        self._wire.send(message)

    def _listen(self, sock: socket.socket, receive: Receive | None) -> None:
        fd = sock.fileno()
        if receive is None:
            if self._receivers.pop(fd, None) is not None:
                self._epoll.unregister(fd)
            return
        if fd not in self._receivers:
            self._epoll.register(fd, select.EPOLLIN)
        self._receivers[fd] = receive

    def _fault(self, error: Exception) -> None:
        """One leg's packet or order must not end everybody's call; the log says what to mend, without flooding."""
        self._faults += 1
        if self._faults <= _FAULTS_LOGGED:
            log.error("audio: fault %d", self._faults, exc_info=error)


def main() -> None:
    """Wire up and run. Signals to the group are the line's to answer: it hangs up first, then closes the channel."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _hurry()
    child = Child(socket.socket(fileno=int(sys.argv[1])), float(sys.argv[2]))
    gc.collect()
    gc.freeze()
    child.run()


def _hurry() -> None:
    """Come first when the processors are busy, as far as we are allowed: in real time, else by a better nice value.
    Counts for the thread that calls: one of lesser rank would hold up the other while it has the interpreter's lock.

    A loop that ran wild in real time would hold a processor: the kernel ends it, and the line starts another.
    """
    resource.setrlimit(resource.RLIMIT_RTTIME, (_RUNAWAY, _RUNAWAY))
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)


if __name__ == "__main__":
    main()
