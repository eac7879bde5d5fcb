"""The Open Inference Protocol; remove this package and its uses in ``app.py`` to remove the protocol."""
