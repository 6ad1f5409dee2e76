"""`callcenter simulate` and `callcenter replay`: what would be, with the rules of the live board."""

from pathlib import Path
from typing import Annotated

import typer

from callcenter.cli.start import load_settings, refuse, sentences, upgraded

app = typer.Typer()

MOST_DAYS = 100_000
MOST_RUNS = 10_000


@app.command()
def simulate(
    file: Path,
    days: Annotated[int, typer.Option(min=2, max=MOST_DAYS, help="independent days")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same days")] = 1,
) -> None:
    """Run the centre that FILE (TOML) describes for many days; JSON with 95 % confidence intervals."""
    from callcenter.whatif import centre, report, simulate

    try:
        with sentences():
            described = centre.load(file)
    except OSError as error:
        refuse(f"{file} cannot be read: {(error.strerror or str(error)).lower()}.")
    print(report.as_json(simulate.simulate(described, days, seed)))


@app.command()
def replay(
    day: str,
    agents: Annotated[int, typer.Option(min=-5000, max=5000, help="how many more, or less: +2, -1")] = 0,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            help="a strategy, or [QUEUE.]FIELD=VALUE of strategy, max_wait, max_length, service_level, priority",
        ),
    ] = None,
    runs: Annotated[int, typer.Option(min=2, max=MOST_RUNS, help="independent runs")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same runs")] = 1,
) -> None:
    """Run the arrivals of DAY (2026-03-01) again, with other agents or rules, beside what happened; JSON."""
    from datetime import date

    from callcenter import db
    from callcenter.errors import InvalidInput
    from callcenter.whatif import recorded, report
    from callcenter.whatif import replay as again

    chosen = load_settings()
    upgraded(chosen)
    engine = db.connect(chosen.sql, pool=2)
    try:
        with sentences(), db.read(engine) as session:
            try:
                wanted = date.fromisoformat(day)
            except ValueError:
                raise InvalidInput(day=f"{day!r} is no day such as 2026-03-01") from None
            past = recorded.read(session, wanted, chosen.home_zone)
            change = again.Change(agents, tuple(again.rule(text) for text in rules or ()))
            told = again.replay(past, change, runs, seed)
    finally:
        engine.dispose()
    print(report.as_json({"day": day, **told}))
