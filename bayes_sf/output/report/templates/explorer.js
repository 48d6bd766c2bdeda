/* The prior explorer's arithmetic: what bayes_sf/engines/nodes.py does, on the same nodes.

A model has K possible data sets, nodes z of tau/sigma and, at each z, nodes of 1/sigma^2. Priors
weigh the nodes; given a node, slopes are normal. Everything is in standardised units until a slope
is multiplied by sd(y)/sd(x). No number here is rounded, none is drawn at random. */
"use strict";

const Explorer = (() => {
  /** Complementary error function; Chebyshev fit with relative error 1.2e-7 (Numerical Recipes). */
  function erfc(x) {
    const z = Math.abs(x), t = 1 / (1 + 0.5 * z);
    const fit = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807,
      -1.13520398, 1.48851587, -0.82215223, 0.17087277];
    const tail = t * Math.exp(-z * z + fit.reduceRight((sum, c) => sum * t + c, 0));
    return x >= 0 ? tail : 2 - tail;
  }
  const normalCdf = (x) => 0.5 * erfc(-x / Math.SQRT2);

  /** Log density, up to a constant, of a standard deviation x under a prior {family, scale}. */
  function logPrior(prior, x) {
    const u = x / prior.scale;
    switch (prior.family) {
      case "half-t": return -2 * Math.log1p(u * u / 3);
      case "half-normal": return -0.5 * u * u;
      case "exponential": return -u;
      case "gamma": return Math.log(u) - u;
      case "flat": return 0;
      default: throw new Error("unknown prior " + prior.family);
    }
  }
  /** Distribution function of the same. */
  function priorCdf(prior, x) {
    const u = x / prior.scale, v = u / Math.sqrt(3);
    switch (prior.family) {
      case "half-t": return 2 / Math.PI * (Math.atan(v) + v / (1 + v * v));
      case "half-normal": return 1 - erfc(u / Math.SQRT2);
      case "exponential": return -Math.expm1(-u);
      case "gamma": return 1 - (1 + u) * Math.exp(-u);
      default: return NaN; // a flat prior is no distribution
    }
  }

  /** Lower triangle of the Cholesky factor of a small symmetric matrix. */
  function cholesky(matrix) {
    const k = matrix.length, lower = matrix.map((row) => row.slice());
    for (let i = 0; i < k; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = matrix[i][j];
        for (let m = 0; m < j; m++) sum -= lower[i][m] * lower[j][m];
        lower[i][j] = i === j ? Math.sqrt(sum) : sum / lower[j][j];
      }
    }
    return lower;
  }
  /** Solve lower x = right by substitution. */
  function forward(lower, right) {
    const x = [];
    for (let i = 0; i < right.length; i++) {
      let sum = right[i];
      for (let m = 0; m < i; m++) sum -= lower[i][m] * x[m];
      x.push(sum / lower[i][i]);
    }
    return x;
  }
  const square = (x) => x.reduce((sum, v) => sum + v * v, 0);
  const dot = (x, y) => x.reduce((sum, v, i) => sum + v * y[i], 0);

  /** Cross products [1 x y]'(I + lambda Z Z')^-1 [1 x y] and ln |I + lambda Z Z'| of a data set. */
  function crossProducts(set, lambda) {
    const m = set.scale.length + 1;
    const total = Array.from({length: m}, () => new Array(m).fill(0));
    let at = 0, logDet = 0;
    for (let i = 1; i < m; i++) for (let j = 1; j <= i; j++) total[i][j] = set.within[at++];
    set.sizes.forEach((n, g) => {
      const row = [1, ...set.means[g]], weight = n / (1 + lambda * n);
      logDet += Math.log1p(lambda * n);
      for (let i = 0; i < m; i++) for (let j = 0; j <= i; j++) total[i][j] += weight * row[i] * row[j];
    });
    for (let i = 0; i < m; i++) for (let j = 0; j < i; j++) total[j][i] = total[i][j];
    return {total, logDet};
  }

  /** Cross products at every z of every data set, and what least squares leaves of y there. */
  function prepare(model) {
    const k = model.terms.length + 1;
    return model.data.map((set) => model.z.map((z) => {
      const ratio = Math.sinh(z ** 4) / model.root_size, at = crossProducts(set, ratio * ratio);
      const lower = cholesky(at.total.slice(0, k).map((row) => row.slice(0, k)));
      const left = at.total[k][k] - square(forward(lower, at.total[k].slice(0, k)));
      return {...at, left, ratio};
    }));
  }

  /** Log marginal likelihood at a node, but for sigma^-n, and mean and sd of coefficient `term`. */
  function node(at, k, precision, invVar, term) {
    const q = [], b = [];
    for (let i = 0; i < k; i++) {
      q.push(at.total[i].slice(0, k).map((v) => v * invVar));
      q[i][i] += precision[i];
      b.push(at.total[i][k] * invVar);
    }
    const lower = cholesky(q), half = forward(lower, b);
    let logDet = at.logDet;
    for (let i = 0; i < k; i++) logDet += 2 * Math.log(lower[i][i]);
    const unit = forward(lower, b.map((_, i) => (i === term ? 1 : 0)));
    return {
      log: -0.5 * (logDet + at.total[k][k] * invVar - square(half)),
      mean: dot(unit, half), sd: Math.sqrt(square(unit)),
    };
  }

  /**
   * Posterior under a prior {group: {family, scale}, slope: scale or Infinity}, scales in sd(y) and
   * sd(y)/sd(x): weight, mean and sd of every component of `term` times `size`, and the mass of z.
   */
  function posterior(model, prior, term, size) {
    const k = model.terms.length + 1, index = model.terms.indexOf(term) + 1;
    const precision = [model.intercept ** -2, ...model.terms.map(() => prior.slope ** -2)];
    const resid = {family: "half-t", scale: model.resid};
    const found = {weight: [], mean: [], sd: [], mass: model.z.map(() => 0)};
    model.prepared = model.prepared || prepare(model);
    model.data.forEach((set, number) => {
      const rule = model.rules[set.n], parts = [];
      const unit = index ? size * set.scale[k - 1] / set.scale[index - 1] : 1;
      model.z.forEach((z, place) => {
        const at = model.prepared[number][place];
        const measure = Math.log(model.dz[place] * z ** 3 * Math.cosh(z ** 4));
        rule.x.forEach((x, t) => {
          const invVar = 2 * x / at.left, sigma = 1 / Math.sqrt(invVar);
          const part = node(at, k, precision, invVar, index);
          part.log += measure + rule.log_weight[t] + (2 - set.n) * Math.log(sigma)
            + logPrior(resid, sigma) + logPrior(prior.group, sigma * at.ratio);
          parts.push([part, place]);
        });
      });
      const peak = parts.reduce((most, [part]) => Math.max(most, part.log), -Infinity);
      const total = parts.reduce((sum, [part]) => sum + Math.exp(part.log - peak), 0);
      for (const [part, place] of parts) {
        const weight = Math.exp(part.log - peak) / total / model.data.length;
        found.mass[place] += weight;
        if (weight < 1e-9 || !index) continue;
        found.weight.push(weight);
        found.mean.push(unit * part.mean);
        found.sd.push(Math.abs(unit) * part.sd);
      }
    });
    return found;
  }

  /** P(quantity <= x) of a mixture of normals. */
  function mixtureCdf(mix, x) {
    let sum = 0;
    for (let i = 0; i < mix.weight.length; i++) {
      sum += mix.weight[i] * normalCdf((x - mix.mean[i]) / mix.sd[i]);
    }
    return sum;
  }
  /** Density of a mixture of normals. */
  function mixtureDensity(mix, x) {
    let sum = 0;
    for (let i = 0; i < mix.weight.length; i++) {
      const u = (x - mix.mean[i]) / mix.sd[i];
      sum += mix.weight[i] / mix.sd[i] * Math.exp(-0.5 * u * u);
    }
    return sum / Math.sqrt(2 * Math.PI);
  }
  /** Where a distribution function reaches p, by bisection. */
  function invert(cdf, p, low, high) {
    for (let i = 0; i < 50; i++) {
      const middle = 0.5 * (low + high);
      if (cdf(middle) < p) low = middle; else high = middle;
    }
    return 0.5 * (low + high);
  }

  /** Mean, limits and probabilities of a contrast against a region from -rope to rope. */
  function effect(model, prior, term, size, rope) {
    const mix = posterior(model, prior, term, size);
    const mean = dot(mix.weight, mix.mean), cdf = (x) => mixtureCdf(mix, x);
    const sd = Math.sqrt(mix.weight.reduce(
      (sum, w, i) => sum + w * ((mix.mean[i] - mean) ** 2 + mix.sd[i] ** 2), 0));
    const [lower, upper] = [0.025, 0.975].map((p) => invert(cdf, p, mean - 9 * sd, mean + 9 * sd));
    const inside = cdf(rope) - cdf(-rope), negative = cdf(0);
    const verdict = -rope <= lower && upper <= rope ? "inside"
      : upper < -rope || lower > rope ? "outside" : "undecided";
    return {mean, sd, lower, upper, inside, direction: Math.max(negative, 1 - negative), verdict, mix};
  }

  /** Distribution function of z from its masses: their Legendre series, integrated. */
  function massCdf(model, mass) {
    const n = mass.length, unit = (z) => (2 * z - model.low - model.high) / (model.high - model.low);
    const legendre = (x) => { // P_0 ... P_n
      const p = [1, x];
      for (let l = 1; l < n; l++) p.push(((2 * l + 1) * x * p[l] - l * p[l - 1]) / (l + 1));
      return p;
    };
    const coef = new Array(n).fill(0);
    model.z.forEach((z, i) => {
      const p = legendre(unit(z));
      for (let l = 0; l < n; l++) coef[l] += mass[i] * p[l];
    });
    return (z) => {
      const x = Math.min(1, Math.max(-1, unit(z))), p = legendre(x);
      let sum = 0.5 * coef[0] * (x + 1);
      for (let l = 1; l < n; l++) sum += 0.5 * coef[l] * (p[l + 1] - p[l - 1]);
      return Math.min(1, Math.max(0, sum));
    };
  }

  /** ICC: mean, median, limits; its share of probability in equal bins, and the prior's. */
  function icc(model, prior, bins) {
    const {mass} = posterior(model, prior, "", 1), below = massCdf(model, mass);
    const share = (ratio) => ratio * ratio / (1 + ratio * ratio);
    const value = (z) => share(Math.sinh(z ** 4) / model.root_size);
    const place = (x) => Math.asinh(model.root_size * Math.sqrt(x / (1 - x))) ** 0.25;
    const [lower, median, upper] = [0.025, 0.5, 0.975].map(
      (p) => value(invert(below, p, model.low, model.high)));
    const edges = Array.from({length: bins - 1}, (_, i) => (i + 1) / bins);
    const shares = (cdf) => [0, ...edges.map(cdf), 1].map((v, i, all) => v - all[i - 1]).slice(1);
    const before = (x) => priorIccCdf(prior.group, model.resid, x);
    return {
      mean: dot(mass, model.z.map(value)), median, lower, upper,
      bins: shares((x) => below(place(x))),
      prior: prior.group.family === "flat" ? null : shares(before),
    };
  }
  /** P(ICC <= x) under the prior: the mean over sigma of P(tau <= sigma sqrt(x/(1 - x))). */
  function priorIccCdf(group, scale, x) {
    const ratio = Math.sqrt(x / (1 - x)), step = 0.05, resid = {family: "half-t", scale};
    let sum = 0, total = 0;
    for (let u = -14; u <= 14; u += step) {
      const sigma = Math.exp(u), weight = sigma * Math.exp(logPrior(resid, sigma));
      total += weight;
      sum += weight * priorCdf(group, sigma * ratio);
    }
    return sum / total;
  }

  return {effect, icc, mixtureDensity, normalCdf, priorIccCdf};
})();
if (typeof module !== "undefined") module.exports = Explorer;
