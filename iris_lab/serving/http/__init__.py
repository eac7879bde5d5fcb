"""What every request passes: host check, limits, problem documents, telemetry."""
