"""From values to answers, without Flask."""
