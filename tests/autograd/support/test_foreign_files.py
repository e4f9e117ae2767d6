"""What may be a foreign file, and what JSON may say."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from autograd.support.foreign_files import ForeignFileError, parse_json, read_foreign


def test_a_regular_file_is_read_up_to_its_bound(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_foreign(path, 5) == b"12345"
    assert read_foreign(str(path), 5) == b"12345"
    with pytest.raises(ForeignFileError, match="a file of 5 bytes, more than the 4 that are read"):
        read_foreign(path, 4)
    path.write_bytes(b"")
    assert read_foreign(path, 0) == b""


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX")
def test_a_link_is_judged_by_what_it_points_to(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_foreign(tmp_path / "link", 5) == b"12345"
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(ForeignFileError, match="not a regular file"):
        read_foreign(tmp_path / "zero", 5)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match="symbolic links"):
        read_foreign(tmp_path / "round", 5)


@pytest.mark.skipif(os.name != "posix", reason="no files of these kinds here")
def test_what_is_not_a_regular_file_is_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    monkeypatch.setattr("builtins.open", None)
    for name in ("pipe", "socket", "/dev/null"):
        with pytest.raises(ForeignFileError, match="not a regular file"):
            read_foreign(tmp_path / name, 5)
    with pytest.raises(ForeignFileError, match="a directory"):
        read_foreign(tmp_path, 5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_that_takes_the_files_name_meanwhile_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    status = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    with monkeypatch.context() as patch:
        patch.setattr("os.stat", lambda path: status)
        with pytest.raises(ForeignFileError, match="not a regular file"):
            read_foreign(path, 5)


def test_what_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_foreign(tmp_path / "nothing", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[1", "no JSON"),
        ("[1] [2]", "no JSON"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "names a key twice"),
        ("1" * 19, "a whole number of 19 digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 90_000, "nested too deeply"),
        ("[" + "[]," * 5_000_000 + "1]", "more than 5000000 arrays"),
        ("[" + "{}," * 100_001 + "1]", "or 100000 objects"),
        ("not a number", "no JSON"),
    ],
    ids=lambda text: text[:20],
)
def test_json_of_another_kind_is_refused(text, message):
    with pytest.raises(ForeignFileError, match=message):
        parse_json(text, float)


def test_the_digits_that_python_may_read_do_not_matter():
    limit = sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else None
    if limit is not None:
        sys.set_int_max_str_digits(0)
    try:
        with pytest.raises(ForeignFileError, match="a whole number of 10000000 digits"):
            parse_json("9" * 10_000_000, float)
    finally:
        if limit is not None:
            sys.set_int_max_str_digits(limit)


def test_numbers_are_made_as_is_asked():
    assert parse_json("[1, 1.5, -2e3, NaN]", str) == [1, "1.5", "-2e3", "NaN"]
    assert parse_json("999999999999999999", float) == 999999999999999999
