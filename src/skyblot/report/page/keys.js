  // ---- Keys, buttons, pointer and wheel. ----

  const dark = () => document.documentElement.dataset.theme === "dark";
  const theme = (name) => (document.documentElement.dataset.theme = name);
  const stride = (size) => (PAN_SHARE * size) / state.zoom;

  function toggle(name) {
    limits[name] = !limits[name];
    repaint();
  }

  function toggleContrast() {
    state.contrast = !state.contrast;
    say(state.contrast ? "Dragging changes brightness and contrast" : "Dragging pans");
    draw();
  }

  const ALWAYS = {
    "?": () => find("#help").showModal(),
    t: () => theme(dark() ? "light" : "dark"),
    n: () => show(state.chip + 1),
    p: () => show(state.chip - 1),
  };
  const WITH_CHIP = {
    l: list, Escape: list, 1: () => choose("exposure"), 2: () => choose("blot"), 3: () => choose("residual"), 4: () => choose("mask"),
    b: blink, g: grid, m: () => open.masked && toggle("marked"), i: () => toggle("inverted"), c: toggleContrast, r: reset, s: nextStretch,
    "+": () => zoom(ZOOM_STEP), "=": () => zoom(ZOOM_STEP), "-": () => zoom(1 / ZOOM_STEP), 0: fit, 9: () => pan(0, 0, 1),
    ".": () => nextObject(1), ",": () => nextObject(-1), u: nextUnflagged,
    ArrowLeft: () => panByKey(-stride(canvas.clientWidth), 0), ArrowRight: () => panByKey(stride(canvas.clientWidth), 0),
    ArrowUp: () => panByKey(0, stride(canvas.clientHeight)), ArrowDown: () => panByKey(0, -stride(canvas.clientHeight)),
  };

  function act(key) {
    const action = ALWAYS[key] ?? (open === null ? undefined : WITH_CHIP[key]);
    action?.();
    return action !== undefined;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
    if (event.target.matches("input, select") && !/^[a-z?]$/.test(event.key)) return; // a slider has its own
    if (event.target.matches("select")) return;
    if (act(event.key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, td.pictured img");
    if (button === null) return;
    if (button.dataset.key) act(button.dataset.key);
    else if (button.matches(".chip, img")) show(+button.closest("tr").dataset.chip);
    else if (button.matches(".stamp")) {
      visit(+button.dataset.x, +button.dataset.y);
      say(`At x ${+button.dataset.x + 1}, y ${+button.dataset.y + 1}`);
    } else if (button.matches(".sort")) sort(button);
    else if (button.id === "csv") saveCsv();
    else if (button.id === "regions") saveRegions();
  });

  function under(event) {
    const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    const panel = panels().find((each) => px < each.left + each.width + 2 && py < each.top + each.height + 2) ?? panels()[0];
    return { dx: px - panel.left - panel.width / 2, dy: py - panel.top - panel.height / 2 };
  }

  const fingers = new Map();

  function span() {
    const [a, b] = [...fingers.values()];
    return { apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
  }

  /** Two fingers: their distance zooms, their middle pans. */
  function pinch(event) {
    const before = span();
    fingers.set(event.pointerId, event);
    const after = span(), { dx, dy } = under(after);
    pan(-(after.clientX - before.clientX) / state.zoom, (after.clientY - before.clientY) / state.zoom);
    if (before.apart > 0) zoom(after.apart / before.apart, dx, dy);
  }

  canvas.addEventListener("wheel", (event) => {
    if (open === null) return;
    event.preventDefault();
    const { dx, dy } = under(event);
    zoom(ZOOM_STEP ** (-Math.sign(event.deltaY)), dx, dy);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointermove", (event) => {
    if (open === null) return;
    if (fingers.size === 2) return pinch(event);
    const last = fingers.get(event.pointerId), dragged = last ? [event.clientX - last.clientX, event.clientY - last.clientY] : [0, 0];
    if (last) fingers.set(event.pointerId, event);
    const contrast = state.contrast || event.shiftKey || event.buttons & 2;
    if (event.buttons & 3 && contrast) adjust(dragged[0] / canvas.clientWidth, dragged[1] / canvas.clientHeight);
    else if (event.buttons & 1) pan(-dragged[0] / state.zoom, dragged[1] / state.zoom);
    const { dx, dy } = under(event);
    point(state.x + dx / state.zoom, state.y - dy / state.zoom);
  });
  canvas.addEventListener("pointerdown", (event) => {
    if (open === null) return;
    const { dx, dy } = under(event);
    point(state.x + dx / state.zoom, state.y - dy / state.zoom);
  });
  canvas.addEventListener("dblclick", () => open !== null && fit());
  new ResizeObserver(draw).observe(find("#stage"));

  // the address names the chip, so that the browser's buttons go back to the table and forth
  window.addEventListener("hashchange", goToAddress);

  theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  if (bodies.length === 1) show(0);
  else goToAddress();
