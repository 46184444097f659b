import pytest

from alignkit.whole_file import write_whole


def test_a_file_is_replaced_at_once_or_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alignkit.whole_file.Path.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"third")
    assert path.read_bytes() == b"second"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
