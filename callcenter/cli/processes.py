"""Every process, the store beside them, and what is looked at before they start."""

import importlib
import os

import typer

from callcenter.cli.start import check_recordings, enter, load_settings, refuse, upgraded

app = typer.Typer()


@app.command()
def up() -> None:
    """Everything: store, line, conductor, web, timers and workers, until Ctrl-C."""
    from callcenter import installation

    chosen = load_settings()
    check_recordings(chosen)

    def greeting() -> list[str]:
        from callcenter import administration

        return [*administration.first_admin(chosen), *installation.addresses(chosen)]

    raise typer.Exit(installation.run(chosen, greeting=greeting))


@app.command()
def demo() -> None:
    """Everything, with callers and agents' phones that keep the place alive."""
    chosen = load_settings(demo=True)
    check_recordings(chosen)
    raise typer.Exit(importlib.import_module("callcenter.demo").main(chosen) or 0)


@app.command()
def web() -> None:
    """Pages, JSON, live updates."""
    enter("callcenter.web.app")


@app.command()
def line() -> None:
    """SIP and RTP."""
    enter("callcenter.line", keeps_record=False)


@app.command()
def conductor() -> None:
    """Menus, queues, offers: the only writer of the live board."""
    enter("callcenter.conductor")


@app.command()
def timers() -> None:
    """The sweep that fires what is due."""
    enter("callcenter.timers")


@app.command()
def ledger() -> None:
    """The record of calls, written from what the conductor tells."""
    enter("callcenter.ledger")


@app.command()
def worker(queue: str) -> None:
    """Jobs of one queue."""
    from callcenter import jobs

    if queue not in jobs.QUEUES:
        refuse(f"There is no queue {queue!r}; choose from {', '.join(jobs.QUEUES)}.")
    enter("workers.run", queue)


@app.command()
def store() -> None:
    """The embedded store alone, for processes that are started one by one without REDIS_URL."""

    from callcenter import store

    try:
        command = store.command(load_settings().data_dir)
    except store.StoreMissing as error:
        refuse(str(error))
    os.execv(command[0], command)  # noqa: S606  # an argument list, no shell


@app.command()
def ready() -> None:
    """Upgrade the schema, and say whether database and store answer: what is checked before a start."""
    from redis import RedisError

    from callcenter import store, stream

    chosen = load_settings()
    upgraded(chosen)
    client = stream.connect(store.url(chosen.redis_url, chosen.data_dir))
    try:
        client.ping()
    except (RedisError, OSError) as error:
        refuse(f"The store (REDIS_URL) cannot be used: {error}")
    finally:
        client.close()


@app.command()
def assets() -> None:
    """Fetch the files of others that the pages use. `up` and `demo` do so at their start."""
    from callcenter import assets

    where = assets.folder(load_settings().data_dir)
    try:
        assets.fetch(where)
    except assets.FetchFailed as error:
        refuse(str(error))
    print(where)
