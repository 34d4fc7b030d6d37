"""`python -m greycard`."""

import sys

from greycard.cli.main import main

sys.exit(main())
