"""Settings of the documentation: Markdown pages, docstrings, one theme."""

from __future__ import annotations

import simulacra

project = "simulacra"
author = "the simulacra authors"
copyright = "the simulacra authors"
release = version = simulacra.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"simulacra {release}"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
# networks and vines are documented where their packages are not installed, too
autodoc_mock_imports = ["torch", "pyvinecopulib"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
# words of plain language as types ("frame") are no links
suppress_warnings = ["ref.python"]
