"""`dstill generate` killed by SIGKILL, at chosen points and at random times, and run again.

`support.kill.lab` checks what must hold: ids are complete and unique, the files have the bytes of an uninterrupted
run, only requests in flight are paid for twice, no stored reply is asked for again, files are whole at their final
names, the store is sound, and no lock or temporary file is left. Each test prints a row of a Markdown table.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from support.kill.lab import PHASES, Lab, Trial
from support.kill.points import Point
from support.kill.subjects import CURATED, QUERYDSL, SUMS
from support.sizes import NIGHTLY, first_quick, size

SEED = 5
N_KILLS = size("KILLS", ci=4, nightly=40)  # random times a phase
POINTS_STEP = size("KILLED_POINTS_STEP", ci=6, nightly=1)  # every n-th point of a phase
COMMANDS_STEP = size("KILLED_COMMANDS_STEP", ci=3, nightly=1)  # every n-th of the times at which the command is killed
QUERIES_STEP = 5  # every n-th point of a run on the Query DSL
REPEATED_KINDS = ("BEGIN", "INSERT", "COMMIT")  # frequent: later ones are tried besides the first
PAUSE = 0.002  # seconds before each point: makes writing long enough for a random time to fall into it


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("killed"), SUMS) as lab:
        yield lab


@pytest.fixture(scope="module")
def slow_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("killed"), SUMS, pause=PAUSE) as lab:
        yield lab


@pytest.fixture(scope="module")
def querydsl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("killed"), QUERYDSL) as lab:
        yield lab


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("killed"), CURATED) as lab:
        yield lab


def choose_points(lab: Lab, phase: str = "") -> list[Point]:
    """One point of each kind, place and moment in each phase, a later one too of those that are frequent.

    `make nightly` takes a later one of every kind, and two of the frequent ones.
    """
    alike: dict[tuple[str, ...], list[Point]] = {}
    for point, of in lab.points:
        if phase in ("", of):
            alike.setdefault((of, point.kind, point.place, point.moment), []).append(point)
    found = []
    for points in alike.values():
        frequent = points[0].kind in REPEATED_KINDS
        thirds, half = {len(points) // 3, 2 * len(points) // 3}, {len(points) // 2}
        later = (thirds if frequent else half) if NIGHTLY else (half if frequent else set())
        found += [points[n] for n in sorted({0, *later})]
    return found


def kill_near(lab: Lab, point: Point) -> list[Trial]:
    """The trials that were needed to kill a run at `point`, or near it; the last one counts.

    The number of transactions depends on which replies arrive together. Where the run ends before the wanted one,
    earlier ones are tried.
    """
    trials = [lab.kill_at(point)]
    while not trials[-1].reached and point.kind in REPEATED_KINDS and point.number > 1:
        point = point._replace(number=point.number * 3 // 4)
        trials.append(lab.kill_at(point))
    return trials


def assert_nothing_broken(name: str, trials: list[Trial]) -> None:
    """Check that no trial left something broken, and print a row of the table for them."""
    broken = [f"{t.wanted} ({t.phase}): {line}" for t in trials for line in t.broken]
    reached = [t for t in trials if t.reached]
    lost = Counter(t.lost for t in reached)
    print(
        f"\n| {name} | {len(reached)} | {len(broken)} | "
        f"{', '.join(f'{n} lost: {lost[n]}' for n in sorted(lost))} | {dict(Counter(t.phase for t in reached))} |"
    )
    assert not broken, "\n".join(broken)


def test_second_process_names_process_that_holds_run(sums: Lab) -> None:
    for point in (Point("COMMIT", "replies.sqlite", "before", 9), Point("write", "test.jsonl", "half", 2)):
        second, pid = sums.second_command_at(point)
        assert second.returncode == 5, second.stderr
        assert re.match(rf"error: run 'run' is locked by pid {pid} on host \S+ since \d{{4}}-", second.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_survives_kill_at_every_kind_of_point(sums: Lab, phase: str) -> None:
    trials = [kill_near(sums, point) for point in choose_points(sums, phase)[::POINTS_STEP]]
    for kind in sorted({t[0].wanted.split()[0] for t in trials}):
        assert_nothing_broken(f"{phase}: {kind}", [t for tried in trials for t in tried if t.wanted.split()[0] == kind])
    assert all(tried[-1].reached for tried in trials)
    assert phase in {tried[-1].phase for tried in trials}


@pytest.mark.slow
@pytest.mark.parametrize("phase", first_quick(PHASES))
def test_survives_kill_at_random_times(slow_disk: Lab, phase: str) -> None:
    draw = random.Random(f"{SEED} {phase}")
    trials: list[Trial] = []
    while len(trials) < N_KILLS or (_hits(trials, phase) < N_KILLS // 4 and len(trials) < 4 * N_KILLS):
        trials.append(slow_disk.kill_in_phase(phase, draw.random()))
    assert_nothing_broken(f"random times from {phase} on", trials)
    # how long a phase takes was measured once: where it took longer then, most kills come after it
    assert _hits(trials, phase) >= N_KILLS // 4


def _hits(trials: list[Trial], phase: str) -> int:
    return sum(trial.reached and trial.phase == phase for trial in trials)


@pytest.mark.slow
def test_command_line_survives_kill_at_random_times(sums: Lab) -> None:
    draw = random.Random(SEED)
    times = [draw.uniform(0.2, 3.0) for _ in range(12)]
    trials = [sums.kill_command_line(seconds) for seconds in times[::COMMANDS_STEP]]
    assert_nothing_broken("dstill itself, random times", trials)
    assert any(t.reached for t in trials)


@pytest.mark.nightly
def test_querydsl_survives_kill_at_every_kind_of_point(querydsl: Lab) -> None:
    points = choose_points(querydsl)[::QUERIES_STEP]
    trials = [querydsl.kill_at(point) for point in points]
    for point in points:  # a run takes seconds: others than the wanted transactions are tried only for want of a phase
        if len(_phases(trials)) >= 4:
            break
        trials += kill_near(querydsl, point)
    assert_nothing_broken("querydsl: points", trials)
    assert len(_phases(trials)) >= 4


def _phases(trials: list[Trial]) -> set[str]:
    return {trial.phase for trial in trials if trial.reached}


@pytest.mark.nightly
def test_curation_survives_kill_at_every_kind_of_point(curated: Lab) -> None:
    trials = [curated.kill_at(point) for point in choose_points(curated)[::POINTS_STEP]]
    assert_nothing_broken("curate: points", trials)
    assert sum(t.reached for t in trials) >= (60 // POINTS_STEP)
    assert all(t.lost == 0 for t in trials)
