"""Templates in three languages, with the filters that show times, numbers and words."""

import functools
import gettext
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from callcenter import assets
from callcenter.catalogues import FOLDER, compile_all
from callcenter.customers import numbers
from callcenter.routing import calendars
from callcenter.settings import LANGUAGES, Settings
from callcenter.web import words
from callcenter.web.board import able

HERE = Path(__file__).parent
STATIC = HERE / "static"
MOMENTS = 4096
"""Instants whose text is kept for each language."""
NEAR = 36 * 3600.0
"""Seconds around now in which a time is told as a distance."""


class Pages:
    """One environment a language, so that a template is compiled with its translations once."""

    def __init__(self, settings: Settings) -> None:
        compile_all()
        self.zone = settings.home_zone
        self.country = settings.country
        self.assets = assets.folder(settings.data_dir)
        self.environments = {language: self._environment(language) for language in LANGUAGES}

    def render(self, template: str, language: str, /, **data: Any) -> str:
        """The template as HTML."""
        return self.environments[language].get_template(template).render(**data)

    def translate(self, language: str, text: str) -> str:
        """A text that was marked `lazy`."""
        return str(self.environments[language].globals["gettext_plain"](text))  # type: ignore[operator]

    def word(self, language: str, group: str, code: object) -> str:
        """The word of a code, for what is no template."""
        return self.translate(language, words.word(group, code))

    def with_files_of_others(self) -> bool:
        """Whether Turbo and uPlot were fetched."""
        return assets.present(self.assets)

    def _environment(self, language: str) -> Environment:
        made = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        catalogue: gettext.NullTranslations = gettext.NullTranslations()
        if language != "en":
            catalogue = Translations.load(str(FOLDER), [language])
        made.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
        made.globals.update(
            gettext_plain=catalogue.gettext,
            LANGUAGES=LANGUAGES,
            WORDS=words.WORDS,
            able=able,
            now_s=time.time,
            now_ms=lambda: int(time.time() * 1000),
        )
        shown = Shown(language, self.zone)
        made.filters.update(
            clock=shown.clock,
            day=shown.day,
            moment=shown.moment,
            when=shown.when,
            seconds=shown.seconds,
            percent=shown.percent,
            number=lambda value: number(value, self.country),
            at=at,
            day_text=calendars.text_of,
            kept=lambda value: kept(value, catalogue.gettext),
            word=lambda code, group: catalogue.gettext(words.word(group, code)),
            told=lambda text: catalogue.gettext(text),
        )
        made.filters["query"] = _query
        return made


class Shown:
    """How a language writes times, in the zone of the centre."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.locale = language
        self.zone = zone
        self.moment = functools.lru_cache(MOMENTS)(self._moment)
        """The date, the time and the zone of an instant, for the hover of a relative one; live pages ask for the same ones
        again and again."""

    def clock(self, value: datetime | float | None) -> str:
        """`14:05`."""
        return format_time(at(value), "HH:mm", tzinfo=self.zone, locale=self.locale) if value else ""

    def day(self, value: date | datetime | None) -> str:
        """`2026-11-22`, as every ledger of ours writes it."""
        if isinstance(value, datetime):
            value = value.astimezone(self.zone).date()
        return format_date(value, "yyyy-MM-dd", locale=self.locale) if value else ""

    def _moment(self, value: datetime | float | None) -> str:
        if not value:
            return ""
        pattern = "yyyy-MM-dd HH:mm" if self.locale != "en" else "EEE yyyy-MM-dd HH:mm"
        return f"{format_datetime(at(value), pattern, tzinfo=self.zone, locale=self.locale)} {self.zone.key}"

    def when(self, value: datetime | float | None) -> Markup:
        """A `<time>` element: relative while near, absolute on hover; the page keeps it fresh."""
        if not value:
            return Markup("")
        instant = at(value)
        distance = (instant - datetime.now(UTC)).total_seconds()
        if abs(distance) < NEAR:
            text = format_timedelta(round(distance), threshold=1.5, add_direction=True, locale=self.locale)
        else:
            year = "" if instant.year == datetime.now(UTC).year else "yyyy-"
            text = format_datetime(instant, f"{year}MM-dd HH:mm", tzinfo=self.zone, locale=self.locale)
        return Markup('<time datetime="{}" title="{}" data-relative>{}</time>').format(
            instant.isoformat(), self.moment(instant), text
        )

    @staticmethod
    def seconds(value: float | None) -> str:
        """`0:07`, `12:40`, `1:02:03`."""
        whole = max(0, int(value or 0))
        hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

    @staticmethod
    def percent(value: float | None) -> str:
        """`83 %`; a dash when nothing was counted."""
        return "–" if value is None else f"{value * 100:.0f} %"


def kept(value: Any, told: Callable[[str], str]) -> str:
    """What administrators keep, as a person reads it: lists, mappings and days of a week by their parts."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return told("yes") if value else told("no")
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {kept(one, told)}" for key, one in value.items())
    if not isinstance(value, list):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if not all(isinstance(one, list) for one in value):
        return ", ".join(kept(one, told) for one in value)
    if all(len(one) == 2 and isinstance(one[0], str) for one in value):
        return calendars.text_of(value)
    return " / ".join(kept(one, told) for one in value)


def at(value: datetime | float | None) -> datetime:
    """Seconds since 1970 as an aware instant; an instant as it is."""
    if isinstance(value, datetime):
        return value
    return datetime.fromtimestamp(value or 0.0, UTC)


def number(value: str, country: str) -> Markup:
    """A phone number as it is written at home, E.164 on hover."""
    return Markup('<span class="number" title="{}">{}</span>').format(value, numbers.national(value, country))


@pass_context
def _query(context: Context, value: Mapping[str, Any], **changes: Any) -> str:
    """`?a=b&...` of a mapping with some keys changed; empty values leave."""
    from urllib.parse import urlencode

    merged = {**value, **changes}
    kept = {key: item for key, item in merged.items() if item not in ("", None)}
    return "?" + urlencode(kept, doseq=True) if kept else "?"
