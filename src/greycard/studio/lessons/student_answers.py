"""What a student has answered to the questions of the lessons, kept in a file."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock

from greycard.core.atomic_files import atomic_write
from greycard.studio.json_files import read_object


class Answers:
    """The answers in one file, by lesson. Its methods may be called from several threads.

    Args:
        file: where they are kept; written whole after every change.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, Lock()

    def of(self, lesson: str, questions: int) -> list[str]:
        """The answer to each of a lesson's questions; empty where there is none."""
        found = self._read().get(lesson, [])
        return [*found, *[""] * questions][:questions]

    def keep(self, lesson: str, questions: int, place: int, text: str) -> None:
        """Keep an answer, in place of an earlier one.

        Args:
            lesson: its name.
            questions: number of its questions.
            place: of the question, counted from 0.
            text: what was typed.
        """
        with self._lock:
            changed = self.of(lesson, questions)
            changed[place] = text
            self._file.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._file, json.dumps({**self._read(), lesson: changed}, indent=1, ensure_ascii=False) + "\n")

    def _read(self) -> dict[str, list[str]]:
        """The content of the file; empty if there is none."""
        found = read_object(self._file)
        return {name: [str(each) for each in texts] for name, texts in found.items() if isinstance(texts, list)}
