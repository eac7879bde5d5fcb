"""The prediction contract: requests, their problems, and answers."""
