"""`python -m greycard`."""

import sys

from greycard.cli.entry import main

sys.exit(main())
