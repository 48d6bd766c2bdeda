/* What a reader sees of the page that is open: called by test_report.py. Every list must be empty. */
"use strict";
(() => {
  const numbers = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const page = getComputedStyle(document.documentElement).getPropertyValue("--page").trim();
  const probe = document.createElement("i");
  document.body.append(probe);
  const resolved = (colour) => { probe.style.color = colour; return getComputedStyle(probe).color; };
  const ground = resolved(page);
  // Lines that only guide the eye, plates, and shades: nothing is read off their colour alone.
  const guides = ["var(--ce6e6e6, #e6e6e6)", "var(--cffffff, #ffffff)", "var(--cdddddd, #dddddd)",
    "var(--shade)"].map(resolved);
  const rounded = (x) => Math.round(100 * x) / 100;

  /** Size of a text in pixels of the screen; that of a drawing is scaled with it. */
  const size = (element) => {
    const own = parseFloat(getComputedStyle(element).fontSize), svg = element.closest("svg");
    return svg ? own * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : own;
  };
  const shown = (element) => element.getClientRects().length > 0 && element.textContent.trim();
  const holdsText = (element) => [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE && node.textContent.trim());

  const texts = [...document.querySelectorAll("body *:not(script):not(style):not(option)")]
    .filter((element) => holdsText(element) && shown(element));
  const small = texts.filter((element) => size(element) < 10.99 && !element.closest("math"))
    .map((element) => [element.textContent.trim().slice(0, 40), rounded(size(element))]);
  const pale = [...document.querySelectorAll("svg text")].filter(shown)
    .map((element) => [element.textContent.trim().slice(0, 40),
      rounded(contrast(getComputedStyle(element).fill, ground))])
    .filter(([, found]) => found < 4.5);
  const faint = [];
  for (const element of document.querySelectorAll("svg path, svg use, svg line, svg rect, svg polyline, svg polygon")) {
    const style = getComputedStyle(element), seen = [];
    if (element.closest("defs, clipPath")) continue;
    for (const [paint, opacity] of [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]]) {
      if (!/^rgb/.test(paint) || Number(style.opacity) * Number(opacity) < 0.6) continue;
      if (numbers(paint)[3] === 0 || guides.includes(paint)) continue;
      seen.push(contrast(paint, ground)); // an edge makes up for a pale inside
    }
    if (seen.length && Math.max(...seen) < 3) faint.push([element.outerHTML.slice(0, 120), rounded(Math.max(...seen))]);
  }
  const first = ["header", "#first"].map((name) => {
    const copy = document.querySelector(name).cloneNode(true);
    copy.querySelectorAll("svg").forEach((svg) => svg.remove());
    return copy.textContent;
  }).join(" ").trim().split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word)).length;
  const picture = document.querySelector("#first svg").getBoundingClientRect();
  probe.remove();
  return {
    small, pale, faint, words: first,
    picture: [Math.round(picture.top + scrollY), Math.round(picture.height), innerHeight],
    wide: [innerWidth, document.documentElement.scrollWidth],
  };
})();
