"""`docs`: dbt's documentation site as one page: every model and column, and what is made of what."""

import re
from logging import INFO

from loader.builds import dbt_runner
from loader.console import say
from loader.errors import Failure, stop_if_interrupted
from loader.parsed import project_flags
from loader.reasons import why
from loader.report.written import local, put
from loader.work import work_folder


def write_docs(html: str) -> None:
    """Write the page; needs the extra `pipeline`, but no data."""
    target = local(html, "--html")
    runner = dbt_runner("docs")
    with work_folder() as work:
        made = runner().invoke(["docs", "generate", "--static", *project_flags(work / "target", work)])
        stop_if_interrupted()
        if not made.success:
            raise Failure(f"dbt cannot document its project: {why(made)}")
        put(target, mended((work / "target/static_index.html").read_text(encoding="utf-8")))
    say(INFO, f"wrote {target}", file=str(target))


def mended(page: str) -> str:
    """dbt's page less what browsers look for in vain: icons whose names are not yet filled in, a favicon not put in."""
    page = page.replace('xlink:href="{{', 'ng-attr-xlink:href="{{')
    return re.sub(r"""<link rel="shortcut icon" href="\$\{require[^>]*>""", "", page)
