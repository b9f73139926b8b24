"use strict";
(() => {
  const VIEWS = ["exposure", "blot", "residual", "mask"];
  const TITLES = { exposure: "Exposure", blot: "Blot", residual: "Residual", mask: "Mask" };
  const BLINK_MS = 500, ZOOM_STEP = 1.25, PAN_SHARE = 0.15, CLOSEST = 64;
  const FLAGGED = [255, 140, 0], MISSING = [70, 70, 110];

  const find = (selector, root = document) => root.querySelector(selector);
  const chips = [...document.querySelectorAll("#chips > li")];
  const canvas = find("#canvas"), context = canvas.getContext("2d");
  const state = { chip: -1, view: "exposure", other: "blot", grid: false, marked: false, inverted: false, timer: 0, zoom: 1, x: 0, y: 0 };
  let open = null; // the chip on show: facts, decoded pictures, painted pictures

  // ---- Colours: pictures hold levels 0 to 255, which a table turns into colours. ----

  const hex = document.body.dataset.colours;
  const diverging = Array.from({ length: 256 }, (_, k) => [0, 2, 4].map((j) => parseInt(hex.substr(6 * k + j, 2), 16)));
  const colour = (view, level) => {
    if (view === "residual") return diverging[level];
    const grey = state.inverted ? 255 - level : level;
    return [grey, grey, grey];
  };

  const levelsOf = (image) => {
    const surface = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
    surface.drawImage(image, 0, 0);
    const { data, width, height } = surface.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
    const levels = new Uint8Array(width * height);
    for (let k = 0; k < levels.length; k++) levels[k] = data[4 * k];
    return { levels, width, height };
  };

  /** A colour as the four bytes of a pixel, in the machine's order. */
  const packed = (rgb) => new Uint32Array(Uint8ClampedArray.of(...rgb, 255).buffer)[0];

  function paint(view) {
    const { levels, width, height } = open.pictures[view === "mask" ? "exposure" : view];
    const labels = open.pictures.labels.levels, dim = view === "mask" ? (state.inverted ? 0.45 : 0.4) : 1;
    const base = state.inverted && view === "mask" ? 255 * (1 - dim) : 0;
    const table = Array.from({ length: 256 }, (_, k) => packed(colour(view, k).map((each) => base + dim * each)));
    const image = new ImageData(width, height), words = new Uint32Array(image.data.buffer);
    const marked = view === "mask" || state.marked, patched = view === "mask" || view === "residual";
    const flagged = packed(FLAGGED), missing = packed(MISSING);
    for (let k = 0; k < levels.length; k++) {
      const label = Math.round(labels[k] / 85);
      words[k] = label === 1 && marked ? flagged : label === 2 && patched ? missing : table[levels[k]];
    }
    const surface = new OffscreenCanvas(width, height);
    surface.getContext("2d").putImageData(image, 0, 0);
    return surface;
  }

  const painted = (view) => (open.painted[view] ??= paint(view));

  // ---- Drawing: x, y and zoom are the same in every view; y grows upwards, as in the array. ----

  const panels = () => {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!state.grid) return [{ view: state.view, left: 0, top: 0, width, height }];
    const shown = VIEWS.filter(available), columns = width > height ? 2 : 1, rows = Math.ceil(shown.length / columns);
    return shown.map((view, k) => ({
      view, left: (k % columns) * (width / columns), top: Math.floor(k / columns) * (height / rows),
      width: width / columns - 2, height: height / rows - 2,
    }));
  };

  const available = (view) => view !== "mask" || (open !== null && open.masked);

  function draw() {
    if (open === null) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = state.zoom * open.step < 1;
    context.imageSmoothingQuality = "high";
    panels().forEach(drawPanel);
    report();
  }

  function drawPanel({ view, left, top, width, height }) {
    const picture = painted(view), scale = open.step * state.zoom;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    const x = left + width / 2 - state.x * state.zoom;
    const y = top + height / 2 - (picture.height * open.step - state.y) * state.zoom;
    context.drawImage(picture, x, y, picture.width * scale, picture.height * scale);
    if (state.grid) label(TITLES[view], left, top);
    context.restore();
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
    const percent = Math.round(100 * state.zoom);
    Object.assign(canvas.dataset, {
      chip: state.chip, view: state.view, zoom: state.zoom, x: state.x, y: state.y,
      grid: state.grid, blink: state.timer !== 0, marked: state.marked, inverted: state.inverted,
    });
    const what = state.grid ? "Exposure, blot, residual and mask side by side" : TITLES[state.view];
    canvas.setAttribute("aria-label", `${what} of ${open.name}, zoom ${percent} %, centre x ${Math.floor(state.x)}, y ${Math.floor(state.y)}`);
    const pressed = { b: state.timer !== 0, g: state.grid, m: state.marked, i: state.inverted };
    VIEWS.forEach((view, k) => (pressed[k + 1] = !state.grid && view === state.view));
    for (const [key, value] of Object.entries(pressed)) find(`[data-key="${key}"]`).setAttribute("aria-pressed", value);
    find('[data-key="4"]').disabled = find('[data-key="m"]').disabled = !open.masked;
    find('[data-key="p"]').disabled = state.chip === 0;
    find('[data-key="n"]').disabled = state.chip === chips.length - 1;
    showScale();
  }

  function showScale() {
    const view = state.grid ? "exposure" : state.view, bar = find("#bar").getContext("2d");
    find("#scale").hidden = view === "mask";
    if (view === "mask") return;
    const image = new ImageData(256, 1);
    for (let k = 0; k < 256; k++) image.data.set([...colour(view, k), 255], 4 * k);
    bar.putImageData(image, 0, 0);
    find("#unit").textContent = view === "residual" ? "σ" : open.unit;
    const ticks = view === "residual" ? open.residualTicks : open.imageTicks;
    find("#ticks").replaceChildren(...ticks.map((text, k) => {
      const span = document.createElement("span");
      span.textContent = text;
      span.style.left = `${25 * k}%`;
      return span;
    }));
  }

  const say = (text) => (find("#said").textContent = text);

  // ---- Chips ----

  async function show(number) {
    if (number < 0 || number >= chips.length || number === state.chip) return;
    const content = document.importNode(find("template", chips[number]).content, true);
    const facts = find(".chip-data", content).dataset, images = [...content.querySelectorAll("img[data-view]")];
    state.chip = number;
    chips.forEach((chip, k) => find("button", chip).setAttribute("aria-current", k === number));
    await Promise.all(images.map((image) => image.decode()));
    if (state.chip !== number) return; // another was chosen meanwhile
    const before = open;
    open = {
      name: facts.name, nx: +facts.nx, ny: +facts.ny, step: +facts.step, unit: facts.unit, masked: facts.masked === "yes",
      imageTicks: facts.imageTicks.split("|"), residualTicks: facts.residualTicks.split("|"),
      pictures: Object.fromEntries(images.map((image) => [image.dataset.view, levelsOf(image)])), painted: {},
    };
    if (!available(state.view)) state.view = "exposure";
    if (!available(state.other)) state.other = "blot";
    find("#viewer").hidden = false;
    find("#chip-name").textContent = open.name;
    find("#notes").replaceChildren(find(".notes", content));
    find("#details").replaceChildren(find(".details", content));
    showThumbnail(chips[number]);
    if (before === null) window.scrollTo(0, 0);
    say(`Chip ${number + 1} of ${chips.length}`);
    if (before === null || before.nx !== open.nx || before.ny !== open.ny) fit();
    else draw();
  }

  /** Scroll the list of chips, and not the page, which its own method would do too. */
  function showThumbnail(item) {
    const list = find("nav"), inside = item.getBoundingClientRect(), outside = list.getBoundingClientRect();
    if (inside.top < outside.top) list.scrollTop -= outside.top - inside.top;
    else if (inside.bottom > outside.bottom) list.scrollTop += inside.bottom - outside.bottom;
  }

  // ---- What keys and buttons do ----

  function fit() {
    const { width, height } = panels()[0];
    Object.assign(state, { zoom: Math.min(width / open.nx, height / open.ny), x: open.nx / 2, y: open.ny / 2 });
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

  function choose(view) {
    stopBlinking();
    if (!available(view)) return say("This chip has no mask");
    if (view !== state.view) state.other = state.view;
    state.view = view;
    state.grid = false;
    draw();
    return say(TITLES[view]);
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
      say(`Blinking ${TITLES[state.view].toLowerCase()} and ${TITLES[state.other].toLowerCase()}`);
    }
    draw();
  }

  function swap() {
    [state.view, state.other] = [state.other, state.view];
    draw();
  }

  function toggle(name) {
    state[name] = !state[name];
    open.painted = {};
    draw();
  }

  function grid() {
    stopBlinking();
    const { width, height } = panels()[0];
    const fitted = Math.abs(state.zoom - Math.min(width / open.nx, height / open.ny)) < 1e-9;
    state.grid = !state.grid;
    if (fitted) fit();
    else draw();
    say(state.grid ? "Side by side" : TITLES[state.view]);
  }

  const dark = () => document.documentElement.dataset.theme === "dark";
  const theme = (name) => (document.documentElement.dataset.theme = name);
  const stride = (size) => (PAN_SHARE * size) / state.zoom;

  const ALWAYS = {
    "?": () => find("#help").showModal(),
    t: () => theme(dark() ? "light" : "dark"),
    n: () => show(state.chip + 1),
    p: () => show(state.chip - 1),
  };
  const WITH_CHIP = {
    1: () => choose("exposure"), 2: () => choose("blot"), 3: () => choose("residual"), 4: () => choose("mask"),
    b: blink, g: grid, m: () => open.masked && toggle("marked"), i: () => toggle("inverted"),
    "+": () => zoom(ZOOM_STEP), "=": () => zoom(ZOOM_STEP), "-": () => zoom(1 / ZOOM_STEP), 0: fit,
    ArrowLeft: () => pan(-stride(canvas.clientWidth), 0), ArrowRight: () => pan(stride(canvas.clientWidth), 0),
    ArrowUp: () => pan(0, stride(canvas.clientHeight)), ArrowDown: () => pan(0, -stride(canvas.clientHeight)),
  };

  function act(key) {
    const action = ALWAYS[key] ?? (open === null ? undefined : WITH_CHIP[key]);
    action?.();
    return action !== undefined;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
    if (act(event.key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    if (button.dataset.key) act(button.dataset.key);
    else if (button.classList.contains("chip")) pick(chips.indexOf(button.parentElement));
    else if (button.classList.contains("stamp")) visit(+button.dataset.x, +button.dataset.y);
  });

  async function pick(number) {
    await show(number);
    find("#chip-head").scrollIntoView({ block: "nearest" });
  }

  function visit(x, y) {
    Object.assign(state, { x: x + 0.5, y: y + 0.5, zoom: Math.max(state.zoom, 6) });
    draw();
    find("#stage").scrollIntoView({ block: "nearest" });
    say(`At x ${x}, y ${y}`);
  }

  // ---- Pointer and wheel ----

  function under(event) {
    const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    const panel = panels().find((each) => px < each.left + each.width + 2 && py < each.top + each.height + 2) ?? panels()[0];
    return { dx: px - panel.left - panel.width / 2, dy: py - panel.top - panel.height / 2 };
  }

  canvas.addEventListener("wheel", (event) => {
    if (open === null) return;
    event.preventDefault();
    const { dx, dy } = under(event);
    zoom(ZOOM_STEP ** (-Math.sign(event.deltaY)), dx, dy);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (open === null) return;
    if (event.buttons & 1) pan(-event.movementX / state.zoom, event.movementY / state.zoom);
    const { dx, dy } = under(event);
    const x = Math.floor(state.x + dx / state.zoom), y = Math.floor(state.y - dy / state.zoom);
    find("#where").textContent = x >= 0 && x < open.nx && y >= 0 && y < open.ny ? `x ${x}, y ${y}` : "";
  });
  canvas.addEventListener("dblclick", () => open !== null && fit());
  new ResizeObserver(draw).observe(find("#stage"));

  theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  if (chips.length === 1) show(0);
})();
