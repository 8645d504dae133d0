/**
 * How long a step takes from the worker's COMMIT to its point on the reward curve: the demo run in the real JupyterLab, worker, store, server, relay
 * and websocket, four views open, in Chromium without a GPU. Prints a line for the goal and one JSON document last.
 *   node kernel-bridge/bench/screen.ts [--steps N]   (default 40 steps, after one that is not counted)
 *
 * From: the step's `time` in the log, taken as its transaction begins, so that COMMIT itself is counted. To: the second animation frame after the chart
 * has drawn the point; the first one paints it. Both are clocks of this machine, in whole milliseconds. A step whose point is drawn together with a
 * later one counts to that drawing.
 */
import { loadavg } from 'node:os';
import { eventually, openBrowser, openJupyterLab, openLab, openPage, plainStart, runCommand } from '../../test/e2e/lab.ts';
import { readArguments } from './arguments.ts';

const GOAL_MS = 500;
const VIEWS = ['medr1:show-runs', 'medr1:open-rollouts', 'medr1:open-rewards', 'medr1:open-curves'];

const { steps } = readArguments({ steps: { type: 'string', default: '40' } });
const wanted = Number(steps);

/** What the page was told to note: how many points were on screen from when on. */
type Seen = { points: number; at: number }[];

/** Runs in the page. */
function watchPoints(): void {
  const seen: Seen = [];
  Object.assign(globalThis, { pointsSeen: seen });
  const chart = [...document.querySelectorAll('medr1-curves')]
    .flatMap((view) => [...view.shadowRoot!.querySelectorAll<HTMLElement>('medr1-chart')])
    .find((one) => one.shadowRoot!.querySelector('[data-chart=reward]'))!;
  new MutationObserver(() => {
    const points = Number(chart.dataset.points);
    requestAnimationFrame(() => requestAnimationFrame(() => seen.push({ points, at: Date.now() })));
  }).observe(chart, { attributeFilter: ['data-points'] });
}

const share = (sorted: readonly number[], part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

await using lab = await openLab();
await plainStart(lab);
const browser = await openBrowser();
try {
  const { page } = await openPage(browser, lab);
  await openJupyterLab(page, lab);
  for (const view of VIEWS) await runCommand(page, view);
  await page.locator('medr1-runs').getByTestId('start-demo').click();
  await runCommand(page, 'medr1:open-curves');
  await page
    .locator('medr1-chart[data-points]')
    .filter({ has: page.locator('[data-chart=reward]') })
    .waitFor();
  await page.evaluate(watchPoints);
  const seen = await eventually(
    () => page.evaluate(() => (globalThis as unknown as { pointsSeen: Seen }).pointsSeen),
    (all) => all.length > 0 && all.at(-1)!.points - all[0].points >= wanted,
    `${wanted} steps are drawn`,
    600_000,
  );
  const { id } = (await lab.api('api/runs')).json.runs[0];
  const { metrics, time } = (await lab.api(`api/runs/${id}/metrics?names=reward`)).json as {
    metrics: { reward: (number | null)[] };
    time: number[];
  };
  const written = time.filter((_, at) => metrics.reward[at] !== null);
  const delays = written
    .slice(seen[0].points, seen[0].points + wanted)
    .map((from, at) => seen.find(({ points }) => points > seen[0].points + at)!.at - from);
  const sorted = delays.toSorted((a, b) => a - b);
  const result = { steps: wanted, median_ms: share(sorted, 0.5), p95_ms: share(sorted, 0.95), most_ms: sorted.at(-1)!, load: loadavg()[0] };
  console.log(
    `COMMIT to screen: median ${result.median_ms} ms, p95 ${result.p95_ms} ms, most ${result.most_ms} ms over ${wanted} steps; load ${result.load.toFixed(1)}`,
  );
  console.log(`${result.p95_ms <= GOAL_MS ? 'met' : 'missed'}: p95 below ${GOAL_MS} ms`);
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
}
