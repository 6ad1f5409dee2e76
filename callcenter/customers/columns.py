"""Columns of a customer file: their names in English and Chinese, and how a cell becomes a value."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from callcenter.customers import numbers
from callcenter.sheets import BadCell, by_heading, plain

ALIASES = {
    "external_id": "id, customer id, customer no, customer number, account, 编号, 客户编号, 客户号, "
    "客户代码, 編號, 客戶編號",
    "name": "customer, customer name, full name, contact, 姓名, 名称, 客户, 客户名称, 客户姓名, 联系人, "
    "名稱, 客戶名稱, 聯絡人",
    "number": "numbers, phone, phones, telephone, tel, mobile, phone number, 电话, 电话号码, 手机, 手机号, 手机号码, "
    "联系电话, 號碼, 電話, 電話號碼, 手機, 聯絡電話",
    "number_2": "phone 2, number 2, other phone, 电话2, 其他电话, 备用电话, 電話2, 其他電話",
    "country": "国家, 国别, 國家",
    "tier": "class, level, abc, 等级, 级别, 客户等级, 客户级别, 等級, 級別, 客戶等級",
    "organisation": "organization, company, employer, 公司, 单位, 公司名称, 单位名称, 單位, 公司名稱",
    "region": "area, city, province, 地区, 区域, 城市, 省份, 地區, 區域",
    "language": "written language, 语言, 書面語言, 语种, 語言, 語種",
    "spoken": "spoken language, 口语, 通话语言, 口語, 通話語言",
    "zone": "time zone, timezone, 时区, 時區",
    "email": "e-mail, mail, 邮箱, 电子邮件, 电子邮箱, 郵箱, 電子郵件",
    "address": "street, 地址, 通讯地址, 住址, 通訊地址",
    "warranty_ends": "warranty, warranty end, warranty until, 保修到期, 保修期, 质保到期, 保修截止, 保固到期, 保養到期",
    "contract_ends": "contract, contract end, contract until, 合同到期, 合同期, 合同截止, 服务到期, 合約到期",
    "do_not_call": "dnc, no calls, 勿扰, 免打扰, 拒绝来电, 勿擾, 免打擾",
    "note": "notes, remark, remarks, comment, 备注, 说明, 備註, 說明",
}
"""Column -> other headings that mean it. Case, spaces, `_`, `-` and a trailing `*` or `:` do not matter."""

CLEAR = "-"
"""A cell that empties what is stored; an empty cell leaves it."""

_LANGUAGES = {
    "en": "en, eng, english, 英文, 英语, 英語",
    "zh_Hans": "zh_hans, zh, zh_cn, zh_sg, chinese, simplified chinese, 中文, 简体, 简体中文, 汉语",
    "zh_Hant": "zh_hant, zh_tw, zh_hk, zh_mo, traditional chinese, 繁体, 繁体中文, 繁體, 繁體中文",
}
_SPOKEN = {
    "en": "en, english, 英文, 英语, 英語",
    "cmn": "cmn, zh, mandarin, putonghua, chinese, 普通话, 普通話, 国语, 國語, 中文, 汉语",
    "yue": "yue, cantonese, 粤语, 粵語, 广东话, 廣東話, 白话",
}
_YES_NO = {"1": "1, yes, y, true, 是, 有, 对", "": "0, no, n, false, 否, 无, 無"}


def headings(row: Sequence[str]) -> list[str]:
    """Our column for each heading of a file; empty for one that we do not know."""
    return [_HEADINGS.get(plain(cell), "") for cell in row]


def value(field: str, text: str) -> Any:
    """One cell as its column's value; an empty one empties it. BadCell when it cannot be understood."""
    text = text.strip()
    if not text and field == "name":
        raise BadCell(field, "a customer keeps a name")
    return _READERS[field](field, text) if text else _EMPTY.get(field, "")


def values(cells: Mapping[str, str], country: str) -> dict[str, Any]:
    """Column -> value of the cells that say something; `numbers` holds E.164. BadCell names the first wrong one."""
    home = cells.get("country", "").strip().upper() or country
    if not re.fullmatch("[A-Z]{2}", home):
        raise BadCell("country", f"{home!r} is not an ISO 3166 country code such as CN")
    found: dict[str, Any] = {}
    for field, read in _READERS.items():
        text = cells.get(field, "").strip()
        if text == CLEAR:
            found[field] = _EMPTY.get(field, "")
        elif text:
            found[field] = read(field, text)
    found["numbers"] = [number for field in ("number", "number_2") for number in _numbers(field, cells, home)]
    if "name" in found and not found["name"]:
        raise BadCell("name", "a customer keeps a name")
    return found


def _numbers(field: str, cells: Mapping[str, str], country: str) -> list[str]:
    """Several in one cell are parted by ; , 、 or |; a slash may belong to a number."""
    found = []
    for part in re.split(r"[;；,，、|\n]", cells.get(field, "")):
        text = part.strip().removeprefix("'")
        if not text or text == CLEAR:
            continue
        number = numbers.e164(text, country)
        if number is None:
            raise BadCell(field, f"{text!r} is no telephone number in {country}")
        found.append(number)
    return list(dict.fromkeys(found))


def _text(limit: int) -> Callable[[str, str], str]:
    def read(field: str, text: str) -> str:
        if len(text) > limit:
            raise BadCell(field, f"longer than {limit} characters")
        if "\0" in text:
            raise BadCell(field, "holds a zero byte")
        return text

    return read


def _tier(field: str, text: str) -> str:
    found = re.fullmatch(r"([ABC])\s*[类類级級]?", text.upper())
    if not found:
        raise BadCell(field, f"{text!r} is not A, B or C")
    return found[1]


def _one_of(words: Mapping[str, str], meant: str) -> Callable[[str, str], str]:
    known = {plain(alias): word for word, aliases in words.items() for alias in aliases.split(",")}

    def read(field: str, text: str) -> str:
        if plain(text) not in known:
            raise BadCell(field, f"{text!r} is not {meant}")
        return known[plain(text)]

    return read


def _flag(field: str, text: str) -> bool:
    return bool(_one_of(_YES_NO, "yes or no")(field, text))


def _zone(field: str, text: str) -> str:
    if text not in available_timezones():
        raise BadCell(field, f"{text!r} is not an IANA time zone such as Asia/Shanghai")
    return text


def _email(field: str, text: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", text):
        raise BadCell(field, f"{text!r} is no address of a mailbox")
    return text


def _date(field: str, text: str) -> date:
    """Year first only: 3/4/2026 is two different days."""
    found = re.fullmatch(
        r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?(?:[ T]00:00(?::00)?)?", text
    ) or re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise BadCell(field, f"{text!r} is no date such as 2026-03-01")


_EMPTY = {"external_id": None, "warranty_ends": None, "contract_ends": None, "do_not_call": False}

_READERS: dict[str, Callable[[str, str], Any]] = {
    "external_id": _text(100),
    "name": _text(200),
    "tier": _tier,
    "organisation": _text(200),
    "region": _text(200),
    "language": _one_of(_LANGUAGES, "en, zh_Hans or zh_Hant"),
    "spoken": _one_of(_SPOKEN, "en, cmn or yue"),
    "zone": _zone,
    "email": _email,
    "address": _text(500),
    "warranty_ends": _date,
    "contract_ends": _date,
    "do_not_call": _flag,
    "note": _text(4000),
}

_HEADINGS = by_heading(ALIASES)

FIELDS = tuple(_READERS)
"""Columns that a customer's row has; numbers are rows of their own."""
