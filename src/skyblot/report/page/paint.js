  // ---- Colours: values to greys by limits and a stretch; residuals to blue and red. ----

  const FLAGGED = [255, 140, 0], BOTH = [40, 190, 90], EARLIER = [0, 170, 255], MISSING = [70, 70, 110];
  const STEPS = 2048, STRETCHES = {
    linear: (t) => t, sqrt: Math.sqrt,
    log: (t) => Math.log1p(1000 * t) / Math.log1p(1000), asinh: (t) => Math.asinh(100 * t) / Math.asinh(100),
  };
  const RESIDUAL_LIMIT = 30;
  const hex = document.body.dataset.colours;
  const diverging = Array.from({ length: 256 }, (_, k) => [0, 2, 4].map((j) => parseInt(hex.substr(6 * k + j, 2), 16)));
  const limits = { low: 0, high: 1, sigma: RESIDUAL_LIMIT, stretch: "asinh", opacity: 1, inverted: false, marked: false };

  /** A colour as the four bytes of a pixel, in the machine's order. */
  const packed = (rgb) => new Uint32Array(Uint8ClampedArray.of(...rgb, 255).buffer)[0];
  const mixed = (one, other, share) => one.map((each, k) => each + share * (other[k] - each));
  const isResidual = (view) => view === "residual" && !open.mosaic;

  /** The colour of a share, 0 to 1, of the way from the lower to the upper limit. */
  function colourOf(view, share) {
    const inside = Math.min(1, Math.max(0, share));
    if (isResidual(view)) {
      const side = 2 * inside - 1, bent = limits.stretch === "linear" ? side : (Math.sign(side) * Math.asinh(15 * Math.abs(side))) / Math.asinh(15);
      return diverging[Math.round(127.5 * (1 + bent))];
    }
    const level = 255 * STRETCHES[limits.stretch](inside), grey = limits.inverted ? 255 - level : level;
    const dim = view !== "mask" ? grey : limits.inverted ? 255 - 0.55 * (255 - grey) : 0.55 * grey;
    return [dim, dim, dim];
  }

  const rangeOf = (view) => {
    if (isResidual(view)) return [-limits.sigma, limits.sigma];
    return open.mosaic && view === "blot" ? [0, open.tile.sigma.high] : [limits.low, limits.high];
  };

  const flagColour = (label) => (open.compared ? [FLAGGED, BOTH, EARLIER][label >> 6] : FLAGGED);

  function paint(source, view) {
    const { width, height, labels } = source, image = new ImageData(width, height), words = new Uint32Array(image.data.buffer);
    const [low, high] = rangeOf(view), colours = Array.from({ length: STEPS + 1 }, (_, k) => packed(colourOf(view, k / STEPS)));
    const base = baseOf(source, view, low, STEPS / (high - low));
    const missing = packed(MISSING), flagged = view === "mask" || limits.marked;
    const hidden = view === "exposure" ? 2 : view === "blot" ? 1 : 0;
    const overlays = new Map();
    for (let k = 0; k < words.length; k++) {
      const label = labels[k], step = Math.min(STEPS, Math.max(0, base(k)));
      if (label >> 6 === 3) words[k] = hidden === 0 || label & hidden ? missing : colours[step | 0];
      else if (label === 0 || !flagged) words[k] = colours[step | 0];
      else {
        const key = label * 256 + ((step / 8) | 0); // as few mixtures as can be told apart
        if (!overlays.has(key)) overlays.set(key, packed(mixed(colourOf(view, step / STEPS), flagColour(label), (limits.opacity * (label & 63)) / 63)));
        words[k] = overlays.get(key);
      }
    }
    const surface = new OffscreenCanvas(width, height);
    surface.getContext("2d").putImageData(image, 0, 0);
    return surface;
  }

  /** What gives the step of each pixel of a view between two limits. */
  function baseOf(source, view, low, factor) {
    const tables = tablesFor(source), steps = (name) => {
      const levels = source[name], table = Float64Array.from(tables[name], (value) => (value - low) * factor);
      return (k) => table[levels[k]];
    };
    if (open.mosaic) return steps(view === "blot" ? "sigma" : "blot");
    if (view === "residual" || view === "blot") return steps(view);
    if (source.exposure) return steps("exposure");
    const { blot, residual, sigma } = source;
    return (k) => (tables.blot[blot[k]] + tables.residual[residual[k]] * tables.sigma[sigma[k]] - low) * factor;
  }

  const painted = (source, view) => (source.painted[view] ??= paint(source, view));

  /** Paint anew: at once, or with the next frame of the screen, where something is dragged. */
  function repaint(redraw = draw) {
    for (const source of open.sources.values()) source.painted = {};
    redraw();
  }
