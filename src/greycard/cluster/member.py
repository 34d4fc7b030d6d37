"""One worker of a group: it trains with the others, and the first one writes the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from greycard.backend import configure
from greycard.cluster.hub import BEGUN, SAID, Link
from greycard.core.reporter import Reporter
from greycard.jobs.follow import follow_plan, follow_run
from greycard.jobs.resume import ResumePlan, resume_run
from greycard.jobs.train import Plan, start_for, train_plan
from greycard.reports.progress import log_reporter
from greycard.runs.author import Author
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class NewRun:
    """What a group trains from the beginning.

    Attributes:
        plan: of the training.
        out: the folder of runs.
        author: who trains it.
    """

    plan: Plan
    out: Path
    author: Author | None

    def lead(self, link: Link, reporter: Reporter) -> None:
        def begun(path: Path) -> None:
            link.send(BEGUN, str(path).encode())

        train_plan(self.plan, (), self.out, self.author, reporter, begun=begun, exchange=link)

    def follow(self, link: Link) -> None:
        follow_plan(self.plan, link)


@dataclass(frozen=True)
class BegunRun:
    """What a group continues.

    Attributes:
        plan: of the run; its path is absolute.
    """

    plan: ResumePlan

    def lead(self, link: Link, reporter: Reporter) -> None:
        run, plan = RunRecord(self.plan.path), self.plan
        start_for(run.recipe)
        resume_run(run, plan.dataset, plan.args, plan.build, (), reporter, exchange=link)

    def follow(self, link: Link) -> None:
        plan = self.plan
        follow_run(RunRecord(plan.path), plan.dataset, plan.args, plan.build, link)


@dataclass(frozen=True)
class Member:
    """One worker.

    Attributes:
        rank: the worker's number, from 0.
        workers: how many there are.
        address: of the hub.
        key: the group's secret.
    """

    rank: int
    workers: int
    address: tuple[str, int]
    key: bytes


def train_member(member: Member, job: NewRun | BegunRun) -> None:
    """Train a job as a worker of the group, to the end.

    Raises:
        GreycardError: as in `train`; a LostWorkerError if another worker has ended.
        InterruptedRunError: a signal; the run is saved.
    """
    configure()
    with Link(member.address, member.key, member.rank, member.workers) as link:
        if member.rank:
            job.follow(link)
            return
        with log_reporter(_Lines(link)) as reporter:
            job.lead(link, reporter)


class _Lines:
    """A text file whose lines are shown where the command runs."""

    def __init__(self, link: Link) -> None:
        self._link, self._rest = link, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._link.send(SAID, line.encode())
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False
