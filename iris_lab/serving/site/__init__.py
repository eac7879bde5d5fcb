"""What the endpoint says of itself: demo page, documentation, OpenAPI."""
