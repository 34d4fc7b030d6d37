"""A lesson at the side of the page: its parts, its own commands and no others, its questions and what was answered."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import greycard
import lesson_runs
from greycard.core.errors import GreycardError
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder
from greycard.studio.lessons.lessons import find_lesson, lessons, read_lesson

PAGE = """# 1. A lesson

Some *text*, a [link](../x.md) and <b>HTML</b>.

```python
print("code")
```

![An image](images/x.png)

```bash
pip install greycard
greycard run house-prices --epochs 2  # quick
greycard train pets
greycard  run digits-cnn
```

<!-- generated: table -->

| a | b |
| --- | ---: |
| 1 | 2 |

<!-- end -->

## Questions

**1.** Why?

<details><summary>Answer</summary>

Because **two**
lines.

</details>

**2.** And then?

<details><summary>Answer</summary>

Nothing.

</details>
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    lesson = read_lesson("1-a-lesson", PAGE)
    context = Context(ImageFolder(tmp_path / "images"), tmp_path / "runs", author="Ada", lesson=lesson)
    with TestClient(make_app(context)) as client:
        yield client


def _ended(client: TestClient) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while (found := client.get("/api/lesson/run").json())["state"] == "running":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_a_page_becomes_steps_commands_and_questions() -> None:
    lesson = read_lesson("1-a-lesson", PAGE)
    assert lesson.title == "1. A lesson"
    assert [step.kind for step in lesson.steps] == ["text", "code", "text", "commands", "text"]
    assert [(line.text, line.command) for line in lesson.steps[3].lines] == [
        ("pip install greycard", None),
        ("greycard run house-prices --epochs 2  # quick", 0),
        ("greycard train pets", None),
        ("greycard  run digits-cnn", 1),
    ]
    assert lesson.commands == (("run", "house-prices", "--epochs", "2"), ("run", "digits-cnn"))
    assert lesson.steps[0].text == "<p>Some <em>text</em>, a link and &lt;b&gt;HTML&lt;/b&gt;.</p>"
    assert lesson.steps[2].text == "<p><em>An image</em></p>"
    assert lesson.steps[4].text.startswith("<table>")
    assert '<th class="right">b</th>' in lesson.steps[4].text
    assert '<td class="right">2</td>' in lesson.steps[4].text
    assert [question.text for question in lesson.questions] == ["<p>Why?</p>", "<p>And then?</p>"]
    assert lesson.questions[0].answer == "<p>Because <strong>two</strong>\nlines.</p>"


def test_every_lesson_has_questions_with_answers_and_a_command_that_it_can_run() -> None:
    every = lessons()
    assert [lesson.name for lesson in every] == [page.stem for page in lesson_runs.lessons()]
    for lesson in every:
        page = (lesson_runs.LESSONS / f"{lesson.name}.md").read_text(encoding="utf-8")
        assert 2 <= len(lesson.questions) == page.count("<details>"), lesson.name
        assert lesson.commands, lesson.name
        text = " ".join(step.text for step in lesson.steps if step.kind == "text")
        assert not any(left in text for left in ("](", "&lt;", "<a ", "```", "<h1>", "style=")), lesson.name
        assert text.count("<img") == text.count('<img src="data:image/png;base64,') >= 1, lesson.name


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("3", "3-convolution"),
        ("convolution", "3-convolution"),
        ("10", "10-overfitting"),
        ("6-augmentation", "6-augmentation"),
        ("house-prices", "1-one-neuron"),
        ("mnist-cnn", "3-convolution"),
        ("cats-dogs-3k-transfer-short", "7-transfer"),
    ],
)
def test_a_lesson_is_found_by_number_name_and_project(asked: str, found: str) -> None:
    assert find_lesson(asked).name == found


def test_an_unknown_lesson_is_named_before_anything_starts(tmp_path: Path, cli) -> None:
    with pytest.raises(GreycardError, match="there is no lesson 'colour'"):
        greycard.studio(tmp_path, lesson="colour", port=0)
    outcome = cli("studio", str(tmp_path / "pets"), "--lesson", "convolutoin")
    assert (outcome.code, (tmp_path / "pets").exists()) == (2, False)
    assert "did you mean 3-convolution?" in outcome.err


def test_the_answers_are_not_on_the_page_until_they_are_asked_for(client: TestClient) -> None:
    shown = client.get("/api/lesson")
    assert shown.json()["lesson"]["questions"] == ["<p>Why?</p>", "<p>And then?</p>"]
    assert shown.json()["lesson"]["commands"] == ["greycard run house-prices --epochs 2", "greycard run digits-cnn"]
    assert "Nothing." not in shown.text
    assert client.post("/api/lesson/answer", json={"question": 1}).json() == {"answer": "<p>Nothing.</p>"}


def test_what_a_student_types_is_kept_on_disk(client: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "images" / ".greycard" / "answers.json"
    assert client.get("/api/lesson").json()["answers"] == ["", ""]
    for text in ("a", "Because <b>of</b> “it” 猫"):
        assert client.post("/api/lesson/keep", json={"question": 1, "text": text}).status_code == 200
    assert client.get("/api/lesson").json()["answers"] == ["", "Because <b>of</b> “it” 猫"]
    assert json.loads(file.read_text(encoding="utf-8")) == {"1-a-lesson": ["", "Because <b>of</b> “it” 猫"]}
    other = read_lesson("2-another", PAGE)
    context = Context(ImageFolder(tmp_path / "images"), tmp_path / "runs", lesson=other)
    with TestClient(make_app(context)) as second:
        second.post("/api/lesson/keep", json={"question": 0, "text": "x"})
    assert json.loads(file.read_text(encoding="utf-8")).keys() == {"1-a-lesson", "2-another"}


def test_a_damaged_file_of_answers_does_not_hide_the_lesson(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "images" / ".greycard").mkdir(exist_ok=True)
    for content in ("{", "[]", '{"1-a-lesson": 3}'):
        (tmp_path / "images" / ".greycard" / "answers.json").write_text(content)
        assert client.get("/api/lesson").json()["answers"] == ["", ""]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("run", {"command": 2}),
        ("run", {"command": -1}),
        ("run", {"command": True}),
        ("run", {"command": "greycard run digits-cnn"}),
        ("run", {"command": ["run", "digits-cnn"]}),
        ("answer", {"question": 2}),
        ("answer", {"question": None}),
        ("keep", {"question": 0, "text": 3}),
        ("keep", {"question": 0, "text": "x" * 10_001}),
        ("keep", {"question": 5, "text": ""}),
    ],
)
def test_only_the_lessons_own_commands_and_questions_exist(
    client: TestClient, path: str, fields: dict[str, Any]
) -> None:
    assert client.post(f"/api/lesson/{path}", json=fields).status_code == 400
    assert client.get("/api/lesson/run").json()["state"] == "none"
    assert client.get("/api/lesson").json()["answers"] == ["", ""]


@pytest.mark.slow
def test_a_command_runs_in_its_own_process_under_the_students_name(client: TestClient, tmp_path: Path) -> None:
    assert client.post("/api/lesson/run", json={"command": 0}).json()["state"] == "running"
    assert client.post("/api/lesson/run", json={"command": 1}).status_code == 409
    found = _ended(client)
    assert (found["state"], found["error"]) == ("finished", None)
    assert "house-prices-1" in found["table"]
    assert greycard.open_run(tmp_path / "runs" / "house-prices-1").author == "Ada"


def _commands(root: Path) -> list[str]:
    """The processes of a lesson whose runs go into this folder."""
    lines = subprocess.check_output(["ps", "-wweo", "args"], text=True).splitlines()
    return [line for line in lines if f"--out {root / 'runs'}" in line and " run house-prices" in line]


def _wait_for_commands(root: Path, number: int) -> None:
    deadline = time.monotonic() + 20
    while len(_commands(root)) != number:
        assert time.monotonic() < deadline, _commands(root)
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="lists processes with ps")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_command_ends_with_the_server(tmp_path: Path, kill: int) -> None:
    words = [sys.executable, "-m", "greycard", "studio", str(tmp_path / "images"), "--lesson", "1", "--port", "0"]
    words += ["--out", str(tmp_path / "runs")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = server.stdout.readline().rpartition(" ")[2].strip()
            request = urllib.request.Request(f"{address}api/lesson/run", b'{"command": 0}')
            request.add_header("Content-Type", "application/json")
            urllib.request.urlopen(request).close()
            _wait_for_commands(tmp_path, 1)
            server.send_signal(kill)
            server.wait(30)
        finally:
            server.kill()
    _wait_for_commands(tmp_path, 0)
    assert not list(tmp_path.glob("runs/*")), "it has gone on to its end"


def test_without_a_lesson_there_is_nothing_to_run(tmp_path: Path) -> None:
    with TestClient(make_app(Context(ImageFolder(tmp_path), tmp_path / "runs"))) as client:
        assert client.get("/api/lesson").json() == {"lesson": None}
        assert client.post("/api/lesson/run", json={"command": 0}).status_code == 404
