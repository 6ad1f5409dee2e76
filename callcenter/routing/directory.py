"""From the record to the board: who takes calls, which queues there are, what the lines must know."""

import dataclasses
from collections.abc import Mapping

import orjson
from sqlmodel import Session, select

from callcenter import db
from callcenter.calls import barred
from callcenter.people import desk as people
from callcenter.people import rights
from callcenter.people.models import QueueMember, User
from callcenter.prompts import desk as prompts
from callcenter.routing import plans, versions
from callcenter.routing.board import Queue
from callcenter.routing.models import QueueRow
from callcenter.routing.presence import DirectoryRead, Person
from callcenter.routing.queues import named
from callcenter.routing.rules import Ring
from callcenter.settings import Settings
from callcenter.telephony.config import trunks_of
from callcenter.telephony.dialplan import plans_of
from callcenter.telephony.line import Barred, LineConfig, Phone


def read(session: Session) -> DirectoryRead:
    """Active users, all queues, published plans, calendars. Without any queue there is `default`; as long as no queue has
    a member, all agents serve `default`."""
    rows = session.exec(select(QueueRow)).all()
    spoken = prompts.playable(session, {name for row in rows for name in named(row)})
    queues = [_queue(row, spoken) for row in rows] or [Queue(plans.DEFAULT)]
    serves: dict[int, list[str]] = {}
    for member in session.exec(select(QueueMember)).all():
        serves.setdefault(member.user_id, []).append(member.queue)
    users = session.exec(select(User).where(User.active)).all()
    skills = people.skills_of(session)

    def served(user: User) -> tuple[str, ...]:
        if not serves:
            return (plans.DEFAULT,) if user.role in rights.PHONE_WORKERS else ()
        return tuple(sorted(serves.get(user.id or 0, [])))

    return DirectoryRead(
        tuple(_person(user, served(user), skills.get(user.id or 0, {})) for user in users),
        tuple(queues),
        tuple(versions.published(session)),
        tuple(versions.calendars(session)),
    )


def line_config(session: Session, settings: Settings, version: int = 0) -> LineConfig:
    """What the lines must know: phones, trunks, numbers, destinations."""
    queues = session.exec(select(QueueRow)).all()
    users = session.exec(select(User).where(User.active, User.phone != "").order_by(User.name)).all()
    phones = {
        user_part(user.phone): _phone(user) for user in users if user.phone_ha1 or is_address(user.phone)
    }
    return LineConfig(
        version=version,
        numbers=plans.all_numbers(
            settings.numbers,
            {row.name: row.numbers.split() for row in queues},
            versions.numbers(versions.published(session)),
        ),
        phones=tuple(phones.values()),
        trunks=trunks_of(settings),
        destinations=settings.destinations,
        open_calls=settings.open_calls,
        country=settings.country,
        srtp=settings.srtp,
        prompts=prompts.digests(session),
        barred=tuple(
            Barred(row.number, row.until.timestamp() if row.until else 0.0)
            for row in barred.current(session, db.now())
        ),
        refuse_withheld=settings.refuse_withheld,
        plans=plans_of(settings.dial_classes, settings.dial_plans),
    )


def newer(config: LineConfig, stored: bytes | None) -> LineConfig | None:
    """The config with the next version when it says something else than the stored one."""
    before = orjson.loads(stored) if stored else {}
    version = int(before.get("version", 0))
    now = orjson.loads(orjson.dumps(config))
    if before and {**before, "version": 0} == {**now, "version": 0}:
        return None
    return dataclasses.replace(config, version=version + 1)


def is_address(phone: str) -> bool:
    """Whether the phone is a SIP URI that we call without its registering."""
    return phone.startswith(("sip:", "sips:"))


def user_part(phone: str) -> str:
    """`1001` of `1001` and of `sip:1001@pbx:5060;transport=tcp`."""
    return phone.split(":", 1)[1].split("@", 1)[0] if is_address(phone) else phone


def _phone(user: User) -> Phone:
    if user.phone_ha1:
        md5, _, sha256 = user.phone_ha1.partition(" ")
        return Phone(user_part(user.phone), ha1=md5, ha1_sha256=sha256)
    return Phone(user_part(user.phone), address=user.phone)


def _person(user: User, queues: tuple[str, ...], skills: dict[str, int]) -> Person:
    return Person(
        name=user.name,
        display=user.display_name or user.name,
        phone=user_part(user.phone),
        fixed=is_address(user.phone) and not user.phone_ha1,
        queues=queues,
        skills=skills,
        remote_answer=user.remote_answer,
        role=user.role,
    )


def _queue(row: QueueRow, spoken: Mapping[str, dict[str, str]]) -> Queue:
    return Queue(
        name=row.name,
        label=row.label,
        numbers=row.numbers.split(),
        strategy=row.strategy,
        rings=[Ring(**one) for one in row.needs],
        order={name: place for place, name in enumerate(row.order.split())},
        tiers=dict(row.tiers),
        greeting=row.greeting,
        music=row.music,
        ring_time=row.ring_time,
        wrap_up=row.wrap_up,
        extension_times=row.extension_times,
        extension_seconds=row.extension_seconds,
        show_caller=row.show_caller,
        owner_first=row.owner_first,
        last_first=row.last_first,
        max_wait=row.max_wait,
        max_length=row.max_length,
        overflow=row.overflow,
        most_expected=row.most_expected,
        announce_every=row.announce_every,
        announce_wait=row.announce_wait,
        misses_allowed=row.misses_allowed,
        service_level=row.service_level,
        service_target=row.service_target,
        priority=row.priority,
        recording=row.recording,
        recording_share=row.recording_share,
        recording_on_hold=row.recording_on_hold,
        recording_days=row.recording_days,
        recording_notice=row.recording_notice,
        sorry=row.sorry,
        callback=row.callback,
        callback_key=row.callback_key,
        callback_every=row.callback_every,
        callback_from=row.callback_from,
        callback_mode=row.callback_mode,
        voicemail=row.voicemail,
        voicemail_key=row.voicemail_key,
        voicemail_every=row.voicemail_every,
        voicemail_seconds=row.voicemail_seconds,
        voicemail_greeting=row.voicemail_greeting,
        voicemail_goodbye=row.voicemail_goodbye,
        prompts={name: spoken[name] for name in named(row) if name in spoken},
    )
