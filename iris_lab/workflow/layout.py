"""Names of the files and folders in a run directory."""

CRATE_FILE = "ro-crate-metadata.json"  # a folder that has one is a run
PAGE_FILE = "index.html"
DATA_FOLDER = "data"  # for the copy of the user's table
