'use strict';
(function () {
  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get('data').textContent);
  const order = ['drift', 'failed', 'missing', 'held', 'clean'];
  const letters = {c: ['clean', 4], h: ['held', 7], m: ['missing', 10], f: ['failed', 14], d: ['drift', 14]};
  const hosts = data.hosts.map((h, at) => ({
    status: h[0], name: h[1], id: h[2], place: data.places[h[3]], days: data.strips[h[4]],
    added: h[5], removed: h[6], changed: h[7], what: h[8] || '', suspect: !!h[9], at: at,
    text: (h[1] + '\n' + h[2] + '\n' + data.places[h[3]] + '\n' + (h[8] || '')).toLowerCase(),
  }));
  const perPage = 50;
  let by = 'status', down = false, from = 0, found = hosts;

  const element = (name, text, className) => {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  };
  const svg = (name, attributes) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    return e;
  };

  // strip draws the days of a host, the newest at the right.
  function strip(days) {
    const count = {};
    const s = svg('svg', {class: 'strip', viewBox: '0 0 180 14', role: 'img'});
    for (let i = 0; i < days.length;) {
      let end = i;
      while (end < days.length && days[end] === days[i]) end++;
      const kind = letters[days[i]];
      if (kind) {
        count[kind[0]] = (count[kind[0]] || 0) + end - i;
        s.append(svg('rect', {class: kind[0], x: 180 - 2 * (days.length - i), y: 14 - kind[1], width: 2 * (end - i), height: kind[1]}));
      }
      i = end;
    }
    s.setAttribute('aria-label', 'days: ' + (Object.keys(count).map((k) => count[k] + ' ' + k).join(', ') || 'none'));
    return s;
  }

  function row(h) {
    const tr = element('tr');
    const status = element('td');
    status.append(element('span', h.status, 'badge ' + h.status));
    if (h.suspect) status.append(element('small', 'suspect', 'badge suspect'));
    const host = element('th', h.name || h.id);
    host.scope = 'row';
    host.append(element('small', (h.name ? h.id + ' ' : '') + h.place));
    tr.append(status, host);
    for (const n of [h.added, h.removed, h.changed]) tr.append(element('td', n === null ? '–' : n, 'n'));
    const life = element('td');
    life.append(strip(h.days));
    tr.append(life, element('td', h.what));
    return tr;
  }

  function compare(a, b) {
    let c = 0;
    if (by === 'status') c = order.indexOf(a.status) - order.indexOf(b.status) || (b.suspect - a.suspect);
    else if (by === 'name') c = (a.name || a.id).localeCompare(b.name || b.id);
    else c = (a[by] === null ? -1 : a[by]) - (b[by] === null ? -1 : b[by]);
    return (down ? -c : c) || a.at - b.at;
  }

  function show() {
    get('rows').replaceChildren(...found.slice(from, from + perPage).map(row));
    const last = Math.min(from + perPage, found.length);
    get('found').textContent = found.length === 0 ? 'No host.' : (from + 1) + ' to ' + last + ' of ' + found.length.toLocaleString('en') + ' hosts.';
    get('pager').hidden = found.length <= perPage;
    get('back').disabled = from === 0;
    get('next').disabled = last === found.length;
  }

  function find() {
    const text = get('search').value.trim().toLowerCase(), only = get('filter').value;
    found = hosts.filter((h) => (!text || h.text.includes(text)) &&
      (!only || h.status === only || only === 'suspect' && h.suspect || only === 'not-clean' && (h.status !== 'clean' || h.suspect)));
    if (by !== 'status' || down) found.sort(compare); // they come in the order of their status
    from = 0;
    show();
  }

  for (const button of document.querySelectorAll('[data-by]')) {
    button.addEventListener('click', () => {
      down = by === button.dataset.by ? !down : button.dataset.by !== 'name' && button.dataset.by !== 'status';
      by = button.dataset.by;
      for (const th of document.querySelectorAll('[aria-sort]')) th.removeAttribute('aria-sort');
      button.parentElement.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      find();
    });
  }
  get('controls').addEventListener('submit', (e) => e.preventDefault());
  get('search').addEventListener('input', find);
  get('filter').addEventListener('change', find);
  get('back').addEventListener('click', () => { from -= perPage; show(); });
  get('next').addEventListener('click', () => { from += perPage; show(); });

  // A square of the picture names its host, and finds it in the list.
  const mosaic = get('mosaic');
  const under = (e) => {
    const box = mosaic.getBoundingClientRect(), columns = +mosaic.dataset.columns, size = box.width / columns;
    const column = Math.floor((e.clientX - box.left) / size);
    return column < 0 || column >= columns ? undefined : hosts[Math.floor((e.clientY - box.top) / size) * columns + column];
  };
  mosaic.addEventListener('pointermove', (e) => {
    const h = under(e);
    get('pointed').textContent = h ? [h.name, h.id, h.status, h.what].filter((s) => s).join('  ') : '\u00a0';
  });
  mosaic.addEventListener('click', (e) => {
    const h = under(e);
    if (!h) return;
    get('search').value = h.id;
    get('filter').value = '';
    find();
  });

  if (get('controls').dataset.long === 'true' && hosts.some((h) => h.status !== 'clean' || h.suspect)) get('filter').value = 'not-clean';
  get('controls').hidden = get('list').hidden = false;
  find();
})();
