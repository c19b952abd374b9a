// The rows of a list that are marked, to be removed together: by checkbox, Ctrl or Shift with a click, Space, Shift
// with an arrow, and Ctrl+A. Escape takes the marks away, and Delete removes the rows.

import { h } from './dom.js';

export class Marks {
  /** `onChange` hears that others are marked, `onRemove` the keys of the rows that are to be removed. */
  constructor(list, { onChange, onRemove }) {
    Object.assign(this, { list, onChange, onRemove });
    this.keys = new Set();
    this.anchor = null;
  }

  get size() {
    return this.keys.size;
  }

  has(item) {
    return this.keys.has(String(item[this.list.key]));
  }

  /** Returns the checkbox of a row. */
  box(item) {
    const key = String(item[this.list.key]);
    return h('input', {
      type: 'checkbox',
      tabindex: '-1',
      'aria-label': 'Mark',
      onclick: (event) => {
        event.stopPropagation();
        this.set(event.shiftKey ? this.between(key) : [key], event.target.checked);
        this.anchor = key;
      },
    });
  }

  set(keys, on = true) {
    for (const key of keys) {
      if (on) this.keys.add(String(key));
      else this.keys.delete(String(key));
    }
    this.list.draw();
    this.onChange();
  }

  clear() {
    if (this.size > 0) this.set([...this.keys], false);
  }

  /** Keeps the marks of rows that are still there. */
  keep(items) {
    const there = new Set(items.map((item) => String(item[this.list.key])));
    this.keys.forEach((key) => there.has(key) || this.keys.delete(key));
    this.onChange();
  }

  /** Returns the keys of the rows from the last one that was chosen to this one. */
  between(key) {
    const { items } = this.list;
    const at = (wanted) => items.findIndex((item) => String(item[this.list.key]) === String(wanted));
    const [one, other] = [at(this.anchor ?? this.list.selected ?? key), at(key)];
    return items.slice(Math.max(0, Math.min(one, other)), Math.max(one, other) + 1).map((it) => it[this.list.key]);
  }

  /** Returns the keys that are marked, else the one of the row that is selected. */
  chosen() {
    if (this.size > 0) return [...this.keys];
    return this.list.items.some((item) => this.list.same(item)) ? [String(this.list.selected)] : [];
  }

  /** Does what a click with Ctrl or Shift does to marks; returns whether it was such a click. */
  click(event, key) {
    const { selected } = this.list;
    if (event.shiftKey) this.set(this.between(key));
    else if (event.ctrlKey || event.metaKey) {
      // What is open belongs to the selection, as in every list of mails.
      if (this.size === 0 && selected !== null) this.set([selected]);
      this.set([key], !this.keys.has(String(key)));
    } else {
      this.anchor = key;
      this.clear();
      return false;
    }
    this.anchor = key;
    getSelection()?.removeAllRanges();
    return true;
  }

  /** Does what a key does to marks; returns whether it was such a key. `at` is the row that is selected. */
  keydown(event, at) {
    const { items, key } = this.list;
    if (event.key === ' ' && at >= 0) this.set([items[at][key]], !this.has(items[at]));
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) this.set(items.map((it) => it[key]));
    else if (event.key === 'Escape' && this.size > 0) this.clear();
    else if (event.key === 'Delete' && this.chosen().length > 0) this.onRemove(this.chosen());
    else return false;
    event.preventDefault();
    return true;
  }
}
