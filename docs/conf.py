"""How Sphinx builds the documentation site from these pages: `make site`."""

from __future__ import annotations

import greycard

project = "Greycard"
version = release = greycard.__version__
author = copyright = "The Greycard developers"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["lessons/notebooks"]

myst_heading_anchors = 4  # links to headings are written as GitHub writes them
suppress_warnings = ["myst.header"]  # a skipped heading level: the site shows the right one
default_role = "code"  # docstrings write code in single backticks, as Markdown does
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a record's fields as one list
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"Greycard {version}"
html_copy_source = False
html_domain_indices = False
