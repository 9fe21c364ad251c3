"""What `report` and `plot` do."""

from collections.abc import Iterator
from logging import INFO
from pathlib import Path

from loader.config import Place
from loader.console import say
from loader.errors import UsageError
from loader.outputs import opened, places
from loader.report.written import local, put
from loader.tables import counted


def _needs(command: str) -> None:
    """UsageError unless the extra is there."""
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError:
        raise UsageError(f"{command} needs an extra: pip install 'chameleon-usage[report]'") from None


def write_report(
    config: Path | None, keys: tuple[str, ...], data_dir: str | None, output: str | None, html: str, title: str
) -> None:
    """Write one page about all selected sites; Failure if a site was not processed with --resample."""
    _needs("report")
    from loader.report import figures, page

    target = local(html, "--html")
    sites = []
    for place in places(config, keys, data_dir, output):
        with opened(place.output, place.key, resampled=True) as published:
            sites.append(figures.read(published, place.key, place.name, place.schemas))
    content = page.page(sites, title)
    put(target, content)
    say(INFO, f"wrote {target} ({counted(len(sites), 'site')}, {len(content.encode()) / 1e6:.1f} MB)", file=str(target))


def write_plots(
    config: Path | None,
    keys: tuple[str, ...],
    data_dir: str | None,
    output: str | None,
    to: str,
    events: Path | None,
    operations: tuple[str, ...],
    formats: tuple[str, ...],
) -> None:
    """Write the plots and tables of all selected sites below a folder, and a plot that compares them."""
    _needs("plot")
    from loader.report import events as happened
    from loader.report import figures, plots

    folder = local(to, "--to")
    known = happened.read(events) if events else []
    images = formats or plots.IMAGES
    selected = places(config, keys, data_dir, output)
    if unknown := [e.site for e in known if e.site and e.site not in {place.key for place in selected}]:
        raise UsageError(f"--events {events}: {unknown[0]} is none of the sites: {', '.join(p.key for p in selected)}")
    _check_operations(selected, operations)
    sites = []
    for place in selected:
        with opened(place.output, place.key, resampled=True) as published:
            site = figures.read(published, place.key, place.name, place.schemas)
            sites.append(site)
            mine = folder / place.key
            _say(plots.stacks(site, mine, images))
            _say(plots.collectors(site, mine, images))
            if operations:
                _say(plots.devices(site, published, operations, mine, images))
            _say(plots.tables(published, mine))
    if len(sites) > 1 or known:
        _say(plots.comparison(sites, folder, known, images))


def _check_operations(selected: list[Place], operations: tuple[str, ...]) -> None:
    """UsageError for a project that no site knows: it would count as a user's."""
    if not operations:
        return
    known: set[str] = set()
    for place in selected:
        with opened(place.output, place.key, resampled=True) as published:
            rows = published.rows("select distinct project_id, project_name from usage_by_project_resampled")
            known |= {name for row in rows for name in row.values() if name}
    if unknown := [name for name in operations if name not in known]:
        raise UsageError(f"--operations {unknown[0]}: no such project (id or name) reserved or used anything here")


def _say(files: Iterator[Path]) -> None:
    for file in files:
        say(INFO, f"wrote {file}", file=str(file))
