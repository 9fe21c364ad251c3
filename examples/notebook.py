"""A marimo notebook over the published files: `marimo edit examples/notebook.py -- --output output/usage`."""

import marimo

app = marimo.App(width="medium", app_title="Usage")


@app.cell
def _():
    import marimo as mo

    from loader.outputs import opened, places
    from loader.report import charts, figures, plots

    return charts, figures, mo, opened, places, plots


@app.cell
def _(mo, places):
    output = mo.cli_args().get("output") or "output/usage"
    selected = {place.key: place for place in places(None, (), None, output)}
    site_key = mo.ui.dropdown(list(selected), value=next(iter(selected)), label="site")
    site_key  # noqa: B018 (marimo shows a cell's last expression)
    return selected, site_key


@app.cell
def _(figures, opened, selected, site_key):
    place = selected[site_key.value]
    with opened(place.output, place.key, resampled=True) as published:
        site = figures.read(published, place.key, place.name)
    return (site,)


@app.cell
def _(mo, site):
    resource = mo.ui.dropdown(site.resources, value=site.resources[0], label="resource")
    resource  # noqa: B018
    return (resource,)


@app.cell
def _(charts, figures, mo, plots, resource, site):
    shares = plots.utilisations(site)
    buckets = site.buckets["current", resource.value]
    areas = [name for name in figures.AREAS if buckets.area(name) is not None]
    lines = [name for name in figures.LINES if name in buckets.means]
    chart = charts.stack(areas, lines, figures.UNITS[resource.value])
    content = charts.specification(chart, *site.window, charts.FILE, site.name)
    said = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share is not None)
    print(f"{site.name}: {said}")
    mo.vstack([mo.md(said), mo.ui.altair_chart(charts.drawable(content, stack=charts.stack_rows(buckets)))])
    return


if __name__ == "__main__":
    app.run()
