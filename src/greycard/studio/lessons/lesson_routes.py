"""Requests about the lesson at the side: its page, its commands, and the answers to its questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from greycard.deploy.serve.limits import RefusedError
from greycard.studio.context import Context
from greycard.studio.lessons.lessons import Lesson
from greycard.studio.lessons.student_answers import Answers
from greycard.studio.processes import Command, end_of, failure_of
from greycard.studio.questions import read_fields

_LONGEST = 10_000
"""Characters of an answer."""

_JOB = "lesson"


def lesson_routes(context: Context) -> list[Route]:
    lesson = _LessonRoutes(context)
    return [
        Route("/api/lesson", lesson.page),
        Route("/api/lesson/keep", lesson.keep, methods=["POST"]),
        Route("/api/lesson/answer", lesson.answer, methods=["POST"]),
        Route("/api/lesson/run", lesson.status),
        Route("/api/lesson/run", lesson.run, methods=["POST"]),
        Route("/api/lesson/stop", lesson.stop, methods=["POST"]),
    ]


class _LessonRoutes:
    def __init__(self, context: Context) -> None:
        self._context, self._answers = context, Answers(context.state / "answers.json")
        self._command = Command(context.state, _JOB, ends_with_server=True)
        self._out = context.state / f"{_JOB}.out"
        context.closing.callback(self._command.end)

    async def page(self, request: Request) -> JSONResponse:
        """The lesson without its answers, and what was answered; null without a lesson."""
        lesson = self._context.lesson
        if lesson is None:
            return JSONResponse({"lesson": None})
        kept = await run_in_threadpool(self._answers.of, lesson.name, len(lesson.questions))
        shown = {
            "title": lesson.title,
            "steps": [asdict(step) for step in lesson.steps],
            "commands": [f"greycard {' '.join(words)}" for words in lesson.commands],
            "questions": [question.text for question in lesson.questions],
        }
        return JSONResponse({"lesson": shown, "answers": kept})

    async def keep(self, request: Request) -> JSONResponse:
        """Keep what a student has answered."""
        fields = await read_fields(request, ("question", "text"))
        lesson, text = self._lesson, fields["text"]
        place = _place(fields, "question", len(lesson.questions))
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise RefusedError(400, f"text must be a string of at most {_LONGEST:,} characters")
        try:
            await run_in_threadpool(self._answers.keep, lesson.name, len(lesson.questions), place, text)
        except OSError as error:
            raise RefusedError(507, f"the answer cannot be kept: {error.strerror or error}") from error
        return JSONResponse({"kept": place})

    async def answer(self, request: Request) -> JSONResponse:
        """The answer to a question."""
        fields = await read_fields(request, ("question",))
        return JSONResponse({"answer": self._lesson.questions[_place(fields, "question", self._count)].answer})

    async def run(self, request: Request) -> JSONResponse:
        """Run one of the lesson's own commands, by its number."""
        fields = await read_fields(request, ("command",))
        lesson = self._lesson
        words = lesson.commands[_place(fields, "command", len(lesson.commands))]
        named = [] if self._context.author is None else ["--name", self._context.author]
        await run_in_threadpool(self._command.start, [*words, *named, "--out", self._context.runs], "a command")
        return await self.status(request)

    async def stop(self, request: Request) -> JSONResponse:
        await read_fields(request, ())
        self._command.stop()
        return await self.status(request)

    async def status(self, request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(self._status))

    def _status(self) -> dict[str, Any]:
        progress = self._command.progress()
        table = end_of(self._out) if progress.state in ("finished", "failed") else ""
        return {"state": progress.state, "log": progress.log, "table": table, "error": failure_of(progress)}

    @property
    def _lesson(self) -> Lesson:
        if self._context.lesson is None:
            raise RefusedError(404, "no lesson is open; start greycard studio with --lesson NAME")
        return self._context.lesson

    @property
    def _count(self) -> int:
        return len(self._lesson.questions)


def _place(fields: Mapping[str, Any], name: str, count: int) -> int:
    """A number of a question or a command, counted from 0."""
    place = fields[name]
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < count:
        raise RefusedError(400, f"{name} must be a whole number from 0 to {count - 1}")
    return place
