"""The lessons as the page shows them: text, code, commands to run, and questions with their answers.

Their source are the pages of the documentation, docs/lessons. The wheel has a copy of them in greycard/lessons
(pyproject.toml); in a checkout they are read where they are.
"""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

import greycard
from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean

_PACKAGE = Path(greycard.__file__).parent
_PLACES = (_PACKAGE / "lessons", _PACKAGE.parents[1] / "docs" / "lessons")

_CODE = re.compile(r"^```(\w+)\n(.*?)^```\n?", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"^<!--.*?-->\n?", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)]*)\)")
"""Links lead to other pages of the documentation, so only their text is shown."""

_QUESTIONS = re.compile(r"^## Questions\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_QUESTION = re.compile(
    r"^\*\*\d+\.\*\* (.+?)\n\n<details><summary>Answer</summary>\n\n(.+?)\n\n</details>", re.DOTALL | re.MULTILINE
)
_SHORT = "-short"


@dataclass(frozen=True)
class Line:
    """A line of a block of commands.

    Attributes:
        text: as on the page.
        command: its number in `Lesson.commands`, if the page can run it.
    """

    text: str
    command: int | None


@dataclass(frozen=True)
class Step:
    """A part of a lesson's page.

    Attributes:
        kind: `text`, `code` or `commands`.
        text: HTML for `text`, else the lines of code or commands.
        lines: of `commands`: the same lines, with the numbers of those that the page can run.
    """

    kind: str
    text: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question and its answer, both as HTML."""

    text: str
    answer: str


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        name: of its file, such as `3-convolution`.
        title: its heading.
        steps: its page from top to bottom, without the questions.
        questions: in order.
        commands: the words after `greycard` of the commands that the page can run.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    questions: tuple[Question, ...]
    commands: tuple[tuple[str, ...], ...]


def lessons() -> list[Lesson]:
    """All lessons, in order."""
    folder = next((place for place in _PLACES if place.is_dir()), None)
    pages = [] if folder is None else sorted(folder.glob("[0-9]*.md"), key=lambda page: _number(page.stem))
    return [read_lesson(page.stem, page.read_text(encoding="utf-8"), folder) for page in pages]


def find_lesson(name: str) -> Lesson:
    """A lesson by its number, its name, or a project that it trains.

    Raises:
        GreycardError: there is no such lesson.
    """
    every = lessons()
    for lesson in every:
        if name in (lesson.name, str(_number(lesson.name)), lesson.name.partition("-")[2]):
            return lesson
    for lesson in every:
        if any(command[1].removesuffix(_SHORT) == name.removesuffix(_SHORT) for command in lesson.commands):
            return lesson
    names = [lesson.name for lesson in every]
    raise GreycardError(f"there is no lesson {name!r}", hint=did_you_mean(name, names, f"one of {', '.join(names)}"))


def read_lesson(name: str, page: str, folder: Path | None = None) -> Lesson:
    """A lesson from the text of its page.

    Args:
        name: of the lesson.
        page: Markdown.
        folder: of the page's images; without it, an image becomes its caption.
    """
    title, _, rest = _COMMENT.sub("", page).partition("\n")
    found = _QUESTIONS.search(rest)
    asked = _QUESTION.findall(found[1] if found else "")
    questions = tuple(Question(_html(text), _html(answer)) for text, answer in asked)
    commands: list[tuple[str, ...]] = []
    steps = tuple(_steps(_QUESTIONS.sub("", rest), folder, commands))
    return Lesson(name, title.removeprefix("# "), steps, questions, tuple(commands))


def _steps(text: str, folder: Path | None, commands: list[tuple[str, ...]]) -> Iterator[Step]:
    """The parts of a page; the commands that can be run are added to the list."""
    pieces = _CODE.split(text)
    for place in range(0, len(pieces), 3):
        if pieces[place].strip():
            yield Step("text", _html(pieces[place], folder))
        if place + 2 < len(pieces):
            language, code = pieces[place + 1 : place + 3]
            yield _commands(code, commands) if language == "bash" else Step("code", code)


def _commands(block: str, commands: list[tuple[str, ...]]) -> Step:
    lines = []
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        can_run = words[:2] == ["greycard", "run"]
        lines.append(Line(line, len(commands) if can_run else None))
        if can_run:
            commands.append(tuple(words[1:]))
    return Step("commands", block, tuple(lines))


def _html(text: str, folder: Path | None = None) -> str:
    plain = _LINK.sub(lambda link: _image(link, folder) if link[1] else link[2], text)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(plain)
    for token in tokens:  # a column is aligned by a style, which the page's policy forbids
        if style := token.attrs.pop("style", None):
            token.attrs["class"] = str(style).removeprefix("text-align:")
    return str(markdown.renderer.render(tokens, markdown.options, {})).strip()


def _image(link: re.Match[str], folder: Path | None) -> str:
    """An image with its content, because the page loads no other files; its caption if there is no such file."""
    file = None if folder is None else folder / link[3]
    if file is None or not file.is_file():
        return f"*{link[2]}*"
    return f"![{link[2]}](data:image/png;base64,{b64encode(file.read_bytes()).decode()})"


def _number(name: str) -> int:
    return int(name.partition("-")[0])
