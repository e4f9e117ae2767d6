"""Files of the user's own: what is read, what is refused, and that nothing in them runs."""

import contextlib
import os
import pickle
import time
import tracemalloc

import numpy as np
import pytest

from models import load_assignment_data
from models.assignment.reading import DataError, read_table

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
    with pytest.raises(
        DataError, match=r"data\.pkl: found a pickle that (asks for '(posix|nt)\.system'|holds oth)"
    ):
        read(path)
    assert not mark.exists()
    pickle.loads(content)
    assert mark.exists(), "the pickle would not have run anything: the test shows nothing"


class Steering:
    """Pickled as a dtype whose code is a sequence of control characters."""

    def __reduce__(self):
        return np.dtype, ("\x1b[2J", False, True), (3, "<", None, None, None, -1, -1, 0)


REFUSED = {
    "dict": (pickle.dumps({"X": 1}), r"other things than one array of numbers \(EMPTY_DICT\)"),
    "list of numbers": (
        pickle.dumps(TABLE.tolist()),
        r"other things than one array of numbers \(EMPTY_LIST\)",
    ),
    "many numbers": (pickle.dumps(list(range(1000))), "other things than one array of numbers"),
    "two arrays": (pickle.dumps((TABLE, TABLE)), "a pickled tuple"),
    "NumPy scalar": (pickle.dumps(np.float64(1.0)), r"asks for 'numpy.*scalar'"),
    "builtin": (b"cbuiltins\neval\n(S'1+1'\ntR.", r"asks for 'builtins\.eval'"),
    "stand-in's class": (b"cnumpy\nndarray\n.", "a pickled Name"),
    "extension": (b"\x80\x02\x82\x01.", "other things than one array of numbers"),
    "far memo": (b"\x80\x02K\x01r\xff\xff\xff\x7f.", "a pickled int"),
    "text": (b"not a pickle at all", "broken or truncated .pkl"),
    "no dtype": (lie(dtype=None), "an array of a dtype that is none of real numbers"),
    "short": (lie(shape=(10**11, 6), raw=b"12345678"), "8 bytes of numbers for an array"),
    "long": (lie(shape=(1, 6)), "144 bytes of numbers for an array"),
    "bytes as a number": (lie(raw=10**12), "an array without its bytes"),
    "shape no tuple": (lie(shape=18), "an array whose shape is not made of counts"),
    "negative": (lie(shape=(-3, -6)), "an array whose shape is not made of counts"),
    "bools for counts": (lie(shape=(True, 18)), "an array whose shape is not made of counts"),
    "huge counts": (lie(shape=(2**2000, 6)), "an array whose shape is not made of counts"),
    "nothing to build": (b"\x80\x02K\x01K\x02b.", "broken or truncated .pkl"),
    "an empty stack": (b"\x80\x02.", "broken or truncated .pkl"),
    "a call of a number": (b"\x80\x02K\x01)R.", "calls what is no function"),
    "a call with a number": (b"\x80\x02cnumpy\ndtype\nK\x01R.", "calls what is no function"),
    "a name of numbers": (b"\x80\x04K\x01K\x02\x93.", "asks for what is no name"),
    "objects": (pickle.dumps(np.array([[None] * 6])), "other things than one array of numbers"),
    "texts": (pickle.dumps(np.array([["1"] * 6])), "dtype 'U1'"),
    "dates": (pickle.dumps(np.zeros((2, 6), "M8[s]")), "dtype 'M8'"),
    "complex": (pickle.dumps(TABLE + 1j), "dtype 'c16'"),
    "bools": (pickle.dumps(TABLE > 1), "dtype 'b1'"),
    "a dtype that steers a terminal": (lie(dtype=Steering()), r"dtype '\\x1b\[2J'"),
    "records": (pickle.dumps(np.zeros(3, "f8,f8")), "other things than one array of numbers"),
}


@pytest.mark.parametrize(("content", "what"), REFUSED.values(), ids=REFUSED)
def test_what_a_pickle_may_not_hold(tmp_path, content, what):
    path = tmp_path / "data.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data\.pkl: found .*{what}.*; expected .* shape \(n, 6\)"):
        read(path)


# Nested pairs that share their halves: 120 instructions, and 2**40 steps to hash, compare or print.
BOMB = b"K\x01" + b"q\x00h\x00\x86" * 40
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNtb"
BOMBS = {
    "alone": BOMB,
    "key of a dict": b"}" + BOMB + b"K\x01s",
    "member of a set": b"\x8f(" + BOMB + b"\x90",
    "name": b"U\x05numpy" + BOMB + b"\x93",
    "module": BOMB + b"U\x05dtype\x93",
    "function": BOMB + b")R",
    "arguments": b"cnumpy\ndtype\n" + BOMB + b"R",
    "keywords": b"cnumpy\ndtype\n)}U\x01a" + BOMB + b"s\x92",
    "state": RECONSTRUCT + BOMB + b"b",
    "built": BOMB + b"Nb",
    "shape": RECONSTRUCT + b"(K\x01" + BOMB + DTYPE + b"\x89U\x08" + bytes(8) + b"tb",
    "count in a shape": RECONSTRUCT + b"(K\x01" + BOMB + b"\x85" + DTYPE + b"\x89U\x08" + bytes(8) + b"tb",
    "dtype": RECONSTRUCT + b"(K\x01K\x01\x85" + BOMB + b"\x89U\x08" + bytes(8) + b"tb",
    "order of axes": RECONSTRUCT + b"(K\x01K\x01\x85" + DTYPE + BOMB + b"U\x08" + bytes(8) + b"tb",
    "bytes": RECONSTRUCT + b"(K\x01K\x01\x85" + DTYPE + b"\x89" + BOMB + b"tb",
    "code of a dtype": RECONSTRUCT
    + b"(K\x01K\x01\x85"
    + DTYPE.replace(b"U\x02f8", BOMB)
    + b"\x89U\x08"
    + bytes(8)
    + b"tb",
    "byte order": RECONSTRUCT
    + b"(K\x01K\x01\x85"
    + DTYPE.replace(b"U\x01<", BOMB)
    + b"\x89U\x08"
    + bytes(8)
    + b"tb",
    "encoded": RECONSTRUCT + b"(K\x01K\x01\x85" + DTYPE + b"\x89c_codecs\nencode\n" + BOMB + b"\x85Rtb",
    "order of a buffer": b"cnumpy.core.numeric\n_frombuffer\n(B\x08\x00\x00\x00"
    + bytes(8)
    + DTYPE
    + b"K\x01\x85"
    + BOMB
    + b"tR",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_tuples_that_share_their_halves_cost_nothing(tmp_path, content):
    path = tmp_path / "data.pkl"
    path.write_bytes(b"\x80\x04" + content + b".")
    started = time.process_time()
    with pytest.raises(DataError, match=r"data\.pkl: found (a pickle|an array|a broken)") as refused:
        read(path)
    assert len(str(refused.value)) < 500
    assert time.process_time() - started < 1.0


def test_the_instructions_around_the_bombs_are_those_of_an_array(tmp_path):
    """So that the test before shows something: with a number in place of the bomb each is an array."""
    path = tmp_path / "data.pkl"
    numbers = b"\x80\x04" + RECONSTRUCT + b"(K\x01K\x01K\x06\x86" + DTYPE + b"\x89U\x30" + bytes(48) + b"tb."
    path.write_bytes(numbers)
    np.testing.assert_array_equal(read(path), np.zeros((1, 6)))


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


@pytest.mark.parametrize(("array", "what"), SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", [".pkl", ".npy"])
def test_wrong_shapes_and_numbers_that_are_not_finite(tmp_path, array, what, kind):
    path = tmp_path / f"data{kind}"
    with path.open("wb") as file:
        pickle.dump(array, file) if kind == ".pkl" else np.save(file, array)
    with pytest.raises(DataError, match=rf"data\{kind}: found {what}; expected"):
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


@pytest.mark.parametrize(("content", "what"), NPY.values(), ids=NPY)
def test_broken_and_hostile_npy_files(tmp_path, content, what):
    path = tmp_path / "data.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data\.npy: found .*{what}"):
        read(path)


CSV = {
    "text": ("one line\nanother line\n", "'another line' in line 2"),
    "header only": ("a,b,c,d,e,f\n", "text without a row of numbers"),
    "text in the first row": ("1,2,three,4,5,6\n1,2,3,4,5,6\n", "'three' in line 1"),
    "text in a later row": ("1,2,3,4,5,6\n1,2,3,4,five,6\n", "'five' in line 2"),
    "missing cell": ("a,b,c,d,e,f\n1,2,3,4,5,6\n1,2,,4,5,6\n", "'' in line 3"),
    "short row": ("1,2,3,4,5,6\n1,2,3\n", "3 numbers in line 2"),
    "nan": ("1,2,3,4,5,6\n1,2,3,nan,5,6\n", "nan in row 2, column 4"),
    "overflow": ("1,2,3,4,5,1e999\n", "inf in row 1, column 6"),
    "semicolons": ("1;2;3;4;5;6\n", "text without a row of numbers"),
    "five columns": ("1,2,3,4,5\n", "5 numbers in line 1"),
    "long row": ("1,2,3,4,5,6,7\n", "7 numbers in line 1"),
    "underscores": ("1_000,2,3,4,5,6\n", "'1_000' in line 1"),
    "digits of another script": ("\u0661,2,3,4,5,6\n", "'\u0661' in line 1"),
    "hexadecimal": ("0x10,2,3,4,5,6\n", "'0x10' in line 1"),
    "a space inside": ("1 000,2,3,4,5,6\n", "'1 000' in line 1"),
    "no-break space": ("\xa01,2,3,4,5,6\n", r"'\\xa01' in line 1"),
    "a form feed as line end": ("1,2,3,4,5,6\f1,2,3,4,5,6\n", r"'6\\x0c1' in line 1"),
    "a line separator as line end": ("1,2,3,4,5,6\u20281,2,3,4,5,6\n", r"'6\\u20281' in line 1"),
    "a return alone as line end": ("1,2,3,4,5,6\r1,2,3,4,5,6\n", r"'6\\r1' in line 1"),
    "two headers": ("a,b,c,d,e,f\nm,m,m,m,m,m\n1,2,3,4,5,6\n", "'m' in line 2"),
    "a long line": (f"{'1' * 5_000},{'2' * 5_000},3,4,5,6\n", "more than 10000 characters in line 1"),
    "a long header": ("a" * 100_000 + "\n1,2,3,4,5,6\n", "more than 10000 characters in line 1"),
}


@pytest.mark.parametrize(("text", "what"), CSV.values(), ids=CSV)
def test_broken_csv_files(tmp_path, text, what):
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode())
    with pytest.raises(DataError, match=rf"data\.csv: found .*{what}"):
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
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "data.csv").write_text("1,2,3,4,5,6\n")
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(DataError, match=r"found a file that cannot be read \(Permission denied\)"):
        read(tmp_path / "data.csv")


@pytest.mark.parametrize("kind", [".pkl", ".npy", ".csv"])
def test_what_is_too_large_is_refused_before_it_is_read(tmp_path, kind):
    path = tmp_path / f"data{kind}"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match="found a file of 1099511627776 bytes, more than the 1073741824 that"):
        read(path)


@pytest.mark.parametrize("name", ["data", "data.txt", "data.npz"])
def test_unknown_endings(tmp_path, name):
    with pytest.raises(DataError, match=r"found a file name.*expected a \.pkl, \.npy or \.csv"):
        read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "data.csv")
    (tmp_path / "data.pkl").symlink_to("/dev/zero")
    for name in ("data.csv", "data.pkl"):
        with pytest.raises(DataError, match="something that is not a regular file"):
            read(tmp_path / name)


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


@pytest.mark.parametrize(
    ("row", "count", "times"),
    [
        ("11\n", 100_000, 3),
        ("1,1,1,1,1,1\n", 20_000, 12),
        (f"{','.join(['0.123456789'] * 6)}\n", 4_000, 4),
    ],
    ids=["of another shape", "short", "usual"],
)
def test_a_text_takes_memory_in_proportion(tmp_path, row, count, times):
    path = tmp_path / "data.csv"
    path.write_text(row * count)
    tracemalloc.start()
    try:
        with contextlib.suppress(DataError):
            read_table(path, columns=6)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < times * len(row) * count


@pytest.mark.parametrize("cell", ["1", "+1.", "-.5", "1e5", "1E-5", " 1", "1\t", "0001", "-0.0", "1e-999"])
def test_numbers_as_texts(tmp_path, cell):
    path = tmp_path / "data.csv"
    path.write_text(f"{cell},2,3,4,5,6\r\n \t\n1,2,3,4,5,6")
    assert read(path)[0, 0] == float(cell)


def test_errors_are_value_errors():
    assert issubclass(DataError, ValueError)
