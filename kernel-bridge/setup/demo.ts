/**
 * `npm start -- --demo`: asks the backend, through JupyterLab at the given address, for the demo as a pair, thinking beside no-thinking.
 * Prints the query of the page that shows it.
 */
import { demoConfig } from '../src/protocol/presets.ts';

const [, , base] = process.argv;
const READY_MS = 30_000;

async function api(path: string, body?: unknown) {
  const answer = await fetch(`${base}medr1/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { Authorization: `token ${process.env.JUPYTER_TOKEN}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const json = await answer.json();
  return { ok: answer.ok, json };
}

async function main() {
  for (const end = Date.now() + READY_MS; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const { json: status } = await api('status');
    if (status.state === 'running') break;
    if (status.state === 'failed' || Date.now() > end) throw new Error(`${status.message}\n  Remedy: ${status.remedy}`);
  }
  const config = demoConfig((await api('api/server')).json);
  if (!config) throw new Error('the sample is not there\n  Remedy: npm start, which writes it');
  const { ok, json } = await api('api/pairs', { config: { ...config, run_name: 'Demo' } });
  if (!ok) throw new Error(`${json.message}\n  Remedy: ${json.remedy}`);
  const ids = json.runs.map(({ id }: { id: string }) => id).join(',');
  console.log(new URLSearchParams({ medr1: new URLSearchParams({ runs: ids }).toString() }).toString());
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
