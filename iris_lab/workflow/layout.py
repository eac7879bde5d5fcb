"""Names of the files and folders in a run directory, and their media types."""

CRATE_FILE = "ro-crate-metadata.json"  # a folder that has one is a run
PAGE_FILE = "index.html"
# Python's own table of media types depends on the machine's.
IMAGES = {
    ".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml",
    ".webp": "image/webp",
}  # fmt: skip
MEDIA_TYPES = IMAGES | {
    ".csv": "text/csv",
    ".html": "text/html", ".ipynb": "application/x-ipynb+json", ".joblib": "application/octet-stream",
    ".json": "application/json", ".parquet": "application/vnd.apache.parquet", ".tsv": "text/tab-separated-values",
}  # fmt: skip
