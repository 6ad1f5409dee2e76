"""Prompts as administrators keep them. Times are aware; sessions are write sessions unless it says so."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from callcenter.errors import DomainError, InvalidInput, NotFound, Stale
from callcenter.prompts import sound
from callcenter.prompts.models import Prompt, PromptSound

LANGUAGES = ("en", "cmn", "yue")
LONGEST_TEXT = 1000


class PromptInUse(DomainError):
    """Callers hear this prompt: first choose another one where it is used."""

    status = 409


def listing(session: Session) -> list[Prompt]:
    """All of them, by name and language. A read session will do."""
    return list(session.exec(select(Prompt).order_by(col(Prompt.name), col(Prompt.language))).all())


def find(session: Session, name: str, language: str) -> Prompt:
    """Raises NotFound."""
    prompt = session.get(Prompt, (name, language))
    if prompt is None:
        raise NotFound
    return prompt


def put(
    session: Session, name: str, language: str, text: str, uploaded: tuple[bytes, float] | None, by: str,
    version: int, now: datetime,
) -> Prompt:  # fmt: skip
    """Make it, or change its text; with `uploaded` (`sound.converted`) its sound too.

    `version`: 0 for a new one. Raises InvalidInput with a sentence for each wrong field; Stale when somebody changed,
    or made, it meanwhile.
    """
    text = text.strip()
    prompt = session.get(Prompt, (name, language), with_for_update=True)
    wrong = {}
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
        wrong["name"] = "1 to 40 small letters, digits, - or _"
    if language not in LANGUAGES:
        wrong["language"] = ", ".join(LANGUAGES)
    if len(text) > LONGEST_TEXT or not all(letter.isprintable() or letter == "\n" for letter in text):
        wrong["text"] = f"at most {LONGEST_TEXT} characters that can be shown"
    elif not text and uploaded is None and not (prompt and prompt.sound):
        wrong["text"] = "a text, or a WAV"
    if wrong:
        raise InvalidInput(**wrong)
    if (prompt.version if prompt else 0) != version:
        raise Stale
    prompt = prompt or Prompt(name=name, language=language, version=0, at=now)
    prompt.text, prompt.by, prompt.at, prompt.version = text, by, now, prompt.version + 1
    if uploaded is not None:
        body, prompt.seconds = uploaded
        prompt.sound = sound.digest(body)
        session.merge(PromptSound(digest=prompt.sound, body=body))
    session.add(prompt)
    return prompt


def restore(
    session: Session, name: str, language: str, text: str, digest: str, by: str, now: datetime
) -> Prompt:
    """Text and sound as they were, also of one that was deleted. NotFound when the sound is not kept any more."""
    heard = session.get(PromptSound, digest) if digest else None
    if digest and heard is None:
        raise NotFound
    prompt = session.get(Prompt, (name, language), with_for_update=True)
    prompt = prompt or Prompt(name=name, language=language, version=0, at=now)
    prompt.text, prompt.sound = text, digest
    prompt.by, prompt.at, prompt.version = by, now, prompt.version + 1
    prompt.seconds = sound.seconds_of(heard.body) if heard else 0.0
    session.add(prompt)
    session.flush()
    return prompt


def delete(session: Session, name: str, language: str, version: int, used_by: Sequence[str]) -> None:
    """`used_by`: where its name stands; only the last language of a name is held by it. Raises NotFound, Stale,
    PromptInUse, which names the places."""
    prompt = session.get(Prompt, (name, language), with_for_update=True)
    if prompt is None:
        raise NotFound
    if prompt.version != version:
        raise Stale
    others = session.exec(
        select(Prompt.language).where(Prompt.name == name, Prompt.language != language)
    ).all()
    if used_by and not others:
        raise PromptInUse(used_by="; ".join(used_by))
    session.delete(prompt)


def playable(session: Session, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Name -> language -> what the line plays (`commands.PlayPrompts`). A read session will do."""
    wanted = set(names)
    found: dict[str, dict[str, str]] = {name: {} for name in wanted}
    for prompt in listing(session) if wanted else []:
        if prompt.name in wanted:
            found[prompt.name][prompt.language] = _played(prompt)
    return {name: languages for name, languages in found.items() if languages}


def digests(session: Session) -> tuple[str, ...]:
    """The sounds of all prompts: what every line fetches. A read session will do."""
    found = session.exec(select(Prompt.sound).where(Prompt.sound != "").distinct()).all()
    return tuple(sorted(found))


def bodies(session: Session, wanted: Iterable[str]) -> Mapping[str, bytes]:
    """Digest -> WAV. A read session will do."""
    found = session.exec(select(PromptSound).where(col(PromptSound.digest).in_(list(wanted)))).all()
    return {one.digest: one.body for one in found}


def wav(session: Session, prompt: Prompt) -> bytes:
    """What callers hear of it, as a WAV. A read session will do."""
    kept = session.get(PromptSound, prompt.sound) if prompt.sound else None
    return kept.body if kept else sound.speak(prompt.language, prompt.text)


def _played(prompt: Prompt) -> str:
    spoken = f"say:{prompt.language}:{prompt.text}"
    if not prompt.sound:
        return spoken
    file = f"file:prompt-{prompt.sound}.wav"
    return f"{file}|{spoken}" if prompt.text else file
