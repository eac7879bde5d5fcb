"""What in a table, a split or a model could mislead: each pitfall with a stable code, a measure, and what to do."""

from iris_lab.by_step import CHECKS_FILE
from iris_lab.pitfalls.models import in_model, in_split
from iris_lab.pitfalls.pitfall import Pitfall, record_pitfalls
from iris_lab.pitfalls.tables import in_table

__all__ = ["CHECKS_FILE", "Pitfall", "in_model", "in_split", "in_table", "record_pitfalls"]
