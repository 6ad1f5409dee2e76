"""`callcenter user` and `callcenter token`."""

from typing import Annotated

import typer

from callcenter.cli.start import load_settings, sentences, upgraded

users = typer.Typer(no_args_is_help=True, help="People who work here.")
ROLES = "agent, lead, supervisor, quality, admin or auditor"
tokens = typer.Typer(no_args_is_help=True, help="Bearer tokens for other systems.")


@users.command("add")
def add_user(
    name: str,
    role: Annotated[str, typer.Option(help=ROLES)] = "agent",
    phone: Annotated[
        str, typer.Option(help="sip:USER@HOST, or the user of a phone that registers here")
    ] = "",
    password: Annotated[str, typer.Option(help="made up and shown when not given")] = "",
    display_name: str = "",
    email: str = "",
    language: Annotated[str, typer.Option(help="en, zh_Hans or zh_Hant")] = "",
    department: str = "",
    supervisor: str = "",
    queue: Annotated[list[str], typer.Option(help="may be given several times")] = ["default"],  # noqa: B006
    heads: Annotated[bool, typer.Option(help="is the head of --department")] = False,
    remote_answer: Annotated[bool, typer.Option(help="the phone answers when told to (Call-Info)")] = False,
) -> None:
    """Add a person."""
    from callcenter.administration import NewUser, add_user

    new = NewUser(
        name,
        role,
        phone,
        password,
        display_name,
        email,
        language,
        department,
        supervisor,
        queue,
        heads,
        remote_answer,
    )
    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print("\n".join(add_user(chosen, new)))


@users.command("password")
def new_password(name: str) -> None:
    """Give a person a new password, shown this once; it must be changed at the next sign-in."""
    from callcenter import administration

    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print("\n".join(administration.new_password(chosen, name)))


@users.command("unlock")
def unlock(name: str) -> None:
    """Let a person sign in again who was locked after too many wrong passwords."""
    from callcenter import administration

    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        administration.unlock(chosen, name)
        print(f"{name} may sign in.")


@tokens.command("add")
def add_token(name: str, role: Annotated[str, typer.Option(help=ROLES)]) -> None:
    """Make a token for a system called NAME; it is shown this once."""
    from callcenter import administration

    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print(administration.add_token(chosen, name, role))


@tokens.command("revoke")
def revoke_token(name: str) -> None:
    """Revoke every token of NAME at once."""
    from callcenter import administration

    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print(f"{administration.revoke_token(chosen, name)} revoked.")
