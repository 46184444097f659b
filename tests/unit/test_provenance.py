import hashlib
import json
import os
import subprocess
import sys

from alignkit.provenance import environment, fingerprint_folder, hash_file


def test_a_files_hash_is_its_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")

    # printf abc | sha256sum
    assert hash_file(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_file_that_changed_is_hashed_anew(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    before = hash_file(path)
    path.write_bytes(b"abd")
    os.utime(path, ns=(0, 1))  # a clock may be too coarse to tell the two apart

    assert hash_file(path) == hashlib.sha256(b"abd").hexdigest() != before


def test_a_fingerprint_knows_which_file_has_which_content(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, contents in ((one, "xy"), (other, "yx")):
        folder.mkdir()
        for name, content in zip("ab", contents, strict=True):
            (folder / name).write_text(content)
    names = ["a", "b"]

    first = fingerprint_folder(one, [one / name for name in names], {"dtype": "float32"})

    assert first == fingerprint_folder(one, [one / "b", one / "a"], {"dtype": "float32"})
    assert first != fingerprint_folder(
        other, [other / name for name in names], {"dtype": "float32"}
    )
    assert first != fingerprint_folder(one, [one / name for name in names], {"dtype": "float16"})
    assert first != fingerprint_folder(one, [one / "a"], {"dtype": "float32"})


def test_the_environment_is_plain_json_with_versions():
    found = environment()

    assert json.loads(json.dumps(found)) == found
    assert found["packages"]["alignkit"]
    assert found["packages"]["torch"].startswith("2.")
    assert found["cores"] >= 1


def test_asking_for_the_environment_imports_no_heavy_library():
    code = (
        "import sys; from alignkit.provenance import environment; environment()\n"
        "print({'torch', 'transformers', 'scipy', 'pandas', 'umap'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
