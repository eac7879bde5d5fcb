"""The prediction endpoint: a Flask application, launched from a notebook cell or from the shell."""
