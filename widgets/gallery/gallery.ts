/**
 * Every widget in every state on one page, without a backend: `npm run gallery -w widgets`, then ?state=...&theme=dark&width=400.
 * JupyterLab's own themes are taken from the .venv of the set-up; without it the widgets' fallbacks show.
 */
import '../src/index.ts';
import { CurvesModel } from '../src/curves/model.ts';
import { refreshTheme } from '../src/theme.ts';
import { Workbench } from '../src/store/workbench.ts';
import { FakeConnector } from '../testing/fake-connector.ts';
import { STATES } from './states.ts';

const themes = import.meta.glob('../../.venv/share/jupyter/lab/themes/@jupyterlab/theme-{light,dark}-extension/index.css', {
  query: '?url',
  import: 'default',
});

const query = new URLSearchParams(location.search);
const dark = query.get('theme') === 'dark';
const name = query.get('state') ?? Object.keys(STATES)[0];
const width = query.get('width');

async function show(): Promise<void> {
  const url = Object.entries(themes).find(([path]) => path.includes(dark ? 'dark' : 'light'))?.[1];
  if (url) {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = (await url()) as string;
    const loaded = new Promise((resolve) => (link.onload = resolve));
    document.head.append(link);
    await loaded;
  }
  document.body.dataset.jpThemeLight = String(!dark);
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
  refreshTheme();

  const nav = document.querySelector('nav')!;
  if (query.has('bare')) nav.remove();
  for (const state of Object.keys(STATES)) {
    const link = document.createElement('a');
    link.href = `?${new URLSearchParams({ state, theme: dark ? 'dark' : 'light', ...(width ? { width } : {}) })}`;
    link.textContent = state;
    nav.append(link);
  }

  const state = STATES[name];
  const connector = new FakeConnector(state.options);
  const workbench = new Workbench(connector);
  const stage = document.querySelector<HTMLElement>('#stage')!;
  if (width) stage.style.width = `${width}px`;
  await Promise.race([workbench.start(), new Promise((resolve) => setTimeout(resolve, 50))]);
  if (state.select) workbench.selection.move(state.select);
  const element = Object.assign(document.createElement(state.tag), { workbench, ...state.properties });
  if (state.curves) Object.assign(element, { model: new CurvesModel(state.curves) });
  stage.append(element);
  await state.after?.(element, workbench, connector);
  Object.assign(globalThis, { medr1Gallery: { connector } }); // for kernel-bridge/bench/board.ts
  document.body.dataset.ready = 'true';
}

void show();
