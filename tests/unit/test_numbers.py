"""Numbers become E.164 by the trunk's country, however they were written."""

import pytest

from callcenter.customers import numbers


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("13812345678", "CN", "+8613812345678"),
        ("１３８ １２３４ ５６７８", "CN", "+8613812345678"),
        ("+86 138-1234-5678", "US", "+8613812345678"),
        ("0086 138 1234 5678", "CN", "+8613812345678"),
        ("8613812345678", "CN", "+8613812345678"),
        ("8613812345678", "US", "+8613812345678"),
        ("sip:+8613812345678@example.com;user=phone", "GB", "+8613812345678"),
        ("<sip:13812345678@10.0.0.1:5060>", "CN", "+8613812345678"),
        ("tel:+86-138-1234-5678;phone-context=x", "CN", "+8613812345678"),
        ("010 6552 9988 转 801", "CN", "+861065529988"),
        ("021-62345678-801", "CN", "+862162345678"),
        ("(021) 6234 5678", "CN", "+862162345678"),
        ("+49 (0) 89/123456", "CN", "+4989123456"),
        ("0049 (0)89 123456", "DE", "+4989123456"),
        ("089/123456", "DE", "+4989123456"),
        ("+39 (0)6 12345678", "CN", "+390612345678"),
        ("9123 4567", "HK", "+85291234567"),
        ("+852 9123 4567", "CN", "+85291234567"),
        ("020 7946 0958 ext. 12", "GB", "+442079460958"),
        ("400-812-3456", "CN", "+864008123456"),
        ("(212) 736-5000", "US", "+12127365000"),
    ],
)
def test_a_number_becomes_e164(raw: str, country: str, expected: str) -> None:
    assert numbers.e164(raw, country) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "anonymous",
        "101",
        "95588",
        "62345678",
        "hotline",
        "+",
        "sip:anonymous@anonymous.invalid",
        "1" * 30,
    ],
)
def test_what_cannot_be_rung_from_abroad_is_no_number(raw: str) -> None:
    assert numbers.e164(raw, "CN") is None


def test_e164_is_a_fixed_point() -> None:
    for number in ("+8613812345678", "+85291234567", "+4989123456", "+390612345678", "+12127365000"):
        for country in ("CN", "DE", "US", "HK"):
            assert numbers.e164(number, country) == number


def test_the_tail_is_eight_digits_or_nothing() -> None:
    assert numbers.tail("+8613812345678") == "12345678"
    assert numbers.tail("sip:62345678@pbx") == "62345678"
    assert numbers.tail("２３４５６７８９") == "23456789"
    assert numbers.tail("1234567") == ""


def test_at_home_a_number_is_written_as_at_home() -> None:
    assert numbers.national("+8613812345678", "CN") == "138 1234 5678"
    assert numbers.national("+8613812345678", "HK") == "+86 138 1234 5678"
    assert numbers.national("101", "CN") == "101"


@pytest.mark.parametrize(
    ("number", "language", "expected"),
    [
        ("+861065529988", "zh_Hans", "北京市"),
        ("+861065529988", "en", "Beijing"),
        ("+8675512345678", "zh_Hans", "广东省深圳市"),
        ("+8613812345678", "zh_Hans", "江苏省连云港市"),
        ("+88621234567", "zh_Hant", "臺北"),
        ("+85291234567", "zh_Hant", "中國香港特別行政區"),
        ("+4989123456", "en", "Munich"),
        ("+4989123456", "zh_Hans", "Munich"),
        ("101", "en", ""),
    ],
)
def test_the_region_is_named_in_the_readers_language(number: str, language: str, expected: str) -> None:
    assert numbers.region(number, language) == expected


def test_a_zone_is_given_only_when_it_is_one() -> None:
    assert numbers.zone("+8613812345678") == "Asia/Shanghai"
    assert numbers.zone("+85291234567") == "Asia/Hong_Kong"
    assert numbers.zone("+18004444444") is None
    assert len(numbers.zones("+18004444444")) > 1
    assert numbers.zone("") is None


def test_who_is_unknown_is_spoken_to_in_the_language_of_the_country() -> None:
    assert numbers.spoken("+8613812345678", "GB") == "cmn"
    assert numbers.spoken("+85291234567", "CN") == "yue"
    assert numbers.spoken("+4989123456", "CN") == "en"
    assert numbers.spoken("", "CN") == "cmn"
