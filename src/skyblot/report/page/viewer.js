  // ---- Drawing: x, y and zoom are the same in every view; y grows upwards, as in the array. ----

  const VIEWS = ["exposure", "blot", "residual", "mask"];
  const BLINK_MS = 500, ZOOM_STEP = 1.25, PAN_SHARE = 0.15, CLOSEST = 64;
  const canvas = find("#canvas"), context = canvas.getContext("2d");
  const state = { chip: -1, view: "exposure", other: "blot", grid: false, timer: 0, zoom: 1, x: 0, y: 0, contrast: false, soon: 0 };

  const titleOf = (view) => (open?.mosaic ? { exposure: "Mosaic", blot: "Weight" }[view] : view[0].toUpperCase() + view.slice(1));
  const available = (view) => open !== null && (open.mosaic ? view === "exposure" || view === "blot" : view !== "mask" || open.masked);

  const panels = () => {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!state.grid) return [{ view: state.view, left: 0, top: 0, width, height }];
    const shown = VIEWS.filter(available), columns = width > height ? 2 : 1, rows = Math.ceil(shown.length / columns);
    return shown.map((view, k) => ({
      view, left: (k % columns) * (width / columns), top: Math.floor(k / columns) * (height / rows),
      width: width / columns - 2, height: height / rows - 2,
    }));
  };

  function drawSoon() {
    state.soon ||= requestAnimationFrame(() => {
      state.soon = 0;
      draw();
    });
  }

  function draw() {
    if (open === null) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const sources = wanted();
    panels().forEach((panel) => drawPanel(panel, sources, ratio));
    report();
  }

  /** The overview, and tiles over it where its blocks would be larger than a pixel of the screen; others are asked for. */
  function wanted() {
    const sources = open.sources.has(0) ? [open.sources.get(0)] : [];
    if (open.step > 1 && state.zoom * open.step * (window.devicePixelRatio || 1) <= 1) return sources;
    const { width, height } = panels()[0], dx = width / state.zoom / 2, dy = height / state.zoom / 2;
    open.bounds.forEach(([x0, y0, x1, y1], k) => {
      if (x1 < state.x - dx || x0 > state.x + dx || y1 < state.y - dy || y0 > state.y + dy) return;
      const source = open.sources.get(k + 1);
      if (source) sources.push(source);
      else ask(k + 1);
    });
    return sources;
  }

  const placeOf = (number) => {
    const [x0, y0] = number === 0 ? [0, 0] : open.bounds[number - 1];
    return { x0, y0, step: number === 0 ? open.step : 1 };
  };

  /** Load a tile of the open chip, and draw when it is there. */
  function ask(number) {
    const chip = open;
    if (chip.asked.has(number)) return;
    chip.asked.add(number);
    load(chip.number, number, placeOf(number), chip.mosaic).then((source) => {
      if (source === null || open !== chip) return;
      source.painted = {};
      chip.sources.set(number, source);
      forget(chip);
      drawSoon();
      showValues();
    }).catch((error) => say(error.message));
  }

  /** Keep the tiles that came last; the overview stays. */
  function forget(chip) {
    const numbers = [...chip.sources.keys()].filter((number) => number > 0);
    numbers.slice(0, -KEPT).forEach((number) => {
      chip.sources.delete(number);
      chip.asked.delete(number);
    });
  }

  function drawPanel({ view, left, top, width, height }, sources, ratio) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.save();
    context.beginPath();
    context.rect(left * ratio, top * ratio, width * ratio, height * ratio);
    context.clip();
    context.imageSmoothingQuality = "high";
    const scale = state.zoom * ratio, right = (x) => (left + width / 2) * ratio + (x - state.x) * scale, down = (y) => (top + height / 2) * ratio - (y - state.y) * scale;
    for (const source of sources) {
      const picture = painted(source, view), size = source.step;
      // on whole pixels of the screen, so that there is no seam between tiles
      const x0 = Math.round(right(source.x0)), x1 = Math.round(right(source.x0 + source.width * size));
      const y0 = Math.round(down(source.y0 + source.height * size)), y1 = Math.round(down(source.y0));
      context.imageSmoothingEnabled = scale * size < 1;
      context.drawImage(picture, x0, y0, x1 - x0, y1 - y0);
    }
    if (open.target) drawTarget(right(open.target[0] + 0.5), down(open.target[1] + 0.5), open.target[2] * scale + 6 * ratio, ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (state.grid) label(titleOf(view), left, top);
    context.restore();
  }

  function drawTarget(x, y, radius, ratio) {
    for (const [colour, width] of [["#000", 3], ["#fff", 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width * ratio;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function label(text, left, top) {
    context.font = "600 14px system-ui, sans-serif";
    context.fillStyle = "rgb(0 0 0 / 65%)";
    context.fillRect(left, top, context.measureText(text).width + 16, 24);
    context.fillStyle = "#fff";
    context.fillText(text, left + 8, top + 17);
  }

  // ---- What is shown, in words and in attributes. ----

  function report() {
    const percent = Math.round(100 * state.zoom), native = [...open.sources.keys()].filter((number) => number > 0);
    Object.assign(canvas.dataset, {
      chip: state.chip, view: state.view, zoom: state.zoom, x: state.x, y: state.y, grid: state.grid, blink: state.timer !== 0,
      marked: limits.marked, inverted: limits.inverted, low: limits.low, high: limits.high, sigma: limits.sigma, stretch: limits.stretch,
      opacity: limits.opacity, contrast: state.contrast, tiles: native.sort((a, b) => a - b).join(" "),
    });
    const what = state.grid ? `${VIEWS.filter(available).map(titleOf).join(", ")} side by side` : titleOf(state.view);
    canvas.setAttribute("aria-label", `${what} of ${open.name}, zoom ${percent} %, centre x ${Math.floor(state.x) + 1}, y ${Math.floor(state.y) + 1}`);
    const pressed = { b: state.timer !== 0, g: state.grid, m: limits.marked, i: limits.inverted, c: state.contrast };
    VIEWS.forEach((view, k) => (pressed[k + 1] = !state.grid && view === state.view));
    for (const [key, value] of Object.entries(pressed)) find(`[data-key="${key}"]`).setAttribute("aria-pressed", value);
    showScale();
  }

  /** What can be done with this chip. */
  function enable() {
    VIEWS.forEach((view, k) => (find(`[data-key="${k + 1}"]`).disabled = !available(view)));
    find('[data-key="1"] span').textContent = titleOf("exposure");
    find('[data-key="2"] span').textContent = titleOf("blot");
    find('[data-key="m"]').disabled = !open.masked;
    for (const key of [".", ","]) find(`[data-key="${key}"]`).disabled = !open.objects?.count;
    find("#regions").disabled = !open.objects?.count;
    find('[data-key="u"]').disabled = !open.unflagged?.length;
    find("#opacity-box").hidden = !open.masked;
    find('[data-key="p"]').disabled = state.chip === 0;
    find('[data-key="n"]').disabled = state.chip === bodies.length - 1;
    find('[data-key="l"]').hidden = bodies.length === 1;
    showLegend();
  }

  function showLegend() {
    const names = open.compared ? [["flagged only now", FLAGGED], ["flagged in both masks", BOTH], ["flagged only earlier", EARLIER]] : [["flagged", FLAGGED]];
    const entries = [...(open.masked ? names : []), [open.mosaic ? "no value, or no weight" : "not compared, or no value", MISSING]];
    find("#legend").replaceChildren(...entries.map(([text, colour]) => {
      const entry = document.createElement("span"), patch = document.createElement("i");
      patch.style.background = `rgb(${colour})`;
      entry.append(patch, text);
      return entry;
    }));
  }

  // ---- Chips ----

  async function show(number) {
    if (number < 0 || number >= bodies.length || (number === state.chip && open !== null)) return;
    const content = document.importNode(bodies[number].content, true), before = open;
    const facts = JSON.parse(find(".chip-data", content).textContent);
    state.chip = number;
    const chip = { ...facts, number, sources: new Map(), asked: new Set(), target: null, object: -1, place: -1 };
    chip.overviewTables = tablesOf(facts.overview);
    chip.tileTables = tablesOf(facts.tile);
    const first = facts.step > 1 ? 0 : 1, [x0, y0] = facts.step > 1 ? [0, 0] : facts.bounds[0];
    const source = await load(number, first, { x0, y0, step: facts.step }, facts.mosaic).catch((error) => say(error.message));
    if (state.chip !== number || !source) return; // another was chosen meanwhile
    source.painted = {};
    chip.sources.set(first, source);
    chip.asked.add(first);
    open = chip;
    if (!available(state.view)) state.view = "exposure";
    if (!available(state.other)) state.other = "blot";
    find("#viewer").hidden = false;
    find("#overview").hidden = true;
    find("#chip-name").textContent = open.name;
    find("#notes").replaceChildren(find(".notes", content));
    find("#details").replaceChildren(find(".details", content));
    if (before === null || before.limits.low !== open.limits.low) resetLimits();
    enable();
    if (bodies.length > 1) nameAddress(`#chip-${number + 1}`);
    say(`Chip ${number + 1} of ${bodies.length}`);
    if (before === null || before.nx !== open.nx || before.ny !== open.ny) {
      window.scrollTo(0, 0);
      fit();
    } else draw();
    showValues();
  }

  /** Let the address name what is shown, which tells no one: only the browser's buttons do. */
  const nameAddress = (hash) => location.hash !== hash && history.pushState(null, "", hash || location.pathname);

  /** Show what the address names: "#chip-3", or else the table. */
  function goToAddress() {
    const number = /^#chip-(\d+)$/.exec(location.hash)?.[1];
    if (number) show(number - 1);
    else if (open !== null) list();
  }

  /** Back to the table. */
  function list() {
    if (bodies.length === 1) return;
    nameAddress("");
    stopBlinking();
    const row = state.chip;
    open = null;
    state.chip = -1;
    delete canvas.dataset.chip;
    find("#viewer").hidden = true;
    find("#overview").hidden = false;
    find(`tr[data-chip="${row}"] .chip`)?.focus();
  }

  // ---- What keys and buttons do ----

  const fitted = () => {
    const { width, height } = panels()[0];
    return Math.min(width / open.nx, height / open.ny);
  };

  function fit() {
    Object.assign(state, { zoom: fitted(), x: open.nx / 2, y: open.ny / 2 });
    draw();
  }

  const least = () => Math.min(0.5 * Math.min(canvas.clientWidth / open.nx, canvas.clientHeight / open.ny), 1);

  /** Zoom by a factor; the chip's point at (dx, dy) from the centre of the panel stays where it is. */
  function zoom(factor, dx = 0, dy = 0) {
    const zoomed = Math.min(CLOSEST, Math.max(least(), state.zoom * factor));
    pan(dx / state.zoom - dx / zoomed, -(dy / state.zoom - dy / zoomed), zoomed);
  }

  function pan(dx, dy, zoomed = state.zoom) {
    const within = (value, size) => Math.min(size, Math.max(0, value));
    Object.assign(state, { x: within(state.x + dx, open.nx), y: within(state.y + dy, open.ny), zoom: zoomed });
    draw();
  }

  function panByKey(dx, dy) {
    pan(dx, dy);
    point(state.x, state.y);
  }

  function visit(x, y, radius = 3) {
    open.target = [x, y, radius];
    Object.assign(state, { x: x + 0.5, y: y + 0.5, zoom: Math.max(state.zoom, 6) });
    draw();
    point(state.x, state.y);
    find("#stage").scrollIntoView({ block: "nearest" });
  }

  function choose(view) {
    stopBlinking();
    if (!available(view)) return say(`There is no ${view} of this`);
    if (view !== state.view) state.other = state.view;
    state.view = view;
    state.grid = false;
    draw();
    return say(titleOf(view));
  }

  function stopBlinking() {
    clearInterval(state.timer);
    state.timer = 0;
  }

  function blink() {
    if (state.timer !== 0) {
      stopBlinking();
      say("Blinking ended");
    } else {
      state.grid = false;
      state.timer = setInterval(swap, BLINK_MS);
      say(`Blinking ${titleOf(state.view).toLowerCase()} and ${titleOf(state.other).toLowerCase()}`);
    }
    draw();
  }

  function swap() {
    [state.view, state.other] = [state.other, state.view];
    draw();
  }

  function grid() {
    stopBlinking();
    const whole = Math.abs(state.zoom - fitted()) < 1e-9;
    state.grid = !state.grid;
    if (whole) fit();
    else draw();
    say(state.grid ? "Side by side" : titleOf(state.view));
  }
