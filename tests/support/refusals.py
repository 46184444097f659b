"""What a command must do with wrong input."""


def refused(result, *words):
    """Exit code 2 and one line on stderr, with these words in it."""
    code, out, err = result
    assert code == 2, err
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("alignkit: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    for word in words:
        assert word in lines[0], lines[0]
