/* The page: tables that sort, and the prior explorer's sliders and pictures. */
"use strict";

/** Make every table's headers buttons that sort its rows. */
function makeSortable(table) {
  const value = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const body = table.tBodies[0];
      const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b
        : typeof a === "number" ? -1 : typeof b === "number" ? 1
        : a.localeCompare(b, document.documentElement.lang));
      body.append(...[...body.rows].sort((a, b) => sign * compare(value(a, column), value(b, column))));
    });
  });
}
document.querySelectorAll(".table table").forEach(makeSortable);

/** A section that a link names is unfolded, and all of them are on paper. */
function unfold() {
  const named = location.hash && document.getElementById(location.hash.slice(1));
  const section = named && named.closest("details");
  if (section) {
    section.open = true;
    named.scrollIntoView();
  }
}
addEventListener("hashchange", unfold);
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((section) => { section.open = true; });
});
unfold();

(() => {
  const form = document.getElementById("prior-form");
  if (!form) return;
  const content = JSON.parse(document.getElementById("explorer-data").textContent);
  const get = (name) => document.getElementById("x-" + name), {texts, lang} = content;
  const slopes = Boolean(get("item")); // a page of re-read ICCs has none
  if (!content.models.length) return;
  form.hidden = false;

  /** A number as the page's language writes it; what would look like zero is said to be small. */
  const mark = (text) => (lang === "nb" ? text.replace(".", ",") : text).replace("-", "\u2212");
  function shown(x, decimals) {
    const least = 10 ** -decimals, text = x.toFixed(decimals);
    if (x !== 0 && Number(text) === 0) return (x > 0 ? "<" : ">\u2212") + mark(least.toFixed(decimals));
    return mark(text);
  }
  const share = (p) => (p > 0.9995 && p < 1 ? ">" + mark("0.999") : shown(p, 3));
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const options = (select, entries) => {
    const before = select.value;
    select.replaceChildren(...entries.map(([value, label]) => new Option(label, value)));
    if (entries.some(([value]) => value === before)) select.value = before;
  };

  /** Sliders of scales are logarithmic, from data-low to data-high, and meet data-start exactly. */
  const ends = (slider) => ["low", "high", "start"].map((name) => Number(slider.dataset[name]));
  const placeOf = ([low, high, start]) => Math.round(100 * Math.log(start / low) / Math.log(high / low));
  function scaleOf(slider) {
    const [low, high, start] = ends(slider), place = placeOf([low, high, start]);
    const scale = start * (high / low) ** ((slider.value - place) / 100);
    return Math.min(high, Math.max(low, scale));
  }
  for (const name of slopes ? ["group", "slope"] : ["group"]) {
    get(name).value = placeOf(ends(get(name)));
    get(name).setAttribute("value", get(name).value); // what reset returns to
  }

  const models = (outcome) => content.models.filter((m) => m.outcome === outcome);
  const choices = (outcome) => models(outcome).flatMap(
    (model) => model.choices.map((choice) => ({...choice, model})));
  const chosen = () => choices(get("outcome").value).find((c) => c.key === get("item").value);

  /** How far the ROPE's slider goes, in the outcome's unit, and decimals that are worth printing. */
  const room = (outcome) => content.outcomes.find(({key}) => key === outcome).reach;
  const places = (outcome) => Math.max(0, 2 - Math.floor(Math.log10(room(outcome))));

  let offered = ""; // the item whose contrasts are offered: the same size is another one elsewhere
  function refill() {
    options(get("outcome"), content.outcomes.map(({key, label}) => [key, label]));
    if (!slopes) return;
    const unit = room(get("outcome").value);
    if (Number(get("rope").max) !== unit) {
      Object.assign(get("rope"), {max: unit, step: unit / 60, value: unit / 6});
    }
    options(get("item"), choices(get("outcome").value).map(({key, label}) => [key, label]));
    if (get("item").value !== offered) get("contrast").replaceChildren();
    offered = get("item").value;
    options(get("contrast"), chosen().contrasts.map(({size, label}) => [String(size), label]));
  }

  function state() {
    const group = {family: get("family").value, scale: scaleOf(get("group"))};
    const outcome = get("outcome").value;
    if (!slopes) return {outcome, prior: {group, slope: 1}}; // of a slope that no model has
    return {
      outcome, choice: chosen(), size: Number(get("contrast").value),
      rope: Number(get("rope").value),
      prior: {group, slope: get("flat").checked ? Infinity : scaleOf(get("slope"))},
    };
  }

  const SVG = "http://www.w3.org/2000/svg", LEFT = 10, RIGHT = 410, BASE = 165, TOP = 10;
  function draw(svg, parts) {
    svg.replaceChildren(...parts.map(([name, attributes, text]) => {
      const part = document.createElementNS(SVG, name);
      Object.entries(attributes).forEach(([key, value]) => part.setAttribute(key, value));
      if (text !== undefined) part.textContent = text;
      return part;
    }));
  }
  function axis(low, high, decimals) {
    const x = (v) => LEFT + (v - low) / (high - low) * (RIGHT - LEFT);
    const ticks = [0, 1, 2, 3, 4].map((i) => low + i * (high - low) / 4);
    return [x, [["line", {class: "x-axis", x1: LEFT, x2: RIGHT, y1: BASE, y2: BASE}],
      ...ticks.map((v, i) => ["text", {x: x(v), y: BASE + 28,
        "text-anchor": i === 0 ? "start" : i === 4 ? "end" : "middle"}, shown(v, decimals)])]];
  }

  function drawIcc(found) {
    const [x, base] = axis(0, 1, 2), n = found.bins.length;
    const most = Math.max(...found.bins, ...(found.prior || []).slice(1, -1));
    // a share from interpolated probabilities may be below zero by 1e-8, no height of a bar is
    const y = (p) => BASE - Math.min(1, Math.max(0, p / most)) * (BASE - TOP);
    const bars = found.bins.map((p, i) => ["rect", {class: "x-bar", x: x(i / n), y: y(p),
      width: (RIGHT - LEFT) / n, height: BASE - y(p)}]);
    const steps = (found.prior || []).flatMap((p, i) => [[i / n, p], [(i + 1) / n, p]]);
    const line = steps.map(([v, p]) => `${x(v)},${y(p)}`).join(" ");
    draw(get("icc"), [...bars, ["polyline", {class: "x-line", points: line}], ...base,
      ["line", {class: "x-span", x1: x(found.lower), x2: x(found.upper), y1: BASE + 6, y2: BASE + 6}]]);
  }

  /** The axis of an effect stays where it is while the priors move. */
  const reach = {};
  function drawEffect(found, key, unit, decimals) {
    reach[key] = reach[key] || Math.ceil(6 / unit * (Math.abs(found.mean) + 4 * found.sd)) * unit / 6;
    const end = reach[key], [x, base] = axis(-end, end, decimals);
    const at = Array.from({length: 201}, (_, i) => -end + i * end / 100);
    const height = at.map((v) => Explorer.mixtureDensity(found.mix, v)), most = Math.max(...height);
    const points = at.map((v, i) => `${x(v)},${BASE - height[i] / most * (BASE - TOP)}`).join(" ");
    const rope = Math.min(end, found.rope);
    draw(get("effect"), [
      ["rect", {class: "x-rope", x: x(-rope), width: x(rope) - x(-rope), y: TOP, height: BASE - TOP}],
      ["polygon", {class: "x-curve", points: `${x(-end)},${BASE} ${points} ${x(end)},${BASE}`}],
      ["line", {class: "x-axis", x1: x(0), x2: x(0), y1: TOP, y2: BASE}], ...base,
      ["line", {class: "x-span", x1: x(Math.max(-end, found.lower)),
        x2: x(Math.min(end, found.upper)), y1: BASE + 6, y2: BASE + 6}]]);
  }

  function redraw() {
    const {outcome, choice, size, rope, prior} = state();
    const outputs = {group: shown(prior.group.scale, 2)};
    if (slopes) Object.assign(outputs, {slope: shown(prior.slope, 2), rope: shown(rope, places(outcome))});
    if (prior.group.family === "flat") outputs.group = "\u221e";
    if (prior.slope === Infinity) outputs.slope = "\u221e";
    Object.entries(outputs).forEach(([name, text]) => {
      get(name + "-value").textContent = text;
      get(name).setAttribute("aria-valuetext", text);
    });
    if (slopes) get("slope").disabled = get("flat").checked;
    get("group").disabled = prior.group.family === "flat";
    const icc = Explorer.icc(models(outcome)[0], prior, 40);
    drawIcc(icc);
    const text = (numbers, decimals) => Object.fromEntries(
      Object.entries(numbers).map(([name, x]) => [name, shown(x, decimals)]));
    const {mean, median, lower, upper} = icc;
    get("result-icc").textContent = fill(texts["js icc"], text({mean, median, lower, upper}, 3));
    const e = slopes ? Explorer.effect(choice.model, prior, choice.term, size, rope) : undefined;
    if (slopes) {
      e.rope = rope;
      drawEffect(e, [outcome, choice.key, size].join(), room(outcome), places(outcome));
      get("result-effect").textContent = fill(texts["js effect"], {
        ...text({mean: e.mean, lower: e.lower, upper: e.upper}, places(outcome)),
        direction: share(e.direction), inside: share(e.inside), verdict: texts["verdict " + e.verdict],
      });
    }
    window.explorerState = {icc, effect: e, prior}; // for the tests
  }

  let waiting = 0;
  function later() { // at most once a frame, however fast the slider moves
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(redraw);
  }
  form.addEventListener("input", () => { refill(); later(); });
  form.addEventListener("reset", () => setTimeout(() => { refill(); redraw(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  refill();
  redraw();
})();
