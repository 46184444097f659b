"""What holds for every language code."""

from hypothesis import given
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
    except AlignkitError as error:
        assert "\n" not in str(error)
        return
    assert normalise(once) == once
    assert len(script(once)) == 4
