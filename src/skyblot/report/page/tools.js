  // ---- Limits: sliders, and dragging for brightness and contrast. ----

  const black = find("#black"), white = find("#white"), KNOBS = 1000;

  /** The values of the ends of the sliders: somewhat more than the page begins with. */
  function ends() {
    const { low, high } = open.limits, top = open.tile.blot.high;
    return [low - 0.2 * (high - low) * 0.05, Math.max(high, top)];
  }

  const knobToValue = (knob) => {
    const [low, high] = ends();
    return low + (high - low) * (Math.expm1((8 * knob) / KNOBS) / Math.expm1(8));
  };
  const valueToKnob = (value) => {
    const [low, high] = ends(), share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    return Math.round((KNOBS / 8) * Math.log1p(share * Math.expm1(8)));
  };
  const SIGMAS = 3000; // the largest residual
  const knobToSigma = (knob) => Math.exp((knob / KNOBS) * Math.log(SIGMAS));
  const sigmaToKnob = (sigma) => Math.round((KNOBS * Math.log(sigma)) / Math.log(SIGMAS));
  const onResidual = () => !state.grid && state.view === "residual";

  function setLimits(low, high) {
    const [bottom, top] = ends(), least = 1e-6 * (top - bottom);
    limits.low = Math.min(low, high - least);
    limits.high = high;
    repaint(drawSoon);
  }

  function setSigma(sigma) {
    limits.sigma = Math.min(SIGMAS, Math.max(1, sigma));
    repaint(drawSoon);
  }

  function resetLimits() {
    Object.assign(limits, { low: open.limits.low, high: open.limits.high, sigma: RESIDUAL_LIMIT, stretch: "asinh" });
  }

  function reset() {
    resetLimits();
    repaint();
    say("Limits as they were");
  }

  function setStretch(name) {
    limits.stretch = name;
    repaint();
    say(`Stretch ${name}`);
  }

  function nextStretch() {
    const names = [...find("#stretch").options].map((option) => option.value);
    setStretch(names[(names.indexOf(limits.stretch) + 1) % names.length]);
  }

  /** Dragging by a part of the canvas: sideways for brightness, upwards for contrast. */
  function adjust(dx, dy) {
    if (onResidual()) return setSigma(limits.sigma * 10 ** (2 * dy));
    const span = limits.high - limits.low, middle = 0.5 * (limits.low + limits.high) - dx * span, half = 0.5 * span * 10 ** (2 * dy);
    return setLimits(middle - half, middle + half);
  }

  black.addEventListener("input", () => setLimits(knobToValue(+black.value), limits.high));
  white.addEventListener("input", () => (onResidual() ? setSigma(knobToSigma(+white.value)) : setLimits(limits.low, Math.max(knobToValue(+white.value), limits.low + 1e-9))));
  find("#stretch").addEventListener("change", (event) => setStretch(event.target.value));
  find("#opacity").addEventListener("input", (event) => {
    limits.opacity = event.target.value / 100;
    repaint(drawSoon);
  });

  function showScale() {
    const view = state.grid ? "exposure" : state.view, bar = find("#bar").getContext("2d"), image = new ImageData(256, 1);
    for (let k = 0; k < 256; k++) image.data.set([...colourOf(view === "mask" ? "exposure" : view, k / 255), 255], 4 * k);
    bar.putImageData(image, 0, 0);
    const [low, high] = rangeOf(view);
    find("#unit").textContent = isResidual(view) ? "σ" : open.mosaic && view === "blot" ? "weight" : open.unit;
    find("#ticks").replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((share) => {
      const span = document.createElement("span");
      span.textContent = short(low + share * (high - low));
      span.style.left = `${100 * share}%`;
      return span;
    }));
    black.disabled = onResidual();
    black.value = valueToKnob(limits.low);
    white.value = onResidual() ? sigmaToKnob(limits.sigma) : valueToKnob(limits.high);
    find("#stretch").value = limits.stretch;
    find("#opacity").value = 100 * limits.opacity;
  }

  // ---- Values and sky positions. ----

  const pointed = { x: NaN, y: NaN, timer: 0 };
  const short = (value) => {
    if (!Number.isFinite(value)) return "no value";
    const text = Math.abs(value) >= 1000 ? String(Math.round(value)) : String(+value.toPrecision(3));
    return text.replace("-", "−");
  };

  /** Show what is at a point of the chip; its own pixels are loaded when the pointer rests. */
  function point(x, y) {
    Object.assign(pointed, { x, y });
    clearTimeout(pointed.timer);
    pointed.timer = setTimeout(() => {
      const number = open === null ? -1 : tileAt(pointed.x, pointed.y);
      if (number > 0) ask(number);
    }, 150);
    showValues();
  }

  const tileAt = (x, y) => open.bounds.findIndex(([x0, y0, x1, y1]) => x >= x0 && x < x1 && y >= y0 && y < y1) + 1;

  function showValues() {
    const { x, y } = pointed, inside = open !== null && x >= 0 && x < open.nx && y >= 0 && y < open.ny;
    find("#where").textContent = inside ? [`x ${Math.floor(x) + 1}, y ${Math.floor(y) + 1}`, skyText(Math.floor(x), Math.floor(y)), valueText(x, y)].filter(Boolean).join(" · ") : "";
  }

  function valueText(x, y) {
    const source = open.sources.get(tileAt(x, y)) ?? open.sources.get(0);
    if (!source) return "";
    const values = valuesAt(source, placeIn(source, x, y)), block = source.step > 1 ? ` (mean of ${source.step} × ${source.step} pixels)` : "";
    if (open.mosaic) return `mosaic ${short(values.exposure)} ${open.unit}, weight ${short(values.blot)}${block}`;
    const residual = `residual ${residualText(values.residual, source.step === 1)}${values.compared ? "" : ", not compared"}`;
    const sigma = values.sigma === undefined ? "" : `, σ ${short(values.sigma)}`, flag = values.flag ? `, ${values.flag}` : "";
    return `exposure ${short(values.exposure)}, blot ${short(values.blot)} ${open.unit}, ${residual}${sigma}${flag}${block}`;
  }

  /** A residual in words: of a large page small ones are not known, and nowhere those that are too large. */
  function residualText(value, own) {
    const { thin } = document.body.dataset;
    if (thin && own && value === 0) return `below ${thin} σ`;
    return `${short(value)} σ${Math.abs(value) > 0.999 * SIGMAS ? " or more" : ""}`;
  }

  /** A sum of Chebyshev polynomials of y and x. */
  function chebyshev(coefficients, x, y) {
    const powers = (at) => coefficients.reduce((all, _, k) => [...all, k < 2 ? [1, at][k] : 2 * at * all[k - 1] - all[k - 2]], []);
    const inX = powers(x), inY = powers(y);
    return coefficients.reduce((sum, row, j) => sum + inY[j] * row.reduce((part, value, k) => part + value * inX[k], 0), 0);
  }

  /** Right ascension and declination of a pixel counted from 0, degrees: from the plane that touches the sky. */
  function skyAt(x, y) {
    const { ra, dec, xi, eta } = open.sky, rad = Math.PI / 180, scaled = [(2 * x) / Math.max(open.nx - 1, 1) - 1, (2 * y) / Math.max(open.ny - 1, 1) - 1];
    const a = rad * chebyshev(xi, ...scaled), d = rad * chebyshev(eta, ...scaled), below = Math.cos(rad * dec) - d * Math.sin(rad * dec);
    const east = Math.atan2(a, below), north = Math.atan2(Math.sin(rad * dec) + d * Math.cos(rad * dec), Math.hypot(a, below));
    return [(((ra + east / rad) % 360) + 360) % 360, north / rad];
  }

  function sexagesimal(value, digits) {
    const units = Math.round(Math.abs(value) * 3600 * 10 ** digits), per = 60 * 10 ** digits, two = (number) => String(number).padStart(2, "0");
    const seconds = ((units % per) / 10 ** digits).toFixed(digits).padStart(digits + 3, "0");
    return `${two(Math.floor(units / (60 * per)))}:${two(Math.floor(units / per) % 60)}:${seconds}`;
  }

  function skyText(x, y) {
    if (!open.sky) return "";
    const [ra, dec] = skyAt(x, y), exact = `${ra.toFixed(7)}, ${dec.toFixed(7).replace("-", "−")}`;
    if (open.sky.frame) return `${open.sky.frame} ${exact}`;
    return `RA ${sexagesimal(ra / 15, 4)} Dec ${dec < 0 ? "−" : "+"}${sexagesimal(dec, 3)} (${exact})`;
  }

  // ---- Flagged objects, and what is not flagged. ----

  function listed() {
    if (open.objects.x) return open.objects;
    const bytes = bytesOf(open.objects.text), count = bytes.length / 7, { buffer } = bytes;
    return Object.assign(open.objects, {
      x: new Uint16Array(buffer, 0, count), y: new Uint16Array(buffer, 2 * count, count),
      peak: Float32Array.from(new Int16Array(buffer, 4 * count, count), (tenths) => tenths / 10), radius: bytes.subarray(6 * count),
    });
  }

  function nextObject(step) {
    if (!open.objects?.count) return say("Nothing is flagged here");
    const { x, y, radius, peak, count } = listed(), first = step > 0 ? 0 : x.length - 1;
    open.object = open.object < 0 ? first : (open.object + step + x.length) % x.length;
    const k = open.object;
    visit(x[k], y[k], radius[k]);
    return say(`Flagged object ${k + 1} of ${count}, ${short(peak[k])} σ`);
  }

  function nextUnflagged() {
    if (!open.unflagged?.length) return say("There is no residual that is not flagged");
    open.place = (open.place + 1) % open.unflagged.length;
    visit(...open.unflagged[open.place]);
    return say(`Residual that is not flagged, number ${open.place + 1} by size`);
  }

  function save(name, text, kind) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function saveRegions() {
    const { x, y, radius, peak, count } = listed(), lines = ["# Region file format: DS9 version 4.1", `# ${open.name.replaceAll("\n", " ")}: ${count} flagged objects`, "global color=orange", "image"];
    x.forEach((column, k) => lines.push(`circle(${column + 1},${y[k] + 1},${radius[k] + 0.5}) # text={${peak[k].toPrecision(3)}}`));
    const name = `${open.name.replaceAll(/[^\w.+-]+/g, "_").replace(/_+$/, "")}.reg`;
    save(name, lines.join("\n") + "\n", "text/plain");
    say(x.length < count ? `${name}: the ${x.length} largest of ${count} objects` : `${name}: ${count} objects`);
  }
