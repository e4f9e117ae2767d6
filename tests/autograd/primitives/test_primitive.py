"""The `primitive` call: an operation that a user adds in one call works like the library's own."""

import inspect
import math
import operator
import threading

import numpy as np
import pytest

import autograd
from autograd import Primitive, Value, all_primitives, primitive, sin
from autograd.drawing import draw
from autograd.primitives import operation
from autograd.primitives.operation import find_operation


def from_module(name: str, *args, **options) -> Primitive:
    """Call `primitive` as code in another module would."""
    world = {"primitive": primitive, "__name__": name}
    return eval("lambda *args, **options: primitive(*args, **options)", world)(*args, **options)


# The one-table promise.


def test_one_call_adds_a_primitive_that_everything_works_with():
    cube = primitive("cube", lambda x: x**3, lambda y, x: (3 * x**2,))
    assert isinstance(cube, Primitive)
    # It is evaluated,
    assert cube(2.0) == 8.0
    assert cube(2) == 8.0
    np.testing.assert_array_equal(cube(np.array([[1.0, 2.0], [3.0, 4.0]])), [[1.0, 8.0], [27.0, 64.0]])
    # differentiated, by itself and inside a formula,
    x = Value(2.0, "x")
    y = cube(x)
    y.backward()
    assert (y.data, x.grad) == (8.0, 12.0)
    x.grad = 0.0
    sin(cube(x) * 2).backward()
    assert x.grad == pytest.approx(math.cos(16.0) * 2 * 12)
    # to any order, since its rule is ordinary arithmetic,
    x.grad = 0.0
    (first,) = cube.partials_at(y, (x,), (True,))
    first.backward()
    assert x.grad == 12.0
    # printed,
    assert repr(cube) == "<primitive cube>"
    assert repr(cube(x)) == "Value(data=8.0, grad=0.0)"
    assert cube(x)._op == "cube"
    assert cube(x)._prev == {x}
    # drawn,
    assert "cube" in draw(y).source
    # and listed.
    assert cube in all_primitives()
    assert find_operation("cube") is cube


def test_a_symbol_is_what_the_operation_is_written_with():
    dot = primitive("dotted", operator.mul, lambda y, a, b: (b, a), symbol="·")
    node = dot(Value(2.0), 3.0)
    assert node._op == "·"
    assert "·" in draw(node).source


# The forms of its arguments.


def test_partials_may_be_a_tuple_of_rules_and_numbers():
    plane = primitive("plane", lambda a, b, c: 2 * a + 0 * b + c * c, (2, 0, lambda y, a, b, c: 2 * c))
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    plane(a, b, c).backward()
    assert (a.grad, b.grad, c.grad) == (2.0, 0.0, 6.0)
    assert plane.arity == 3


def test_of_a_tuple_only_the_rules_of_variables_are_evaluated():
    evaluated = []
    noted = primitive(
        "noted",
        lambda a, b, c: a + b + c,
        tuple((lambda y, a, b, c, name=name: evaluated.append(name) or 1.0) for name in "abc"),
    )
    noted(Value(1.0), 2.0, Value(3.0)).backward()
    assert evaluated == ["a", "c"]


def test_the_result_is_handed_to_the_rule():
    root = primitive("root", math.sqrt, lambda y, x: (0.5 / y,))
    x = Value(16.0)
    root(x).backward()
    assert x.grad == 0.125


@pytest.mark.parametrize(
    "returned", [8, True, np.float32(8), np.float64(8), np.int64(8)], ids=lambda r: type(r).__name__
)
def test_what_forward_and_rules_return_becomes_a_plain_float(returned):
    odd = primitive("odd_kinds", lambda x: returned, lambda y, x: (returned,))
    x = Value(1.0)
    y = odd(x)
    y.backward()
    for number in (odd(1.0), y.data, x.grad):
        assert type(number) is float
        assert number == returned
    assert odd(np.ones(2)).dtype == float


@pytest.mark.parametrize("returned", ["8", None, 1j, [8.0], np.ones(1)], ids=lambda r: type(r).__name__)
def test_a_forward_that_returns_no_number_is_named(returned):
    wrong = primitive("wrong_forward", lambda x: returned, lambda y, x: (1.0,))
    for argument in (1.0, Value(1.0)):
        with pytest.raises(
            TypeError, match="what the forward of 'wrong_forward' returns must be a real number"
        ):
            wrong(argument)


@pytest.mark.parametrize("returned", ["8", 1j, [8.0], np.ones(1), None], ids=lambda r: type(r).__name__)
def test_a_rule_that_returns_no_number_is_named(returned):
    for partials in (lambda y, x: (returned,), (lambda y, x: returned,)):
        y = primitive("wrong_rule", lambda x: x, partials)(Value(1.0))
        with pytest.raises(TypeError, match="a partial of 'wrong_rule' must be a real number"):
            y.backward()


@pytest.mark.parametrize("returned", [1.0, (), (1.0, 2.0), [1.0], None], ids=str)
def test_partials_that_are_not_one_an_input_are_named(returned):
    y = primitive("wrong_partials", lambda x: x, lambda y, x: returned)(Value(1.0))
    with pytest.raises(TypeError, match=r"the partials of 'wrong_partials' must return a tuple of 1, .* got"):
        y.backward()


def test_it_folds_where_it_is_told_to():
    both = primitive("both", lambda a, b: a * b, lambda y, a, b: (b, a), folded=True)
    leaves = [Value(number) for number in (2.0, 3.0, 5.0)]
    both(*leaves, 7).backward()
    assert [leaf.grad for leaf in leaves] == [105.0, 70.0, 42.0]


def test_arrays_go_to_the_function_given_for_them():
    dtypes = []

    def double(array):
        dtypes.append(array.dtype)
        return 2 * array

    twice = primitive("twice", lambda x: 2 * x, (2,), on_arrays=double)
    assert twice(np.array([1, 2])).tolist() == [2.0, 4.0]
    assert dtypes == [np.float64]


def test_an_array_of_no_dimensions_gives_a_number():
    assert primitive("on_scalars", lambda x: x + 1, (1,))(np.array(2.0)) == 3.0


def test_it_keeps_what_is_said_about_it():
    operation = primitive(
        "said", lambda x: x, (1,), domain="x > 0", textbook=(1,), expression=lambda x: x, doc="What it does."
    )
    assert (operation.name, operation.__name__, operation.arity, operation.symbol) == ("said", "said", 1, "")
    assert (operation.domain, operation.textbook, operation.__doc__) == ("x > 0", (1,), "What it does.")
    assert (operation.commutative, operation.folded, operation.place) == (False, False, __name__)
    assert operation.expression(3.0) == 3.0


# Its errors.


@pytest.mark.parametrize("name", ["two words", "3d", "", "lambda", "a-b", None, 7])
def test_a_name_must_be_an_identifier(name):
    with pytest.raises(ValueError, match="a primitive's name must be an identifier, got"):
        primitive(name, abs, (1,))


@pytest.mark.parametrize("forward", [None, 3.0, "abs"])
def test_forward_must_be_a_function(forward):
    with pytest.raises(TypeError, match="forward of 'unmade' must be a function of floats, got"):
        primitive("unmade", forward, (1,))


@pytest.mark.parametrize(
    ("partials", "message"),
    [
        (3.0, r"must be a function \(y, \*inputs\) or a tuple, got 3.0"),
        (None, "must be a function"),
        ([1.0], "must be a function"),
        ((), r"must hold a rule or a number an input, got \(\)"),
        (("x",), "must hold a rule or a number an input"),
        (lambda y: (), r"must take the result and then each input by position.*got \(y\)"),
        (lambda y, *x: x, r"must take the result .* got \(y, \*x\)"),
        (lambda y, x, *, z: (x,), r"must take the result .* got \(y, x, \*, z\)"),
    ],
)
def test_partials_must_have_one_of_their_forms(partials, message):
    with pytest.raises(TypeError, match=f"partials of 'unmade' {message}"):
        primitive("unmade", abs, partials)
    assert "unmade" not in [p.name for p in all_primitives()]


def test_the_number_of_arguments_is_checked():
    two = primitive("two", lambda a, b: a + b, lambda y, a, b: (1, 1))
    for args in ((), (1.0,), (Value(1.0),), (1.0, 2.0, 3.0), (Value(1.0), 2, 3), (np.ones(2),)):
        with pytest.raises(TypeError, match=rf"two takes 2 argument\(s\), got {len(args)}"):
            two(*args)


# Names.


def test_a_name_registered_again_from_the_same_place_replaces_the_old():
    first = primitive("again", lambda x: x, (1,))
    old = first(Value(3.0))
    second = primitive("again", lambda x: 2 * x, (2,))
    assert find_operation("again") is second
    assert [p.name for p in all_primitives()].count("again") == 1
    x = Value(3.0)
    second(x).backward()
    assert x.grad == 2.0
    (operand,) = old._prev
    old.backward()  # a graph keeps the primitives that it was made of
    assert operand.grad == 1.0


def test_a_name_that_another_module_has_taken_is_refused():
    from_module("elsewhere", "taken", lambda x: x, (1,))
    with pytest.raises(
        ValueError, match=r"the name 'taken' is taken \(registered by elsewhere\): choose another"
    ):
        primitive("taken", lambda x: 2 * x, (2,))


@pytest.mark.parametrize(
    "definition",
    [
        "(lambda x: 5 * x, (5,))",
        "(lambda x: 5 * x, lambda y, x: (5,))",
        "(lambda x: 5 * x, (lambda y, x: 5 + 0 * x,))",
        "(math.exp, (lambda y, x: y,))",
    ],
)
def test_a_definition_copied_to_a_second_module_is_no_clash(definition):
    name = f"copied_{len(definition)}"
    first = from_module("one_notebook", name, *eval(definition))
    second = from_module("another_notebook", name, *eval(definition))
    assert find_operation(name) is second is not first


def test_rules_that_differ_in_a_second_module_are_a_clash():
    from_module("one_notebook", "ruled_otherwise", lambda x: 5 * x, (lambda y, x: 5,))
    with pytest.raises(ValueError, match=r"taken \(registered by one_notebook\)"):
        from_module("another_notebook", "ruled_otherwise", lambda x: 5 * x, (lambda y, x: 6,))


def test_a_partial_of_0_hands_nothing_on_however_large_what_came_before_is():
    x = Value(0.0)
    (autograd.stop_gradient(x.log()) + x).backward()
    assert x.grad == 1.0
    assert autograd.grad(lambda x: autograd.stop_gradient(autograd.log(x)) + x)(0.0) == 1.0


def test_the_c_function_of_a_users_own_is_not_guessed_by_its_name():
    """C's gamma is the logarithm of Python's."""
    own = primitive("registry_gamma", math.gamma, (1,))
    assert own.libm == ""
    with pytest.warns(UserWarning, match="called back"):
        assert autograd.jit(lambda x: own(x), engine="llvm")(4.5) == math.gamma(4.5)


@pytest.mark.parametrize(
    "forward",
    [lambda x: 6 * x, lambda x: 5 + x, lambda x: math.exp(5 * x), math.exp],
    ids=["another number", "another operator", "another function", "no code to compare"],
)
def test_a_definition_that_differs_in_a_second_module_is_a_clash(forward):
    from_module("one_notebook", "not_copied", lambda x: 5 * x, (5,))
    with pytest.raises(ValueError, match=r"taken \(registered by one_notebook\)"):
        from_module("another_notebook", "not_copied", forward, (5,))


def test_a_function_of_the_same_form_is_another_where_it_calls_another():
    from_module("one_notebook", "calling", lambda x: math.exp(x), (1,))
    with pytest.raises(ValueError, match=r"taken \(registered by one_notebook\)"):
        from_module("another_notebook", "calling", lambda x: math.sin(x), (1,))


@pytest.mark.parametrize("name", ["add", "exp", "sigmoid", "where"])
def test_a_name_of_the_librarys_own_is_refused(name):
    before = find_operation(name)
    with pytest.raises(
        ValueError, match=f"the name '{name}' is taken .one of the library's own.: choose another"
    ):
        primitive(name, lambda *x: 0.0, (0,) * before.arity)
    assert find_operation(name) is before is getattr(autograd, name)


@pytest.mark.parametrize(
    ("name", "forward"), [("relu", lambda x: 0.0 if x <= 0.0 else x), ("a_quarter", lambda x: 0.25 * x)]
)
def test_a_name_is_refused_though_the_forward_is_written_alike(name, forward, monkeypatch):
    if name == "a_quarter":
        from_module("elsewhere", name, forward, (0.25,))
    before = find_operation(name)
    assert before.forward.__code__.co_code == forward.__code__.co_code
    monkeypatch.setitem(operation._registered, name, before)  # and put back, should it be replaced
    with pytest.raises(ValueError, match=f"the name '{name}' is taken"):
        from_module("a_users", name, forward, (99,))


def test_a_name_that_nobody_registered_says_what_to_do():
    with pytest.raises(
        KeyError, match="no primitive 'nobodys' is registered: import the module that defines it first"
    ):
        find_operation("nobodys")


def test_threads_can_register_at_once():
    start = threading.Barrier(8)
    primitives: dict[str, Primitive] = {}

    def register(thread: int) -> None:
        start.wait()
        for i in range(50):
            name = f"threaded_{thread}_{i}"
            primitives[name] = from_module(name, name, abs, (1,))
            assert sum(1 for _ in all_primitives()) > i

    threads = [threading.Thread(target=register, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(primitives) == 400
    assert all(find_operation(name) is primitive for name, primitive in primitives.items())


def test_the_documented_options_are_keywords():
    options = list(inspect.signature(primitive).parameters.values())[3:]
    assert {option.kind for option in options} == {inspect.Parameter.KEYWORD_ONLY}
