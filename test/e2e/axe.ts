/** What stands in the way of someone who reads by a screen reader or works by keys, as far as a machine can see it: axe-core's rules. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Locator } from 'playwright-core';
import { expect } from 'vitest';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Axe {
  run(
    on: Element,
    options: object,
  ): Promise<{ violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }>;
}

/** Everything in the view and in the shadow roots below it. JupyterLab's own parts around it are not ours. */
export async function hasNoBarriers(view: Locator): Promise<void> {
  await view.page().evaluate(SOURCE);
  const found = await view.evaluate(async (element) => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run(element, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}\n${node.html}\n${node.failureSummary}`));
  });
  expect(found).toEqual([]);
}
