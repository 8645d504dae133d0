/** What axe has to say of a view. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Locator } from 'playwright-core';
import { expect } from 'vitest';
import { setTheme } from './lab.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** JupyterLab's editor, which is not ours, and rules for whole pages, of which a view is a part. */
const OTHERS = { exclude: [['.cm-editor']], rules: { region: { enabled: false }, 'page-has-heading-one': { enabled: false } } };

interface Axe {
  run(context: object, options: object): Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }>;
}

/** In these themes, one after the other; leaves the page in the last. */
export async function axeFindsNothing(view: Locator, ...themes: ('Light' | 'Dark')[]): Promise<void> {
  for (const theme of themes) {
    await setTheme(view.page(), `JupyterLab ${theme}`);
    await view.waitFor();
    await axeFindsNothingNow(view, theme);
  }
}

/** In the theme that there is; on any page, JupyterLab or not. */
export async function axeFindsNothingNow(view: Locator, where?: string): Promise<void> {
  await view.page().evaluate(AXE);
  const found = await view.evaluate(async (element, { exclude, rules }) => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run({ include: [element], exclude }, { rules, resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ html }) => html.slice(0, 200)).join(' · ')}`);
  }, OTHERS);
  expect(found, where).toEqual([]);
}
