// A list of any length: only the rows in sight are elements, and further pages are fetched as they come into
// sight. The arrow keys move in it, Enter goes to the details, and Escape there comes back to the row.

import { ask } from './api.js';
import { h, replace } from './dom.js';
import { count } from './format.js';
import { Marks } from './marks.js';
import { announce, menu } from './ui.js';

const PAGE = 200;
/** How many items are fetched at most where a list is loaded again that was scrolled far. */
const MOST = 10_000;
const SPARE = 8;
const narrow = matchMedia('(max-width: 760px)');

/** Columns are `{name, label, cell(item)}`. `key` names the member that tells items apart, `tone(item)` returns a
 * class. Rows can be marked where `marking` says what hears of it. */
export class LiveList {
  constructor({ path, key, columns, label, name, empty, tone, onSelect, onOpen, marking, menu: menuOf }) {
    Object.assign(this, { path, key, columns, label, empty, tone, onSelect, onOpen, menuOf });
    this.marks = marking ? new Marks(this, marking) : null;
    if (marking) this.columns = [{ name: 'mark', cell: (it) => this.marks.box(it) }, ...columns];
    this.filters = {};
    this.items = [];
    this.rows = new Map();
    this.total = null;
    this.selected = null;
    this.ended = false;
    this.space = h('div', { class: 'list-space', role: 'presentation' });
    this.scroller = h('div', { class: 'list-scroll', role: 'rowgroup', onscroll: () => this.draw() }, this.space);
    this.status = h('p', { class: 'list-status' });
    this.hole = h('div', { class: 'list-empty', hidden: true });
    const head = h(
      'div',
      { class: 'row head', role: 'row' },
      this.columns.map((it) =>
        h(
          'span',
          { role: 'columnheader', class: `cell ${it.name}` },
          it.label ?? h('span', { class: 'sr' }, 'Marked'),
        ),
      ),
    );
    this.grid = h(
      'div',
      {
        class: `list cols-${name}`,
        role: 'grid',
        'aria-label': label,
        'aria-rowcount': -1,
        'aria-multiselectable': marking ? 'true' : null,
        onkeydown: (event) => this.keydown(event),
      },
      h('div', { role: 'rowgroup', class: 'list-head' }, head),
      this.scroller,
    );
    this.element = h('div', { class: 'list-box' }, this.grid, this.hole, this.status);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.scroller);
    this.print = () => this.draw(true);
    addEventListener('beforeprint', this.print);
  }

  destroy() {
    this.watch.disconnect();
    removeEventListener('beforeprint', this.print);
  }

  get height() {
    return narrow.matches ? 62 : 32;
  }

  /** Sets the filters, and begins anew where they are others than before, or where that failed. Ends when the list is
   * loaded. */
  async filter(filters) {
    const key = JSON.stringify(filters);
    if (this.filtered === key && !this.failed) return this.loaded;
    this.filtered = key;
    this.filters = filters;
    this.scroller.scrollTop = 0;
    this.marks?.clear();
    await this.reload(PAGE);
    if (this.filtered === key && Object.values(filters).some(Boolean)) announce(`${count(this.total)} found`);
  }

  /** Loads the list again: as much of it as was there, so that what is in sight stays there. */
  reload(limit = Math.min(MOST, Math.max(PAGE, this.items.length))) {
    this.loaded = this.load(limit);
    return this.loaded;
  }

  /** Loads the list, unless it is loaded once more meanwhile: then it ends with that. */
  async load(limit) {
    const token = (this.token = {});
    this.reloading = true;
    this.failed = false;
    try {
      const { items, total } = await this.fetch({ limit });
      if (token !== this.token) return this.loaded;
      this.items = items;
      this.total = total;
      this.ended = items.length < limit;
      this.reloading = false;
      this.marks?.keep(items);
      this.draw();
    } catch (error) {
      if (token !== this.token) return this.loaded;
      this.failed = true;
      throw error;
    } finally {
      if (token === this.token) {
        this.reloading = false;
        this.resume();
      }
    }
  }

  /** Fetches what is new or has changed since the newest item. */
  async refresh() {
    // Nothing is listed before the first filter is set, which loads the list.
    if (this.filtered === undefined) return;
    // While the list is reloaded, its newest item is not known, and an older answer could come later.
    if (this.refreshing || this.reloading) {
      this.again = true;
      return;
    }
    this.refreshing = true;
    try {
      const token = this.token;
      const newest = this.items.reduce((most, item) => Math.max(most, item.seq), 0);
      const { items } = await this.fetch({ limit: PAGE, after: newest });
      if (token !== this.token) return;
      if (items.length < PAGE) this.merge(items);
      else await this.reload();
    } catch {
      // The stream tells that the lab cannot be reached.
    } finally {
      this.refreshing = false;
      this.resume();
    }
  }

  /** Refreshes the list if that was asked for while it could not be done. */
  resume() {
    if (!this.again) return;
    this.again = false;
    this.refresh();
  }

  /** Adds what is new and replaces what has changed. The total of such an answer counts only what is in it. */
  merge(changed) {
    const known = new Map(this.items.map((item, index) => [item[this.key], index]));
    const added = [];
    for (const item of changed) {
      const at = known.get(item[this.key]);
      if (at === undefined) added.push(item);
      else this.items[at] = item;
    }
    this.items = [...added, ...this.items];
    this.total += added.length;
    if (this.scroller.scrollTop > 0) this.scroller.scrollTop += added.length * this.height;
    this.draw();
  }

  async fetch(range) {
    const query = { order: 'newest', ...this.filters, ...range };
    const response = await ask('GET', this.path, { query });
    const items = await response.json();
    return { items, total: Number(response.headers.get('x-total-count') ?? items.length) };
  }

  async more() {
    // While the list is reloaded, its oldest item is not known.
    if (this.ended || this.fetching || this.reloading || this.items.length === 0) return;
    this.fetching = true;
    const token = this.token;
    const oldest = this.items.reduce((least, item) => Math.min(least, item.seq), Infinity);
    const page = await this.fetch({ limit: PAGE, before: oldest }).catch(() => null);
    this.fetching = false;
    // It is asked for again when the list is scrolled.
    if (page === null) return;
    if (token === this.token) {
      const known = new Set(this.items.map((item) => item[this.key]));
      this.items.push(...page.items.filter((item) => !known.has(item[this.key])));
      this.ended = page.items.length < PAGE;
    }
    this.draw();
  }

  /** Draws the rows in sight; for print, all that are loaded. */
  draw(all = false) {
    const { height, items } = this;
    const from = all ? 0 : Math.max(0, Math.floor(this.scroller.scrollTop / height) - SPARE);
    const sight = Math.ceil(this.scroller.clientHeight / height) + 2 * SPARE;
    const to = all ? items.length : Math.min(items.length, from + sight);
    const active = items.findIndex((item) => this.same(item));
    const held = this.space.contains(document.activeElement) ? document.activeElement : null;
    const wanted = new Map();
    for (let at = from; at < to; at += 1) wanted.set(items[at][this.key], at);
    if (active >= 0) wanted.set(items[active][this.key], active);
    for (const [key, row] of this.rows) {
      if (!wanted.has(key)) {
        row.element.remove();
        this.rows.delete(key);
      }
    }
    const first = active >= 0 ? active : 0;
    // From the last to the first, in the order of the list, so that a reader of the screen meets them so. A row
    // that is where it belongs is left alone.
    let next = null;
    for (const [key, at] of [...wanted].sort(([, one], [, other]) => other - one)) {
      next = this.place(key, at, at === first, next);
    }
    // The focus of a row that is gone goes to the one that can be reached by Tab.
    if (held && !held.isConnected) this.focus();
    else if (held && held !== document.activeElement) held.focus({ preventScroll: true });
    this.space.style.height = `${items.length * height}px`;
    this.grid.setAttribute('aria-rowcount', String(this.total === null ? -1 : this.total + 1));
    this.say();
    if (to >= items.length - SPARE && this.total !== null) this.more();
  }

  /** Places the row of an item before the row `next`, and returns it. */
  place(key, at, tabbable, next) {
    const item = this.items[at];
    let row = this.rows.get(key);
    if (!row) {
      row = {
        element: h('div', {
          class: 'row',
          role: 'row',
          onclick: (event) => this.marks?.click(event, key) || this.click(key),
          oncontextmenu: (event) => this.context(event, key),
        }),
      };
      this.rows.set(key, row);
    }
    const { element } = row;
    if (row.item !== item) {
      row.item = item;
      this.columns.forEach((it, column) => {
        const cell = h('span', { role: 'gridcell', class: `cell ${it.name}` }, it.cell(item));
        const shown = element.children[column];
        if (!shown) element.append(cell);
        else if (!shown.isEqualNode(cell)) shown.replaceWith(cell);
      });
    }
    element.style.transform = `translateY(${at * this.height}px)`;
    element.tabIndex = tabbable ? 0 : -1;
    element.setAttribute('aria-rowindex', String(at + 2));
    const marked = this.marks?.has(item) ?? false;
    element.className = `row ${this.tone?.(item) ?? ''} ${marked ? 'marked' : ''}`;
    if (this.marks) element.firstChild.firstChild.checked = marked;
    element.setAttribute('aria-selected', String(marked || this.same(item)));
    element.setAttribute('aria-current', String(this.same(item)));
    if (!element.parentNode || element.nextSibling !== next) this.space.insertBefore(element, next);
    return element;
  }

  say() {
    const none = this.total === 0;
    if (none && this.hole.hidden) replace(this.hole, this.empty(Object.values(this.filters).some(Boolean)));
    this.hole.hidden = !none;
    this.grid.hidden = none;
    const marked = this.marks?.size > 0 ? `, ${count(this.marks.size)} marked` : '';
    this.status.textContent = this.total === null ? 'Loading' : none ? '' : `${count(this.total)} in all${marked}`;
  }

  same(item) {
    return this.selected !== null && String(item[this.key]) === String(this.selected);
  }

  /** Marks an item as selected, and brings it into sight. */
  select(key) {
    if (key !== this.selected) {
      this.selected = key;
      const at = this.items.findIndex((item) => this.same(item));
      if (at >= 0) this.reveal(at);
    }
    this.draw();
  }

  reveal(at) {
    const top = at * this.height;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight)
      this.scroller.scrollTop = top + this.height - clientHeight;
  }

  /** Puts the focus on the selected row. */
  focus() {
    const row = [...this.rows.values()].find(({ element }) => element.tabIndex === 0);
    row?.element.focus({ preventScroll: true });
  }

  click(key) {
    this.select(key);
    this.focus();
    this.onSelect(this.rows.get(key)?.item ?? { [this.key]: key });
  }

  context(event, key) {
    if (!this.menuOf) return;
    event.preventDefault();
    this.click(key);
    menu(this.menuOf(this.rows.get(key).item), { x: event.clientX, y: event.clientY });
  }

  keydown(event) {
    const at = this.items.findIndex((item) => this.same(item));
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const last = this.items.length - 1;
    const steps = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    };
    if (event.key === 'Enter' && at >= 0) {
      event.preventDefault();
      this.onOpen?.();
      return;
    }
    if (event.key === 'F10' && event.shiftKey && at >= 0 && this.menuOf) {
      event.preventDefault();
      const box = this.rows.get(this.items[at][this.key]).element.getBoundingClientRect();
      menu(this.menuOf(this.items[at]), { x: box.left + 40, y: box.bottom });
      return;
    }
    if (this.marks?.keydown(event, at)) return;
    if (!(event.key in steps) || last < 0) return;
    event.preventDefault();
    const to = Math.max(0, Math.min(last, steps[event.key]));
    if (event.shiftKey) this.marks?.set([this.items[Math.max(0, at)], this.items[to]].map((it) => it[this.key]));
    this.reveal(to);
    this.click(this.items[to][this.key]);
  }
}

/** A list whose items are all at hand. */
export class LocalList extends LiveList {
  /** Shows these items in place of the ones before. */
  set(items, filtered = false) {
    this.items = items;
    this.total = items.length;
    this.ended = true;
    this.filters = { filtered };
    this.draw();
  }
}
