"""The colours of gradients: their scale, and that everybody can read them."""

from __future__ import annotations

import html
import itertools
import math
import re

import pytest

from autograd import Value, draw
from autograd.drawing.colours import FILLS, INPUT_FILL, NOT_FINITE, Scale, legend, text_on
from tests.autograd.drawing.reading import nodes, texts


def linear(colour):
    """The light of red, green and blue: IEC 61966-2-1."""
    encoded = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in encoded]


def lightness(light):
    """CIE L*, as the eye orders greys, from 0 to 100."""
    luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
    return 116 * luminance ** (1 / 3) - 16


# What a dichromat sees, for linear light: Machado, Oliveira and Fernandes (2009), table 1, severity 1.
SIGHTS = {
    "usual": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanope": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranope": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanope": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_each_step_of_the_scale_is_darker_than_the_one_before_to_every_eye(sight):
    colours = [[sum(a * b for a, b in zip(row, linear(fill))) for row in SIGHTS[sight]] for fill in FILLS]
    steps = [lightness(a) - lightness(b) for a, b in itertools.pairwise(colours)]
    assert min(steps) > 4, steps
    assert min(steps[1:]) > 7, "where it is not told by grad 0 as well"


@pytest.mark.parametrize("fill", [*FILLS, NOT_FINITE, INPUT_FILL])
def test_text_stands_out_on_every_fill(fill):
    """A contrast of 4.5, which WCAG 2.2 asks for (1.4.3, level AA)."""
    dark, light = sorted(
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(colour)))
        for colour in (fill, text_on(fill))
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_colour_is_a_decade_of_size_counted_from_the_largest():
    scale = Scale([0.0, -523.0, 1.0])
    assert scale.thresholds == [0.1, 1.0, 10.0, 100.0]
    sizes = [0.0, 0.05, 0.1, 0.99, -1.0, 10.0, -99.0, 523.0]
    assert [FILLS.index(scale.fill([size])) for size in sizes] == [0, 1, 2, 2, 3, 4, 4, 5]
    assert scale.fill([1.0, -200.0]) == FILLS[5], "of several, the largest"


@pytest.mark.parametrize("size", [5e-324, 1e-300, 9.999999999999999, 1e308, math.nextafter(1000.0, 0.0)])
def test_the_largest_has_the_darkest_colour_whatever_its_size(size):
    assert Scale([size, 0.0]).fill([size]) == FILLS[-1]


def test_a_power_of_ten_begins_a_decade():
    assert [Scale([10.0**k]).thresholds[-1] for k in range(-9, 10)] == [10.0**k for k in range(-9, 10)]


def test_the_legend_names_the_decades_below_the_picture():
    x, w = Value(3.0, "x"), Value(0.002, "w")
    loss = w * x
    assert "size of the gradient:" not in texts(draw(loss).pipe()), "there is none"
    loss.backward()
    picture = draw(loss)
    shown = texts(picture.pipe())
    assert [word for word in shown if word and word[:1] in "<≥"] == [
        "< 0.001",
        "≥ 0.001",
        "≥ 0.01",
        "≥ 0.1",
        "≥ 1",
    ]
    fills = {node["label"].split(" |")[0]: node["fillcolor"] for node in nodes(picture).values()}
    assert (fills["x"], fills["w"]) == (FILLS[2], FILLS[5])


def test_what_is_not_finite_has_a_colour_of_its_own():
    x = Value(0.0, "x")
    (x**0.5 + 1).backward()
    assert math.isinf(x.grad)
    picture = draw(x * 2)
    assert "inf or nan" in texts(picture.pipe())
    fills = {node["label"]: node.get("fillcolor") for node in nodes(picture).values()}
    assert fills["x | data 0 | grad inf"] == NOT_FINITE


def swatches(scale):
    """What a legend says, and the colour that it says it on."""
    swatches = re.findall(r'<td bgcolor="(.+?)"><font color=".+?">(.+?)</font>', legend(scale, ""))
    return [(html.unescape(words), fill) for fill, words in swatches]


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([0.0, 99.0, 100.0, 1e3, 1e4, 3e5], ["0", "< 100", "≥ 100", "≥ 1000", "≥ 10000", "≥ 1e5"]),
        ([0.0, 9e-7, 1e-6, 1e-5, 1e-4, 3e-3], ["0", "< 1e-6", "≥ 1e-6", "≥ 1e-5", "≥ 0.0001", "≥ 0.001"]),
        ([0.0, math.inf], ["0", "inf or nan"]),
        ([0.0, math.nan], ["0", "inf or nan"]),
        ([0.0], []),
    ],
)
def test_the_legend_has_the_colours_of_the_sizes_that_it_names(sizes, words):
    scale = Scale(sizes)
    assert swatches(scale) == list(zip(words, [scale.fill([size]) for size in sizes]))


def test_the_legend_names_decades_beyond_the_smallest_number():
    assert [words for words, _ in swatches(Scale([2e-322]))][-3:] == ["≥ 1e-324", "≥ 1e-323", "≥ 1e-322"]
