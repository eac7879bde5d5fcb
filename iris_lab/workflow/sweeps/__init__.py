"""Sweeps: the values to combine, the runs that are done, who executes the others, and what is shown of all of them."""
