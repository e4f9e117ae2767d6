"""A file is written whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from autograd.support.whole_files import write_whole


def test_text_and_bytes_replace_what_was_there(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "äöü")
    assert path.read_bytes() == "äöü".encode()
    write_whole(str(path), b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    path.write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(call, full)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_all_of_it_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    happened = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor):
        sync(descriptor)
        happened.append(("synced", os.fstat(descriptor).st_size))

    def replaced(part, target):
        happened.append(("replaced", os.fspath(target)))
        replace(part, target)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr("os.replace", replaced)
    write_whole(tmp_path / "a", b"12345")
    assert happened == [("synced", 5), ("replaced", os.fspath(tmp_path / "a"))]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as failed:
        write_whole(tmp_path / "nowhere" / "file", "text")
    assert failed.value.filename == str(tmp_path / "nowhere" / "file")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NotADirectoryError) as failed:
        write_whole(tmp_path / "file" / "page", "text")
    assert failed.value.filename == str(tmp_path / "file" / "page")


@pytest.mark.skipif(os.name != "posix", reason="links and modes are POSIX")
def test_a_link_goes_on_pointing_and_a_file_keeps_its_mode(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_text("before")
    path.chmod(0o600)
    link.symlink_to("file")
    write_whole(link, "after")
    assert link.is_symlink()
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
def test_a_device_that_takes_no_more_is_named():
    with pytest.raises(OSError, match="No space left") as failed:
        write_whole("/dev/full", "text")
    assert failed.value.filename == "/dev/full"


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match=r"file'$") as failed:
        write_whole(tmp_path / "file", "text")
    assert failed.value.filename == str(tmp_path / "file")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    code = (
        "import sys\nfrom autograd.support.whole_files import write_whole\n"
        "while True:\n    for letter in 'ab':\n        write_whole(sys.argv[1], letter * 300_000)\n"
    )
    for wait in (0.0, 0.011, 0.037):
        writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
        while not path.exists():
            time.sleep(0.001)
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert path.read_text() in ("a" * 300_000, "b" * 300_000)
        path.unlink()
