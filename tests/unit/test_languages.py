"""Codes of every common form become one, and never another language's."""

import pytest

from alignkit.errors import AlignkitError
from alignkit.languages import display_order, family, is_right_to_left, name, normalise, script


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("de", "de"),
        ("deu", "de"),
        ("ger", "de"),
        ("EN", "en"),
        ("eng_Latn", "en"),
        ("pt-BR", "pt"),
        ("zho_Hans", "zh"),
        ("zho_Hant", "zh-Hant"),
        ("zh-TW", "zh-Hant"),
        ("zh-yue", "yue"),
        ("srp_Cyrl", "sr"),
        ("sr-Latn", "sr-Latn"),
        ("kor_Hang", "ko"),
        ("jpn_Jpan", "ja"),
        ("kas_Deva", "ks-Deva"),
        ("iw", "he"),
        ("tgl_Latn", "tl"),
    ],
)
def test_every_common_form_becomes_one_code(given, expected):
    assert normalise(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("arb_Arab", "arb"), ("arz", "arz"), ("cmn", "cmn"), ("swh_Latn", "swh"), ("prs", "prs"),
     ("swc", "swc"), ("nob_Latn", "nb"), ("fil", "fil")],
)  # fmt: skip
def test_a_language_does_not_become_its_macrolanguage(given, expected):
    assert normalise(given) == expected


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("germn", "'germn' is no language code. Did you mean 'de' (German)?"),
        ("Deutsch", "'Deutsch' is no language code. Did you mean 'de' (German)?"),
        ("jp", "'jp' is no language code. Did you mean 'ja' (Japanese)?"),
        ("en-Xxxx", "'en-Xxxx' is no language code. Did you mean 'en' (English)?"),
        ("xx", "'xx' is no language code. Write an ISO 639 code such as 'de' or 'yue'."),
        ("", "'' is no language code. Write an ISO 639 code such as 'de' or 'yue'."),
        ("und", "'und' is no language code. Write an ISO 639 code such as 'de' or 'yue'."),
    ],
)
def test_an_unknown_code_gets_the_nearest_offered(given, text):
    with pytest.raises(AlignkitError) as error:
        normalise(given)
    assert str(error.value) == text


def test_names_are_english_and_tell_scripts_apart():
    assert name("de") == "German"
    assert name("zh-Hant") == "Chinese (Traditional)"
    assert name("arz") == "Egyptian Arabic"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ar", "Arab"), ("arz", "Arab"), ("acm", "Arab"), ("zh", "Hans"), ("zh-Hant", "Hant"),
     ("el", "Grek"), ("sr", "Cyrl"), ("sr-Latn", "Latn"), ("ja", "Jpan"), ("hbo", "Zzzz")],
)  # fmt: skip
def test_a_script_is_known_or_said_to_be_unknown(code, expected):
    assert script(code) == expected


def test_direction_follows_the_script():
    assert is_right_to_left("fa")
    assert is_right_to_left("he")
    assert not is_right_to_left("arb-Latn")
    assert not is_right_to_left("hi")


def test_a_language_without_an_entry_has_its_macrolanguages_family():
    assert family("arz") == "Afro-Asiatic"
    assert family("th") == "Tai-Kadai"
    assert family("kl") == "other"


def test_figures_order_languages_by_script_then_family_then_code():
    given = ["vi", "zh", "tr", "th", "es", "ru", "hi", "en", "el", "de", "ar", "fi"]
    expected = ["ar", "ru", "hi", "el", "zh", "vi", "de", "en", "es", "tr", "fi", "th"]
    assert display_order(given) == expected
