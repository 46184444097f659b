"""What holds for every language code."""

from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alignkit.errors import AlignkitError
from alignkit.languages import normalise, script

CODES = st.one_of(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=3),
    st.text(max_size=12),
)
SCRIPTS = st.sampled_from(["", "-Latn", "_Arab", "-Cyrl", "_Hant", "_Hang", "-Deva"])


@given(CODES, SCRIPTS)
def test_a_normalised_code_stays_as_it_is(code, suffix):
    try:
        once = normalise(code + suffix)
    except AlignkitError:
        assume(False)
    assert normalise(once) == once
    assert len(script(once)) == 4


@given(st.text())
def test_whatever_is_no_code_is_refused_in_one_line(code):
    with suppress(AlignkitError):
        normalise(code)
        return
    with pytest.raises(AlignkitError, match=r"\A[^\n]*\Z"):
        normalise(code)
