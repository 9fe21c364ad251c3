"use strict";
(async function () {
  const { specs, sites, metrics, labels, comparison } = JSON.parse(document.getElementById("figures").textContent);
  const form = document.querySelector(".controls");
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: false };
  const day = 86400000;
  const charts = []; // what is drawn: {panel, site, view, rows}
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

  // A value that is the same as the one before is written as null.
  function rowsOf(site, resource) {
    const columns = site.resources[resource];
    if (!columns) return null;
    const rows = site.starts.map((t) => ({ t }));
    for (const [metric, values] of Object.entries(columns)) {
      let last = null;
      values.forEach((value, i) => { rows[i][metric] = last = value === null ? last : value; });
    }
    rows.push({ ...rows[rows.length - 1], t: site.end });
    return rows;
  }

  const chosen = () => form.elements.resource.value || form.elements.resource[0].value;
  const shown = () => [...form.querySelectorAll("[name=shown]:checked")].map((box) => box.value);
  const range = () => [Date.parse(form.elements.from.value), Date.parse(form.elements.to.value) + day];

  // What is around a drawing says what it shows.
  async function embed(holder, spec) {
    const { view } = await vegaEmbed(holder, spec, options);
    holder.querySelector("svg").setAttribute("aria-hidden", "true");
    return view;
  }

  async function draw(panel) {
    const site = sites[panel.dataset.site];
    const holder = panel.querySelector(".chart");
    const turn = panel.turn = (panel.turn || 0) + 1;
    const old = charts.findIndex((chart) => chart.panel === panel);
    if (old >= 0) charts.splice(old, 1)[0].view.finalize();
    const rows = rowsOf(site, chosen());
    panel.querySelector(".untracked").hidden = rows !== null;
    holder.hidden = rows === null;
    panel.querySelector(".readout").textContent = "";
    if (!rows) return;
    const spec = structuredClone(specs[Object.keys(site.resources[chosen()]).join()]);
    spec.datasets = { stack: rows };
    setTitle(spec, labels[chosen()]);
    const place = document.createElement("div");
    holder.replaceChildren(place);
    const view = await embed(place, spec);
    if (turn !== panel.turn) { // another resource was chosen meanwhile, and drawn in a place of its own
      view.finalize();
      return;
    }
    charts.push({ panel, holder, rows, view, at: -1 });
    await apply(charts[charts.length - 1]);
  }

  function setTitle(spec, title) {
    for (const layer of spec.layer) {
      if (layer.encoding.y && layer.encoding.y.axis) layer.encoding.y.axis.title = title;
    }
  }

  async function apply(chart) {
    const [from, to] = range();
    if (!(from < to)) return;
    await chart.view.signal("from_ms", from).signal("to_ms", to).signal("shown", shown()).runAsync();
  }

  function tell(chart, at) {
    at = Math.max(0, Math.min(chart.rows.length - 2, at));
    chart.at = at;
    const row = chart.rows[at];
    const values = metrics.filter((m) => row[m] !== undefined).map((m) => `${labels[m]} ${number.format(row[m])}`);
    const when = new Date(row.t).toISOString().replace("T00:00:00.000Z", "").replace(":00.000Z", "").replace("T", " ");
    chart.panel.querySelector(".readout").textContent = `${when}: ${values.join(", ")}`;
    chart.view.signal("at", row.t).runAsync();
  }

  // The bucket under the pointer.
  function bucketAt(chart, event) {
    const t = timeAt(chart, event);
    let at = -1;
    while (at + 1 < chart.rows.length && chart.rows[at + 1].t <= t) at++;
    return at;
  }

  function timeAt(chart, event) {
    const svg = chart.holder.querySelector("svg");
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width || 1;
    const x = (event.clientX - svg.getBoundingClientRect().left) / scale - chart.view.origin()[0];
    return +chart.view.scale("x").invert(x);
  }

  const iso = (t) => new Date(t).toISOString().slice(0, 10);
  function zoom(from, to) {
    const limits = form.elements.from;
    const first = Date.parse(limits.min), last = Date.parse(limits.max);
    form.elements.from.value = iso(Math.max(first, Math.min(from, to)));
    form.elements.to.value = iso(Math.min(last, Math.max(from, to)));
    charts.forEach(apply);
  }

  function listen(panel) {
    const holder = panel.querySelector(".chart");
    const mine = () => charts.find((chart) => chart.panel === panel);
    let down = null, zone = null;
    const end = () => { down = null; if (zone) zone.remove(); zone = null; };
    holder.addEventListener("pointermove", (event) => {
      const chart = mine();
      if (!chart) return;
      tell(chart, bucketAt(chart, event));
      if (!down) return;
      if (!zone) { zone = document.createElement("div"); zone.className = "zone"; holder.append(zone); }
      const left = holder.getBoundingClientRect().left;
      zone.style.left = `${Math.min(down.x, event.clientX) - left}px`;
      zone.style.width = `${Math.abs(event.clientX - down.x)}px`;
    });
    holder.addEventListener("pointerdown", (event) => {
      if (mine() && event.pointerType === "mouse") down = { x: event.clientX, t: timeAt(mine(), event) };
    });
    holder.addEventListener("pointerup", (event) => {
      const begun = down;
      end();
      if (begun && Math.abs(event.clientX - begun.x) > 5) zoom(begun.t, timeAt(mine(), event));
    });
    holder.addEventListener("pointerleave", end);
    holder.addEventListener("dblclick", () => form.elements.all.click());
    holder.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -Infinity, End: Infinity }[event.key];
      const chart = mine();
      if (step === undefined || !chart) return;
      event.preventDefault();
      tell(chart, chart.at < 0 && step === -1 ? chart.rows.length - 2 : chart.at + step);
    });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.name === "resource") panels.forEach(draw);
    else charts.forEach(apply);
  });
  form.elements.all.addEventListener("click", () => {
    form.elements.from.value = form.elements.from.min;
    form.elements.to.value = form.elements.to.max;
    charts.forEach(apply);
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.dataset.was = d.open; d.open = d.dataset.resource === chosen(); }));
  addEventListener("afterprint", () => document.querySelectorAll("details").forEach((d) => { d.open = d.dataset.was === "true"; }));

  const panels = [...document.querySelectorAll(".panel")];
  panels.forEach(listen);
  await Promise.all(panels.map(draw));
  if (comparison) await embed(document.getElementById("comparison"), comparison);
  document.documentElement.dataset.drawn = charts.length;
})();
