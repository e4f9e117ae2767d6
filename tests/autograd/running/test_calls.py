"""How `jit`, `vmap` and `trace` may be called: static arguments, keywords, methods, axes of results."""

from __future__ import annotations

import functools
import gc
import weakref
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pytest

from autograd import Value, grad, hessian, jit, trace, value_and_grad, vmap
from autograd.programs.program import Program

fast = functools.partial(jit, engine="python")
mapped = functools.partial(vmap, engine="python")
XS = np.array([1.0, 2.0, 3.0])


class Pair(namedtuple("Pair", "a b")):
    __slots__ = ()


@dataclass(frozen=True)
class Setting:
    power: float


@pytest.mark.parametrize(
    "settings",
    [
        (1, 1.0, True, np.float64(1.0), np.float32(1.0), np.int64(1), complex(1), Decimal(1)),
        (0.0, -0.0),
        (np.float32(0.0), np.float32(-0.0)),
        (complex(0.0, 0.0), complex(0.0, -0.0)),
        (Decimal("0"), Decimal("-0"), Decimal("0.0")),
        ((1, 2), (1.0, 2), (True, 2), Pair(1, 2), Pair(1.0, 2)),
        ((0.0, (-0.0,)), (0.0, (0.0,))),
        (frozenset([1]), frozenset([1.0]), frozenset([True])),
        (Setting(1), Setting(1.0), Setting(True)),
        ("a", b"a", None),
    ],
)
def test_static_arguments_are_told_apart_by_type_and_sign(settings):
    static = fast(lambda x, setting: x + len(repr(setting)), static_argnums=1)
    named = fast(lambda x, setting: x + len(repr(setting)), static_argnames="setting")
    for _ in range(2):
        for setting in settings:
            expected = 1.0 + len(repr(setting))
            assert static(1.0, setting) == named(1.0, setting=setting) == expected


def test_a_static_argument_keeps_its_type_in_the_function():
    flags = fast(
        lambda x, flag: x if flag is True else 2 * x if type(flag) is int else 3 * x, static_argnums=1
    )
    assert [flags(1.0, setting) for setting in (1, 1.0, True)] == [2.0, 3.0, 1.0]
    signs = fast(lambda x, zero: x * np.copysign(1.0, zero), static_argnums=1)
    assert [signs(1.0, setting) for setting in (0.0, -0.0)] == [1.0, -1.0]


def test_settings_of_a_dataclass_are_told_apart_by_type_and_sign():
    @dataclass
    class Line:
        slope: float
        setting: object = field(metadata={"static": True})

    quick = fast(lambda line: line.slope + len(repr(line.setting)))
    for setting in (1, 1.0, True, (1, 0.0), (1, -0.0)):
        assert quick(Line(1.0, setting)) == 1.0 + len(repr(setting))


def test_a_static_nan_is_traced_once():
    calls = []
    f = fast(lambda x, setting: calls.append(setting) or x, static_argnums=1)
    for setting in (float("nan"), float("nan"), (float("nan"),), (float("nan"),)):
        f(1.0, setting)
    assert len(calls) == 2


def test_keyword_arguments_reach_a_jitted_function():
    def f(x, y, *, scale, more):
        return (x - y) * scale + more["a"]

    quick = fast(f)
    expected = f(5.0, 2.0, scale=10.0, more={"a": 1.0})
    assert quick(5.0, 2.0, scale=10.0, more={"a": 1.0}) == expected
    assert quick(5.0, more={"a": 1.0}, scale=10.0, y=2.0) == expected
    assert quick.program(5.0, 2.0, scale=10.0, more={"a": 1.0}).inputs == ("x", "y", "more['a']", "scale")
    assert quick(Value(5.0), 2.0, scale=10.0, more={"a": 1.0}).data == expected
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        quick(5.0, nothing=1.0)


def test_a_dict_by_position_is_not_taken_for_keywords():
    quick = fast(lambda *args, **kwargs: 1.0 * len(args) + 10.0 * len(kwargs) + 0.0 * sum(kwargs.values()))
    assert [quick(1.0, {"y": 2.0}), quick(1.0, y=2.0), quick(1.0, {"y": 2.0})] == [2.0, 11.0, 2.0]


def test_defaults_and_keywords_of_every_name():
    quick = fast(lambda f, x=2.0, self=3.0: f * x * self)
    assert [quick(1.0), quick(1.0, x=5.0), quick(f=1.0, self=1.0)] == [6.0, 15.0, 2.0]


def test_gradients_of_keyword_calls_are_jitted():
    def f(x, *, n):
        return x * x * n

    assert fast(grad(f))(3.0, n=2.0) == 12.0
    assert grad(fast(f))(3.0, n=2.0) == 12.0
    assert fast(hessian(f))(3.0, n=2.0) == 4.0
    assert grad(lambda n: fast(f)(3.0, n=n))(2.0) == 9.0


@pytest.mark.parametrize(
    "how", [{"static_argnums": 1}, {"static_argnames": "n"}, {"static_argnames": ("n",)}]
)
def test_a_static_argument_may_be_passed_by_place_and_by_name(how):
    power = fast(lambda x, n=2: x**n if type(n) is int else n(x), **how)
    assert [power(3.0), power(3.0, 3), power(3.0, n=3), power(x=3.0, n=3)] == [9.0, 27.0, 27.0, 27.0]
    assert power(3.0, n=lambda x: x + 1.0) == 4.0
    assert power.program(3.0, n=3).inputs == ("x",)


def test_static_names_among_others_by_keyword():
    def f(x, y=1.0, *, how="sum", **more):
        return (x + y if how == "sum" else x * y) + sum(more.values())

    quick = fast(f, static_argnames=["how", "other"])
    assert [quick(3.0, how="product", y=2.0), quick(3.0, how="sum"), quick(3.0, z=4.0)] == [6.0, 4.0, 8.0]
    assert quick(3.0, other=2) == 6.0
    with pytest.raises(TypeError, match="must be hashable, got"):
        quick(3.0, how=["sum"])
    with pytest.raises(ValueError, match="static_argnames names 'why', which is no parameter"):
        fast(lambda x: x, static_argnames="why")


def test_keyword_arguments_are_traced_saved_and_loaded(tmp_path):
    program = trace(lambda f, *, b, a: f - a / b["x"], 0.0, b={"x": 1.0}, a=1.0)
    assert program(5.0, a=6.0, b={"x": 2.0}) == 2.0
    program.save(tmp_path / "program")
    assert Program.load(tmp_path / "program")(5.0, a=6.0, b={"x": 2.0}) == 2.0
    with pytest.raises(TypeError, match="was traced for arguments of the structure"):
        program(5.0, 6.0, {"x": 2.0})


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: jit(f, engine="python")])
def test_keyword_arguments_of_vmap_are_mapped_along_the_first_axis(wrap):
    call = wrap(mapped(lambda w, x, y=1.0: w * x - y, in_axes=(None, 0)))
    assert call(2.0, XS, y=XS * 10).tolist() == [-8.0, -16.0, -24.0]
    assert call(2.0, XS).tolist() == [1.0, 3.0, 5.0]
    with pytest.raises(TypeError, match=r"argument 'y' must be an array .* mapped along axis 0"):
        call(2.0, XS, y=1.0)
    with pytest.raises(ValueError, match="same number of samples, got 3 in argument 1, 2 in argument 'y'"):
        call(2.0, XS, y=XS[:2])


def test_keyword_arguments_of_vmap_are_recorded():
    ys = np.array([Value(1.0), Value(2.0), Value(3.0)])
    total = mapped(lambda x, *, y: x * y, reduce="sum")(XS, y=ys)
    total.backward()
    assert [y.grad for y in ys] == [1.0, 2.0, 3.0]
    assert grad(lambda y: mapped(lambda x, *, y: x * y, reduce="sum")(XS, y=y))(XS).tolist() == XS.tolist()


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: jit(f, engine="python")])
@pytest.mark.parametrize(
    ("axes", "shapes"),
    [
        (0, [(3, 2, 4), (3,)]),
        (-1, None),
        ((1, 0), [(2, 3, 4), (3,)]),
        ([-1, 0], None),
        ((-1, 0), [(2, 4, 3), (3,)]),
        ((1, -1), [(2, 3, 4), (3,)]),
    ],
)
def test_out_axes(axes, shapes, wrap):
    block = np.arange(8.0).reshape(2, 4)
    call = wrap(mapped(lambda x: (x * block, x + 1.0), out_axes=axes))
    if axes == [-1, 0]:
        with pytest.raises(ValueError, match=r"out_axes .* does not fit"):
            call(XS)
        return
    shapes = shapes or [(2, 4, 3), (3,)]
    blocks, sums = call(XS)
    assert [blocks.shape, sums.shape] == shapes
    at = (axes if isinstance(axes, int) else axes[0]) % 3
    assert np.moveaxis(blocks, at, 0).tolist() == (XS[:, None, None] * block).tolist()
    assert sums.tolist() == [2.0, 3.0, 4.0]
    recorded, _ = mapped(lambda x: (x * block, x + 1.0), out_axes=axes)(np.array([Value(x) for x in XS]))
    assert np.vectorize(lambda value: value.data)(recorded).tolist() == blocks.tolist()


def test_out_axes_that_name_no_axis_are_refused():
    for axes in (1, -2, None, "0", 0.0):
        with pytest.raises(ValueError, match="out_axes"):
            mapped(lambda x: x, out_axes=axes)(XS)
    with pytest.raises(ValueError, match="out_axes must be 0 with reduce='sum'"):
        vmap(lambda x: x, reduce="sum", out_axes=1)


class Scaled:
    """A user's class whose methods are wrapped."""

    offset = 100.0

    def __init__(self, scale):
        self.scale = scale
        self.weight = Value(scale, "weight")

    @fast
    def times(self, x, y=1.0):
        return self.scale * x * y

    @fast
    def weighted(self, x):
        return self.weight * x

    @functools.partial(jit, engine="python", static_argnums=2)
    def power(self, x, n):
        return self.scale * x**n

    @classmethod
    @fast
    def shifted(cls, x):
        return cls.offset + x

    @staticmethod
    @fast
    def doubled(x):
        return 2.0 * x

    @fast
    @staticmethod
    def tripled(x):
        return 3.0 * x

    @mapped
    def each(self, x):
        return self.weight * self.scale * x

    @fast
    @mapped
    def quickly(self, x):
        return self.weight * self.scale * x

    @functools.partial(vmap, in_axes=(None, None, 0), engine="python")
    def sharing(self, w, x):
        return self.scale * w * x

    @functools.partial(grad, argnums=1)
    def slope(self, x):
        return self.scale * x * x

    def square(self, x):
        return self.scale * x * x

    @property
    @fast
    def area(self):
        return self.scale * 2.0

    plus = functools.partialmethod(jit(lambda self, y, x: self.scale * x + y, engine="python"), 10.0)


class Derived(Scaled):
    offset = 200.0


def test_methods_know_their_instance():
    two, three = Scaled(2.0), Derived(3.0)
    for _ in range(2):
        assert [two.times(5.0), three.times(5.0), three.times(5.0, y=2.0)] == [10.0, 15.0, 30.0]
        assert Scaled.times(three, 5.0) == 15.0
        assert [two.power(3.0, 2), three.power(3.0, 3)] == [18.0, 81.0]
        assert [Scaled.shifted(1.0), Derived.shifted(1.0), three.shifted(1.0)] == [101.0, 201.0, 201.0]
        assert [two.doubled(4.0), Scaled.doubled(4.0)] == [8.0, 8.0]
        assert [two.tripled(4.0), Scaled.tripled(4.0)] == [12.0, 12.0]
        assert two.each(XS).tolist() == two.quickly(XS).tolist() == [4.0, 8.0, 12.0]
        assert three.each(XS).tolist() == three.quickly(XS).tolist() == [9.0, 18.0, 27.0]
        assert two.sharing(3.0, XS).tolist() == [6.0, 12.0, 18.0]
        assert [two.slope(3.0), three.slope(3.0)] == [12.0, 18.0]
        assert [two.area, three.area] == [4.0, 6.0]
        assert [two.plus(1.0), three.plus(1.0)] == [12.0, 13.0]
    assert Scaled.times.program(two, 5.0).inputs == ("x",)


def test_values_of_an_instance_are_read_anew():
    two = Scaled(2.0)
    assert two.weighted(5.0) == 10.0
    two.weight.data = 7.0
    assert two.weighted(5.0) == 35.0
    assert grad(two.weighted)(5.0) == 7.0
    assert two.each(XS).tolist() == two.quickly(XS).tolist() == [14.0, 28.0, 42.0]


def test_transforms_of_bound_methods_partials_and_callable_objects():
    three = Scaled(3.0)
    assert grad(three.square)(2.0) == fast(grad(three.square))(2.0) == 12.0
    assert fast(three.square)(2.0) == 12.0
    assert hessian(three.square)(2.0) == 6.0
    assert value_and_grad(three.times)(2.0) == (6.0, 3.0)
    assert fast(functools.partial(three.times, y=2.0))(5.0) == 30.0
    assert mapped(three.square)(XS).tolist() == [3.0, 12.0, 27.0]
    assert fast(functools.partial(lambda n, x: n * x, 4.0))(5.0) == 20.0
    assert functools.partial(fast(lambda n, x: n * x), n=4.0)(x=5.0) == 20.0


def test_a_wrapped_classmethod_is_refused_with_the_order_that_works():
    for wrap in (jit, vmap, grad):
        with pytest.raises(TypeError, match="put @classmethod above"):
            wrap(classmethod(lambda cls, x: x))


def test_an_instance_that_compares_or_hashes_as_it_likes_is_known_by_identity():
    class Equal(Scaled):
        def __eq__(self, other):
            return True

        __hash__ = None

    assert [Equal(scale).times(5.0) for scale in (2.0, 3.0)] == [10.0, 15.0]
    instances = [Equal(2.0), Equal(3.0)]
    assert [instance.times(5.0) for instance in instances] == [10.0, 15.0]


def test_no_instance_is_kept_alive_nor_what_was_traced_for_it():
    two = Scaled(2.0)
    assert two.weighted(5.0) == 10.0
    assert two.quickly(XS).tolist() == [4.0, 8.0, 12.0]
    two.weight.label = "of the instance that goes"
    instance = weakref.ref(two)
    del two
    gc.collect()
    assert instance() is None
    labels = [node.label for node in gc.get_objects() if type(node) is Value]
    assert "of the instance that goes" not in labels


def test_a_model_of_anyone_is_an_argument_of_its_methods():
    class Model:
        def __init__(self):
            self.weights = [Value(2.0), Value(3.0)]
            self.power = 1

        def parameters(self):
            return self.weights

        @fast
        def of(self, x):
            return self.weights[0] * x**self.power + self.weights[1]

    model = Model()
    assert grad(lambda model: model.of(5.0))(model).weights == [5.0, 1.0]
    quick = fast(lambda x: value_and_grad(lambda model: model.of(x))(model))
    assert quick(5.0)[0] == 13.0
    model.weights[0].data = 4.0
    assert quick(5.0)[0] == 23.0
    assert model.of(5.0) == 23.0
    model.power = 2
    assert model.of(5.0) == 103.0


def test_an_instance_without_weak_references():
    class Slotted:
        __slots__ = ("scale",)

        @fast
        def times(self, x):
            return self.scale * x

    instance = Slotted()
    for instance.scale in (2.0, 3.0):
        assert instance.times(5.0) == 5.0 * instance.scale


def test_a_dataclass_of_numbers_is_an_argument_of_its_methods():
    @dataclass
    class Line:
        slope: float
        at_zero: float

        @fast
        def at(self, x):
            return self.slope * x + self.at_zero

    @dataclass
    class Named(Line):
        name: str = "a line"

    line = Line(2.0, 1.0)
    assert line.at(3.0) == 7.0
    line.slope = 3.0
    assert line.at(3.0) == 10.0
    assert Line.at.program(line, 3.0).inputs == ("self.slope", "self.at_zero", "x")
    assert grad(lambda line: line.at(3.0))(line) == Line(3.0, 1.0)
    assert [Named(4.0, 1.0).at(3.0), Named(5.0, 1.0).at(x=3.0)] == [13.0, 16.0]


def test_what_is_no_number_is_refused_as_ever():
    with pytest.raises(TypeError, match="made of real numbers"):
        fast(lambda x: x)("text")
    with pytest.raises(TypeError, match="made of real numbers"):
        Scaled(2.0).times("text")
