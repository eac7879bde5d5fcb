"""``python -m iris_lab`` is ``iris-lab``."""

import sys

from iris_lab.cli import main

sys.exit(main())
