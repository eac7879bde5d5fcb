"""What a feature is."""

LARGEST = 1e30  # in size; beyond any measurement, and the arithmetic of every model still holds
