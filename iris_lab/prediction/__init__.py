"""Predictions from arrays and from table files; nothing here needs Flask."""
