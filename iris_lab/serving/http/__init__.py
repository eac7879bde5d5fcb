"""HTTP concerns of all routes: host check, limits, problem documents, telemetry."""
