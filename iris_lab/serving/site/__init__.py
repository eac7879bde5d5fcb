"""The endpoint's pages about itself: demo page, documentation, OpenAPI."""
