"""The demo's record, its settings and its secrets."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from callcenter import db, defaults
from callcenter.customers import numbers
from callcenter.demo import demo_settings, greeting, keys
from callcenter.demo.cast import PEOPLE, PLAYING, STRANGERS, WITHOUT_AREA_CODE, WORKERS, YOU
from callcenter.demo.seed import seed
from callcenter.people import desk as people
from callcenter.people.desk import WrongPassword
from callcenter.routing.directory import line_config
from callcenter.screenpop.pop import pop
from callcenter.settings import LANGUAGES, Settings
from callcenter.surveys.models import Survey
from callcenter.tickets.models import OPEN, Ticket

NOW = db.now()


@pytest.fixture
def filled(engine: Engine, settings: Settings, tmp_path: Path) -> Session:
    defaults.ensure(engine, settings)
    chosen = demo_settings(settings, 5999)
    with db.write(engine) as session:
        assert seed(session, chosen, keys.keep(tmp_path), NOW)
    return Session(engine)


def test_the_place_has_people_customers_and_a_past(filled: Session, tmp_path: Path) -> None:
    with filled as session:
        secret = keys.read(tmp_path)
        assert people.authenticate(session, YOU.name, secret.passwords[YOU.name]).remote_answer
        with pytest.raises(WrongPassword):
            people.authenticate(session, PLAYING[0].name, secret.passwords[PLAYING[0].name])
        states = [ticket.state for ticket in session.exec(select(Ticket))]
        assert states.count("closed") > 10
        assert any(state in OPEN for state in states)
        assert session.exec(select(func.count()).select_from(Survey)).one() > 10


def test_each_kind_of_pop_can_be_seen(filled: Session) -> None:
    shared = PEOPLE[-1].number
    with filled as session:
        found = {
            number: pop(session, number, False, "CN", now=NOW).match for number in (PEOPLE[0].number, shared)
        }
        assert found == {PEOPLE[0].number: "known", shared: "several"}
        assert pop(session, WITHOUT_AREA_CODE.number, False, "CN", now=NOW).match == "guess"
        assert {pop(session, one.number, False, "CN", now=NOW).match for one in STRANGERS} == {"unknown"}
        first = pop(session, PEOPLE[0].number, False, "CN", now=NOW)
        assert first.complaints
        assert first.promises
        cards = [pop(session, one.number, False, "CN", now=NOW).customer for one in PEOPLE[:-2]]
        assert any(card and card.warranty_expired for card in cards)
        assert {one.language for one in PEOPLE} == set(LANGUAGES)


def test_a_second_start_leaves_the_record_alone(
    filled: Session, engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    filled.close()
    with db.write(engine) as session:
        before = session.exec(select(func.count()).select_from(Ticket)).one()
        assert not seed(session, settings, keys.keep(tmp_path), NOW + timedelta(days=1))
        assert session.exec(select(func.count()).select_from(Ticket)).one() == before


def test_every_number_of_the_cast_can_be_rung() -> None:
    for person in (*PEOPLE, *STRANGERS):
        assert numbers.e164(person.number, "CN") == person.number


def test_phones_register_and_the_only_way_out_is_the_town(filled: Session, settings: Settings) -> None:
    with filled as session:
        config = line_config(session, demo_settings(settings, 5999))
    assert {phone.user for phone in config.phones} == {worker.phone for worker in WORKERS if worker.phone}
    assert all(phone.ha1 for phone in config.phones)
    assert [(trunk.name, trunk.address) for trunk in config.trunks] == [("town", "127.0.0.1:5999")]


def test_what_was_set_is_kept_and_the_rest_runs_short(settings: Settings) -> None:
    chosen = settings.model_copy(update={"survey_delay": 99.0})
    chosen.model_fields_set.add("survey_delay")
    short = demo_settings(chosen, 5999)
    assert (short.survey_delay, short.outbound_hours) == (99.0, "00:00-24:00")
    assert short.clock_scale < 0.01


def test_secrets_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    first = keys.keep(tmp_path)
    assert keys.keep(tmp_path).passwords == first.passwords == keys.read(tmp_path).passwords
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600


def test_the_greeting_names_pages_sign_ins_and_the_hotline(settings: Settings, tmp_path: Path) -> None:
    secret = keys.keep(tmp_path)
    said = "\n".join(greeting(settings, secret))
    assert settings.pages in said
    assert f"sip:hotline@{settings.sip}" in said
    assert all(
        f"{name}" in said and secret.passwords[name] in said for name in ("agent", "supervisor", "admin")
    )
