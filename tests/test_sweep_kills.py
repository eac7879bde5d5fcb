"""A sweep that is killed at random instants ends as one that nobody killed, and does next to nothing twice."""

import random

import pytest
from killed_sweeps import Sweep, kill_at_random


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_ends_as_one_that_was_not_killed(tmp_path):
    found = kill_at_random(Sweep(tmp_path / "sweep", runs=3), 4, random.Random(2))
    assert sum(found.kills.values()) == 4
