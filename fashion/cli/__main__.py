"""`python -m fashion.cli`: the console command without its script."""

import sys

from fashion.cli.main import main

sys.exit(main())
