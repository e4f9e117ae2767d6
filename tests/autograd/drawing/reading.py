"""What a picture shows, read from its DOT text or its SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from autograd.drawing import Drawing

SVG = "{http://www.w3.org/2000/svg}"


def nodes(picture: Drawing) -> dict[str, dict[str, str]]:
    """The nodes of a picture by name, each with its attributes."""
    lines = (re.fullmatch(r"\t(\w+) \[(.*)\]\n", line) for line in picture.body)
    return {line[1]: _attributes(line[2]) for line in lines if line}


def edges(picture: Drawing) -> list[tuple[str, str, dict[str, str]]]:
    """The edges of a picture: labels where the arrow starts and where it points to, attributes.

    The second operand's field of a loop is called "loop.i2", the first result's "loop.o1".
    """
    label = {name: node["label"] for name, node in nodes(picture).items()}
    for name, text in list(label.items()):
        title = re.search(r"\}\|(\w+)", text)
        label |= {f"{name}:{field}": f"{title[1]}.{field}" for field in re.findall(r"<(\w+)>", text) if title}
    lines = (re.fullmatch(r"\t([\w:]+) -> ([\w:]+)(?: \[(.*)\])?\n", line) for line in picture.body)
    return [(label[line[2]], label[line[1]], _attributes(line[3] or "")) for line in lines if line]


def labels(picture: Drawing) -> list[str]:
    return [node["label"] for node in nodes(picture).values()]


def _attributes(text: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:\\.|[^"])*"|\S+)', text)}


def texts(svg: bytes) -> list[str | None]:
    """What is to be read in an SVG, line by line."""
    return [text.text for text in written(svg)]


def written(svg: bytes) -> list[ElementTree.Element]:
    """The lines of text of an SVG."""
    return list(ElementTree.fromstring(svg).iter(f"{SVG}text"))


def boxes(svg: bytes) -> dict[str, list[str]]:
    """The labelled boxes of an SVG: for each name, what is to be read within its frame."""
    frames = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if group.get("class") == "cluster":
            frames[group.findtext(f"{SVG}text")] = _extent(group.find(f"{SVG}path"))
    texts_within: dict[str, list[str]] = {name: [] for name in frames}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if group.get("class") != "node":
            continue
        for text in group.iter(f"{SVG}text"):
            at = float(text.get("x")), float(text.get("y"))
            for name, ((left, right), (top, bottom)) in frames.items():
                if left < at[0] < right and top < at[1] < bottom:
                    texts_within[name].append(text.text)
    return texts_within


def _extent(path: ElementTree.Element) -> list[tuple[float, float]]:
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.get("d"))]
    return [(min(numbers[axis::2]), max(numbers[axis::2])) for axis in (0, 1)]
