// A view of a list that the server filters and pages: its filters and its selection stand in the address, and the
// details of what is selected are beside it.

import { get, inOrder, path } from './api.js';
import { LiveList } from './list.js';
import { go, link } from './router.js';
import { filters as chosen, split, tools } from './split.js';
import { renew } from './ui.js';

/** `name` is that of the view and of the list in the API, `key` the member that an address names an item by.
 * `menu(item, view)` returns what a row offers, `show(details)` makes the details of what `load(id)` fetched, and
 * `touches(change, id)` says whether they are to be fetched again. */
export function listView(spec) {
  const { name, label, key, kind, filters, search, hint, selects, more, none, gone } = spec;
  const { load = (id) => get(path(name, id)), touches = () => false } = spec;
  let route = null;
  const view = {
    /** Returns the filters of the address, of those that the list knows. */
    query: () => chosen(route?.query ?? new URLSearchParams(), filters),
    /** Returns the id of what is selected. */
    selected: () => route?.segments[0],
    /** Changes what stands behind the `?` of the address. */
    patch: (change) =>
      go(link(name, route.segments, { ...Object.fromEntries(route.query), ...change }), { replace: true }),
    /** Leaves out what a word is in. */
    exclude: (word) => view.patch({ q: `${route.query.get('q') ?? ''} -${word}`.trim() }),
    /** Selects an item, or none. */
    select: (id) => go(link(name, id === undefined ? [] : [id], route.query), { replace: true }),
  };
  view.list = new LiveList({
    path: path(name),
    key,
    label,
    name,
    columns: spec.columns,
    empty: spec.empty,
    tone: spec.tone,
    marking: spec.marking,
    onSelect: (it) => view.select(it[key]),
    onOpen: () => pair.focus(),
    menu: (it) => [
      ...spec.menu(it, view),
      { label: 'Clear the filter', run: () => go(link(name, route.segments), { replace: true }) },
    ],
  });
  const bar = tools({ search, hint, selects, onChange: view.patch, more });
  const pair = split({
    list: view.list,
    tools: bar.element,
    label: spec.detail,
    kind,
    leave: () => view.select(undefined),
  });

  /** Shows the details of what is selected. */
  view.detail = async () => {
    const id = view.selected();
    view.list.select(id ?? null);
    if (id === undefined) {
      pair.none(view.list.total === 0 ? '' : none);
      return;
    }
    await fetched(id);
  };

  const fetched = inOrder(
    (id) =>
      load(id).catch((error) => {
        if (error.status !== 404) throw error;
        return null;
      }),
    (details, id) => {
      if (id !== view.selected()) return;
      if (details === null) {
        pair.none(gone);
        return;
      }
      pair.selected();
      renew(pair.body, details, () => spec.show(details, view));
      spec.shown?.(details);
    },
  );

  return Object.assign(view, {
    element: pair.element,
    tab: () => route?.query.get('tab'),
    async update(next) {
      route = next;
      bar.set(route.query);
      await view.list.filter(view.query());
      await view.detail();
    },
    async changed(change) {
      const { kinds } = change;
      const anew = kinds.changed || kinds.gap || (kinds.marks && spec.marking);
      if (anew) await view.list.reload();
      else if (spec.adds(change)) await view.list.refresh();
      const id = view.selected();
      if (id !== undefined && (anew || touches(change, id))) await view.detail();
    },
    destroy: () => view.list.destroy(),
  });
}
