"""Files of the user's own: what is read, what is refused, and that nothing in them runs."""

import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from models import load_assignment_data
from models.assignment.reading import DataError

TABLE = np.arange(18.0).reshape(3, 6) / 7
ARRAYS = {
    "C order": TABLE,
    "Fortran order": np.asfortranarray(TABLE),
    "strided": np.repeat(TABLE, 2, axis=0)[::2],
    "float32": TABLE.astype(np.float32),
    "long double": TABLE.astype(np.longdouble),
    "big-endian": TABLE.astype(">f8"),
    "int": np.arange(18).reshape(3, 6),
    "uint8": np.arange(18, dtype=np.uint8).reshape(3, 6),
}


RAW = TABLE.tobytes()


def read(path):
    return np.column_stack(load_assignment_data(path))


def npy(shape="(3, 6)", descr="'<f8'", header="", raw=bytes(48), version=b"\x01\x00"):
    """A .npy file with a header of one's own; its numbers take 48 bytes."""
    header = header or f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text + raw


def lie(shape=(3, 6), dtype=TABLE.dtype, raw=RAW):
    """A pickled array whose description does not fit it."""

    class Lie:
        def __reduce__(self):
            return np.array(0.0).__reduce__()[0], (np.ndarray, (0,), b"b"), (1, shape, dtype, False, raw)

    return pickle.dumps(Lie())


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol(tmp_path, array, protocol):
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps(array, protocol))
    np.testing.assert_array_equal(read(path), array.astype(float))


@pytest.mark.parametrize(
    ("here", "there"), [(b"numpy._core", b"numpy.core"), (b"numpy.core", b"numpy._core")]
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_pickles_of_numpy_1_and_2(tmp_path, here, there, protocol):
    path = tmp_path / "data.pkl"
    content = pickle.dumps(TABLE, protocol)
    if protocol == 5:  # strings and frames have their lengths before them: spell the name anew
        content = content.replace(
            b"\x8c" + bytes([len(here) + 8]) + here, b"\x8c" + bytes([len(there) + 8]) + there
        )
        content = content[:2] + content[11:]  # without the frame
    path.write_bytes(content.replace(here, there))
    np.testing.assert_array_equal(read(path), TABLE)


def test_a_pickle_of_python_2(tmp_path):
    path = tmp_path / "data.pkl"
    raw = TABLE.astype("<f8").tobytes()
    path.write_bytes(
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x03K\x06\x86"  # version 1, shape (3, 6)
        b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + len(raw).to_bytes(4, "little") + raw + b"tb."  # C order, and the numbers as a str
    )
    np.testing.assert_array_equal(read(path), TABLE)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_files_of_every_version(tmp_path, array, version):
    path = tmp_path / "data.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, version)
    np.testing.assert_array_equal(read(path), array.astype(float))


@pytest.mark.parametrize("start", ["", "a,b,c,d,e,f\n", "\ufeffa,b,c,d,e,f\r\n", "\n"])
def test_csv_with_and_without_a_header(tmp_path, start):
    path = tmp_path / "DATA.CSV"
    rows = "\n".join(",".join(map(repr, row)) for row in TABLE.tolist())
    path.write_bytes((start + rows).encode())
    np.testing.assert_array_equal(read(path), TABLE)


class Touch:
    """What a hostile pickle would do: run a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: [TABLE, t], lambda t: np.array([[t] * 6])])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_a_command_is_refused_and_does_not(tmp_path, wrap, protocol):
    path, mark = tmp_path / "data.pkl", tmp_path / "mark"
    content = pickle.dumps(wrap(Touch(mark)), protocol)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.pkl: found a pickle that asks for '(posix|nt)\.system'"):
        read(path)
    assert not mark.exists()
    pickle.loads(content)
    assert mark.exists(), "the pickle would not have run anything: the test shows nothing"


REFUSED = {
    "dict": (pickle.dumps({"X": 1}), "a pickled dict"),
    "list of numbers": (pickle.dumps(TABLE.tolist()), "a pickled list"),
    "many numbers": (pickle.dumps(list(range(1000))), "other things than one NumPy array"),
    "two arrays": (pickle.dumps((TABLE, TABLE)), "a pickled tuple"),
    "NumPy scalar": (pickle.dumps(np.float64(1.0)), r"asks for 'numpy.*scalar'"),
    "builtin": (b"cbuiltins\neval\n(S'1+1'\ntR.", r"asks for 'builtins\.eval'"),
    "stand-in's class": (b"cnumpy\nndarray\n.", "a pickled type"),
    "extension": (b"\x80\x02\x82\x01.", "other things than one NumPy array"),
    "far memo": (b"\x80\x02K\x01r\xff\xff\xff\x7f.", "other things than one NumPy array"),
    "text": (b"not a pickle at all", "broken or truncated .pkl"),
    "no dtype": (lie(dtype=None), "broken or truncated .pkl"),
    "short": (lie(shape=(10**11, 6), raw=b"12345678"), "8 bytes of numbers for an array"),
    "long": (lie(shape=(1, 6)), "144 bytes of numbers for an array"),
    "bytes as a number": (lie(raw=10**12), "broken or truncated .pkl"),
    "shape no tuple": (lie(shape=18), "an array of shape 18"),
    "negative": (lie(shape=(-3, -6)), r"shape \(-3, -6\)"),
    "objects": (pickle.dumps(np.array([[None] * 6])), "dtype O8"),
    "texts": (pickle.dumps(np.array([["1"] * 6])), "dtype U1"),
    "dates": (pickle.dumps(np.zeros((2, 6), "M8[s]")), "dtype M8"),
    "complex": (pickle.dumps(TABLE + 1j), "dtype c16"),
    "bools": (pickle.dumps(TABLE > 1), "dtype b1"),
    "records": (pickle.dumps(np.zeros(3, "f8,f8")), "dtype a structured type"),
}


@pytest.mark.parametrize(("content", "found"), REFUSED.values(), ids=REFUSED)
def test_what_a_pickle_may_not_hold(tmp_path, content, found):
    path = tmp_path / "data.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data\.pkl: found .*{found}.*; expected .* shape \(n, 6\)"):
        read(path)


def with_number(row, column, number):
    table = TABLE.copy()
    table[row, column] = number
    return table


SHAPES = {
    "vector": (TABLE[0], r"an array of shape \(6,\)"),
    "five columns": (TABLE[:, :5], r"an array of shape \(3, 5\)"),
    "no rows": (TABLE[:0], r"an array of shape \(0, 6\)"),
    "three axes": (TABLE[None], r"an array of shape \(1, 3, 6\)"),
    "nan": (with_number(1, 3, np.nan), "nan in row 2, column 4"),
    "inf": (with_number(2, 0, -np.inf), "-inf in row 3, column 1"),
}


@pytest.mark.parametrize(("array", "found"), SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", [".pkl", ".npy"])
def test_wrong_shapes_and_numbers_that_are_not_finite(tmp_path, array, found, kind):
    path = tmp_path / f"data{kind}"
    with path.open("wb") as file:
        pickle.dump(array, file) if kind == ".pkl" else np.save(file, array)
    with pytest.raises(DataError, match=rf"data\{kind}: found {found}; expected"):
        read(path)


NPY = {
    "objects": (npy(descr="'|O'"), "dtype object"),
    "short": (npy(shape=f"({10**11}, 6)"), "48 bytes of numbers for an array"),
    "overflow": (npy(shape=f"({2**62}, 6)"), "48 bytes of numbers for an array"),
    "big element": (npy(descr="'|V2000000000'"), "dtype"),
    "code": (npy(descr="__import__('os').abort()"), "broken or truncated .npy"),
    "deep": (npy(header="(" * 5000), "broken or truncated .npy"),
    "endless header": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "broken or truncated .npy"),
    "other version": (npy(version=b"\x09\x00"), r"the unknown version \(9, 0\)"),
    "text": (b"1,2,3,4,5,6\n", "broken or truncated .npy"),
}


@pytest.mark.parametrize(("content", "found"), NPY.values(), ids=NPY)
def test_broken_and_hostile_npy_files(tmp_path, content, found):
    path = tmp_path / "data.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data\.npy: found .*{found}"):
        read(path)


CSV = {
    "text": ("one line\nanother line\n", "'another line' in line 2"),
    "header only": ("a,b,c,d,e,f\n", "text without a row of numbers"),
    "text in the first row": ("1,2,three,4,5,6\n1,2,3,4,5,6\n", "'three' in line 1"),
    "text in a later row": ("1,2,3,4,5,6\n1,2,3,4,five,6\n", "'five' in line 2"),
    "missing cell": ("a,b,c,d,e,f\n1,2,3,4,5,6\n1,2,,4,5,6\n", "'' in line 3"),
    "short row": ("1,2,3,4,5,6\n1,2,3\n", "3 numbers in line 2 and 6 in the first row"),
    "nan": ("1,2,3,4,5,6\n1,2,3,nan,5,6\n", "nan in row 2, column 4"),
    "overflow": ("1,2,3,4,5,1e999\n", "inf in row 1, column 6"),
    "semicolons": ("1;2;3;4;5;6\n", "text without a row of numbers"),
    "five columns": ("1,2,3,4,5\n", r"an array of shape \(1, 5\)"),
}


@pytest.mark.parametrize(("text", "found"), CSV.values(), ids=CSV)
def test_broken_csv_files(tmp_path, text, found):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"data\.csv: found .*{found}"):
        read(path)


def test_a_csv_file_that_is_no_text(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(pickle.dumps(TABLE))
    with pytest.raises(DataError, match=r"found a broken or truncated \.csv file"):
        read(path)


@pytest.mark.parametrize("kind", [".pkl", ".npy"])
def test_every_truncation_is_an_error(tmp_path, kind):
    path = tmp_path / f"data{kind}"
    with path.open("wb") as file:
        pickle.dump(TABLE, file) if kind == ".pkl" else np.save(file, TABLE)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"truncated|empty"):
            read(path)


@pytest.mark.parametrize("kind", [".pkl", ".npy", ".csv"])
def test_missing_empty_and_directory(tmp_path, kind):
    path = tmp_path / f"data{kind}"
    with pytest.raises(DataError, match="found no such file"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="found an empty file"):
        read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="found a directory"):
        read(path)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "data.csv").write_text("1,2,3,4,5,6\n")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"found a file that cannot be read \(Permission denied\)"):
        read(tmp_path / "data.csv")


@pytest.mark.parametrize("name", ["data", "data.txt", "data.npz"])
def test_unknown_endings(tmp_path, name):
    with pytest.raises(DataError, match=r"found a file name.*expected a \.pkl, \.npy or \.csv"):
        read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "data.csv")
    with pytest.raises(DataError, match="not a regular file"):
        read(tmp_path / "data.csv")


@pytest.mark.parametrize(
    ("kind", "content"),
    [(".pkl", REFUSED[name][0]) for name in ("short", "bytes as a number", "far memo")]
    + [(".npy", NPY[name][0]) for name in ("short", "big element", "endless header")],
)
def test_a_declared_size_takes_no_memory(tmp_path, kind, content):
    path = tmp_path / f"data{kind}"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5e6


def test_errors_are_value_errors():
    assert issubclass(DataError, ValueError)
