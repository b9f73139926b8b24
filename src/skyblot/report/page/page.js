"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => (find("#said").textContent = text);
{% include "data.js" %}
{% include "paint.js" %}
{% include "viewer.js" %}
{% include "tools.js" %}
{% include "table.js" %}
{% include "keys.js" %}
})();
