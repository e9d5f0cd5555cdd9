"""How Sphinx builds the documentation site. `make docs` does it, and fails on any warning."""

project = "lensfeed"
html_title = "lensfeed"
extensions = ["myst_parser"]
exclude_patterns = ["generate"]
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
# A block without a language is a diagram or an example of output.
highlight_language = "none"
# Links of the form page.md#section, as plain Markdown viewers know them.
myst_heading_anchors = 4
html_static_path = ["_static"]
html_css_files = ["site.css"]
