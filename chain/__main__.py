"""`python -m chain`: the command `fixpoint` without its installed script."""

import sys

from chain.cli.main import main

sys.exit(main())
