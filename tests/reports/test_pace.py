"""Images per second and the time left, also where no bar can be shown."""

from __future__ import annotations

from greycard.reports.pace import Pace


def test_a_line_now_and_then_has_the_time_left() -> None:
    now = 100.0
    pace = Pace("predicting", 1000, lambda: now)
    now = 110.0
    pace.add(50)
    assert pace.speed == "5.0 images/s"
    assert pace.due_line() is None
    now = 140.0
    pace.add(550)
    assert pace.due_line() == "predicting: 600 of 1,000, 15 images/s, 26.7 s left"
    assert pace.due_line() is None


def test_without_a_number_of_images_no_time_is_left() -> None:
    now = 0.0
    pace = Pace("predicting", None, lambda: now)
    now = 60.0
    pace.add(30)
    assert pace.due_line() == "predicting: 30, 0.5 images/s"
