"""Sphinx configuration, with the small extensions these pages need."""

import ast
import logging
import os
import re
import sys
from functools import partial
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import jupyter_cache.executors.utils as executors
import make_figures
import make_report_figure
from demo_pictures import FIGURES, picture_is_stale
from docutils import nodes
from docutils.statemachine import StringList
from docutils.utils.math.latex2mathml import tex2mathml
from sentences import sentences, written_text
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger
from sphinx.util.nodes import nested_parse_with_titles

import skyblot
from skyblot.headers import facts, ground, pixel_facts, wcs_facts
from skyblot.headers.facts import HEADERS, Fact
from skyblot.parameters.mosaic import DRIZZLE, GRID, MATCH, WRITING
from skyblot.parameters.options import BLOTS, CRITERIA, MASKS, PLANES, RUN
from skyblot.parameters.row import Parameter
from skyblot.parameters.table import TABLE

#: All rows of the modules, in their order.
FACTS = [
    row
    for module in (wcs_facts, pixel_facts, facts, ground)
    for row in vars(module).values()
    if isinstance(row, Fact)
]
_FACT_TITLES = [
    "Fact",
    "Looked for",
    "Overridden by",
    "Missing",
    "No number, or odd",
    "Contradicted",
]

#: The packages that say something, from the command line down, and what their sections are called.
_PARTS = {
    "cli": "Command line",
    "ablot": "The task ablot",
    "compat": "In the place of other packages",
    "api": "Functions on files",
    "mosaics": "Exposures and a mosaic",
    "runs": "Many exposures",
    "steps": "One exposure",
    "report": "Reports",
    "demo": "Demo",
    "io": "Files",
    "rejection": "Cosmic rays",
    "resampling": "Arrays",
    "pixelmap": "World coordinates",
    "headers": "Headers and units",
    "parameters": "Parameters",
    "memory": "Memory",
    "errors": "Values that are not allowed",
}

project = "skyblot"
author = "The skyblot developers"
copyright = author
release = installed_version("skyblot")
version = release.split("+")[0]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_made", "_templates"]
templates_path = ["_templates"]
default_role = "code"

autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False

# Notebooks are Markdown, and run at each build, in a folder that is thrown away; what fails in one
# fails the build. The commands that they show are those of this environment.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
# What a command of the shell prints comes in pieces of a hundred letters: one output of them.
executors.executenb = partial(executors.executenb, coalesce_streams=True)
myst_enable_extensions = ["colon_fence", "dollarmath"]

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.output) > div.highlight > pre"

html_theme = "furo"
html_title = f"skyblot {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_math_renderer = "mathml"


class RstDirective(SphinxDirective):
    """A directive whose content is reStructuredText that `lines` returns."""

    def lines(self) -> list[str]:
        """Return the reStructuredText."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the text where the directive stands; sections are allowed in it."""
        node = nodes.Element()
        nested_parse_with_titles(
            self.state, StringList(self.lines(), self.get_source_info()[0]), node
        )
        return node.children


class ParametersDirective(RstDirective):
    """``.. parameters::`` documents every row of the table of parameters."""

    def lines(self) -> list[str]:
        """One section for each section of the table, one definition for each row."""
        lines: list[str] = []
        section = None
        of_mosaics = (*GRID, *MATCH, *DRIZZLE)
        written = (*WRITING, *MASKS, *BLOTS)
        for row in (*TABLE, *of_mosaics, *CRITERIA, *PLANES, *written, *RUN):
            if row.section != section:
                section = row.section
                title = section or "General"
                lines += ["", title, "-" * len(title), ""]
                lines += (
                    [f"In a ``.cfg`` file: section ``[{section}]``.", ""]
                    if section and row in TABLE
                    else []
                )
            lines += self.row_lines(row)
        return lines

    def row_lines(self, row: Parameter) -> list[str]:
        """Return the definition of one row."""
        option = f"{row.option} / --no-{row.option[2:]}" if row.kind == "bool" else row.option
        words = {None: "nothing", "": "nothing", "True": "yes", "False": "no"}
        default = words.get(row.default if row.default is None else str(row.default), row.default)
        facts = [
            f"Default: ``{default}``.",
            *([f"Unit: {row.unit}."] if row.unit else []),
            f"Allowed: {row.allowed}.",
        ]
        where = "in Python" if row.python else f"on the command line ``{option}``"
        words = row.help.replace("*", r"\*")
        return [f"``{row.name}``, {where}", f"   {words}", "", f"   {' '.join(facts)}", ""]


class MessagesDirective(RstDirective):
    """``.. messages::`` lists every sentence of errors and warnings, by the part of skyblot that
    says it.
    """

    def lines(self) -> list[str]:
        """One section for each part; one item for each sentence, with the comment on it."""
        package = Path(skyblot.__file__).parent
        listed: dict[tuple[str, bool], dict[str, str]] = {}
        for sentence in sentences(package):
            part = sentence.path.relative_to(package).parts[0].removesuffix(".py")
            subject = "<file>: " if sentence.subject else ""
            listed.setdefault((part, sentence.warns), {}).setdefault(
                subject + sentence.text, sentence.advice
            )
        lines: list[str] = []
        for part, title in _PARTS.items():
            lines += ["", title, "-" * len(title), ""]
            for warns in (False, True):
                said = listed.get((part, warns), {})
                lines += ["Warnings:", ""] if warns and said else []
                for text, advice in sorted(said.items()):
                    lines += [f"* ``{text}``", "", *([f"  {advice}", ""] if advice else [])]
        return lines


class SaidDirective(RstDirective):
    """``.. said:: BEGINNING`` shows the whole sentence that skyblot says, as its source has it."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> list[str]:
        """One block with the sentence; without one the page is out of date."""
        texts = [
            text
            for path in Path(skyblot.__file__).parent.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.expr)
            if (text := written_text(node)) and text.startswith(self.arguments[0])
        ]
        # The pieces of a sentence are texts, too.
        whole = max(texts, key=len, default="")
        if not whole or not all(whole.startswith(text) for text in texts):
            raise self.error(f"no single sentence begins with {self.arguments[0]!r}: {texts}")
        return [".. code-block:: text", "", f"   {whole}", ""]


class FactsDirective(RstDirective):
    """``.. facts::`` is the table of all that is read from headers."""

    def lines(self) -> list[str]:
        """One row for each fact."""
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 14 20 16 18 16 16", ""]
        for row in [_FACT_TITLES, *(self.row(fact) for fact in FACTS)]:
            lines += [f"   {'*' if k == 0 else ' '} - {text}" for k, text in enumerate(row)]
        return [*lines, ""]

    def row(self, fact: Fact) -> list[str]:
        """Return the texts of a fact's columns."""
        keywords = ", ".join(f"``{each}``" for each in fact.keywords)
        places = (
            ""
            if fact.places == HEADERS
            else re.sub(r"\b([A-Z]+_)(?=\W)", r"``\1``", f" ({fact.places})")
        )
        overrides = re.sub(r"(--[a-z-]+|[a-z]+\.fits\[[^\]]+\])", r"``\1``", fact.overrides)
        texts = [
            re.sub(r"\b([A-Z]+_)(?=\W)", r"``\1``", text)
            for text in (fact.missing, fact.odd, fact.contradicted)
        ]
        return [fact.name, keywords + places, overrides or "nothing", *texts]


class MarkdownDirective(RstDirective):
    """``.. markdown:: FILE`` includes one of the project's own, simple, Markdown files without its
    title.
    """

    required_arguments = 1

    def lines(self) -> list[str]:
        """Return the file as reStructuredText: headings, lists, fenced code, ``code`` and links."""
        path = Path(self.env.srcdir) / self.arguments[0]
        self.env.note_dependency(str(path))
        lines: list[str] = []
        fenced = False
        for line in path.read_text().splitlines():
            if line.startswith("```"):
                fenced = not fenced
                lines += ["", f".. code-block:: {line[3:] or 'text'}", ""] if fenced else [""]
            elif fenced:
                lines.append(f"   {line}")
            elif match := re.fullmatch(r"(##+) (.+)", line):
                title = inline(match[2])
                lines += ["", title, ("-" if len(match[1]) == 2 else "~") * len(title), ""]
            elif not line.startswith("# "):
                lines.append(inline(line))
        return lines


def inline(text: str) -> str:
    """Turn Markdown's inline code and links into those of reStructuredText."""
    pieces = re.split(r"(`[^`]+`|\[[^\]]+\]\([^)]+\))", text)
    for k, piece in enumerate(pieces):
        link = re.fullmatch(r"\[([^\]]+)\]\(([^)]+)\)", piece)
        if link:
            pieces[k] = f"`{link[1]} <{link[2]}>`__"
        elif piece.startswith("`"):
            pieces[k] = f"`{piece}`"
        else:
            pieces[k] = re.sub(r"([_|])", r"\\\1", piece)
    return "".join(pieces)


def write_math(writer, node) -> None:
    """Write a formula as MathML: browsers show it without a script, and without a network."""
    mathml = tex2mathml(node.astext())
    if isinstance(node, nodes.math_block):
        mathml = (
            '<div class="math">' + mathml.replace("<math", '<math display="block"', 1) + "</div>"
        )
    writer.body.append(mathml)
    raise nodes.SkipNode


def draw(app) -> None:
    """Make figures and tables, and complain of a picture in README that is not as it would be."""
    # A package of styles of code sends messages of all libraries to the screen.
    logging.getLogger().setLevel(logging.WARNING)
    make_figures.main()
    make_report_figure.main(FIGURES / "report.png")
    if picture_is_stale():
        getLogger(__name__).warning(
            "docs/_static/figures/clean.png, which README shows, is not what the demo data give: "
            "python docs/make_figures.py makes it anew"
        )


def setup(app) -> None:
    """Register the extensions above."""
    app.connect("builder-inited", draw)
    app.add_directive("parameters", ParametersDirective)
    app.add_directive("messages", MessagesDirective)
    app.add_directive("said", SaidDirective)
    app.add_directive("facts", FactsDirective)
    app.add_directive("markdown", MarkdownDirective)
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))
