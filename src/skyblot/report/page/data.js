  // ---- Data: tiles hold pictures of levels, which scales turn into values. ----

  const { token, folder } = document.body.dataset;
  const KEPT = 16; // decoded tiles
  const cache = new Map(), arriving = new Map();
  const bodies = findAll("template.chip-body");
  let open = null; // the chip on show

  /** The text of a tile: in the page, which may still be arriving, or in a file beside it. */
  function textOf(chip, number) {
    if (folder) return fromFolder(chip, number);
    const found = () => document.getElementById(`t${chip}-${number}`)?.textContent;
    if (document.readyState !== "loading") return Promise.resolve(found());
    return new Promise((done) => document.addEventListener("DOMContentLoaded", () => done(found()), { once: true }));
  }

  function fromFolder(chip, number) {
    return new Promise((done, fail) => {
      const script = document.createElement("script");
      arriving.set(`${chip}-${number}`, done);
      script.onload = () => script.remove();
      script.onerror = () => fail(new Error(`The folder ${folder} is not beside this page: there are no pictures of it without`));
      script.src = `${folder}/${chip}-${number}.js`;
      document.head.append(script);
    });
  }

  window.skyblotTile = (whose, chip, number, text) => {
    if (whose === token) arriving.get(`${chip}-${number}`)?.(text);
    else say(`The folder ${folder} is that of another page`);
  };

  /** Bytes of a file's text, 15 bits in each character, or of base 64. */
  function bytesOf(text) {
    if (text.charCodeAt(0) >= 0x3400) return wideBytesOf(text);
    const characters = atob(text), bytes = new Uint8Array(characters.length);
    for (let k = 0; k < bytes.length; k++) bytes[k] = characters.charCodeAt(k);
    return bytes;
  }

  function wideBytesOf(text) {
    const bytes = new Uint8Array((15 * text.length) >> 3);
    for (let k = 0, at = 0, bits = 0, rest = 0; k < text.length; k++) {
      rest = (rest << 15) | (text.charCodeAt(k) - 0x3400);
      for (bits += 15; bits >= 8; bits -= 8) bytes[at++] = (rest >> (bits - 8)) & 255;
      rest &= (1 << bits) - 1;
    }
    return bytes;
  }

  /** The levels of a picture, its first row at the top; null of an empty one. */
  async function levelsOf(bytes) {
    if (bytes.length === 0) return null;
    const image = await createImageBitmap(new Blob([bytes]));
    const surface = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
    surface.drawImage(image, 0, 0);
    const { data } = surface.getImageData(0, 0, image.width, image.height), levels = new Uint8Array(data.length / 4);
    for (let k = 0; k < levels.length; k++) levels[k] = data[4 * k];
    return { levels, width: image.width, height: image.height };
  }

  /** The five pictures of a tile or an overview; in blocks of step pixels, whose left bottom corner is x0, y0. */
  async function decode(text, place, mosaic) {
    const bytes = bytesOf(text);
    if (bytes.length === 0) return null;
    const view = new DataView(bytes.buffer), parts = [];
    for (let k = 0, start = 20; k < 5; k++) {
      const end = start + view.getUint32(4 * k, true);
      parts.push(bytes.subarray(start, end));
      start = end;
    }
    const pictures = await Promise.all(parts.map(levelsOf)), { width, height } = pictures[4];
    const [first, lost, residual, sigma, labels] = pictures.map((picture) => picture && picture.levels);
    if (place.step > 1 && !mosaic) return { ...place, width, height, blot: first, exposure: lost, residual, labels, painted: {} };
    if (lost) for (let k = 0; k < first.length; k++) first[k] += lost[k]; // modulo 256
    return { ...place, width, height, blot: first, residual, sigma, labels, painted: {} };
  }

  /** A tile of a chip, 0 the overview: a promise, kept while it is among those used last. */
  function load(chip, number, place, mosaic) {
    const key = `${chip}-${number}`, kept = cache.get(key) ?? textOf(chip, number).then((text) => decode(text, place, mosaic));
    cache.delete(key);
    cache.set(key, kept);
    if (cache.size > KEPT) cache.delete(cache.keys().next().value);
    return kept;
  }

  /** The values of levels 0 to 255. */
  function valuesOf({ low, middle, high, width, levels }) {
    const share = (value) => Math.asinh((value - middle) / width), bottom = share(low), top = share(high);
    return Float64Array.from({ length: 256 }, (_, k) => middle + width * Math.sinh(bottom + (k / (levels - 1)) * (top - bottom)));
  }

  const tablesOf = (scales) => Object.fromEntries(Object.entries(scales).map(([name, scale]) => [name, valuesOf(scale)]));

  const tablesFor = (source) => (source.step > 1 ? open.overviewTables : open.tileTables);

  /** Exposure, blot, residual and sigma of a pixel or a block; sigma is known of pixels only. */
  function valuesAt(source, k) {
    const label = source.labels[k], compared = label >> 6 !== 3, missing = compared ? 0 : label & 63;
    const value = (name) => (source[name] ? tablesFor(source)[name][source[name][k]] : undefined);
    const without = (bit, number) => (missing & bit ? NaN : number);
    if (open.mosaic) return { exposure: without(2, value("blot")), blot: value("sigma") };
    const residual = source.sigma && source.residual[k] === 255 ? NaN : value("residual"), sigma = value("sigma");
    const exposure = source.exposure ? value("exposure") : value("blot") + residual * sigma;
    return { exposure: without(2, exposure), blot: without(1, value("blot")), residual, sigma, compared, flag: source.sigma && flagOf(label) };
  }

  const flagOf = (label) => (label >> 6 === 3 || (label & 63) === 0 ? "" : open.compared ? ["only now", "both", "only earlier"][label >> 6] : "flagged");

  /** Where a point of the chip is in a source: the place in its arrays, -1 outside. */
  function placeIn(source, x, y) {
    const column = Math.floor((x - source.x0) / source.step), row = source.height - 1 - Math.floor((y - source.y0) / source.step);
    return column < 0 || row < 0 || column >= source.width || row >= source.height ? -1 : row * source.width + column;
  }
