/** `npm start`: brings the set-up about and opens JupyterLab with the workbench. */
import { parseArgs } from 'node:util';
import { ensure } from './ensure.mjs';
import { freePort, openInBrowser, portIsFree, startLab } from './jupyter.mjs';
import { command, SetupError } from './command.mjs';
import { node24, root } from './paths.mjs';
import { notebooksDir, START } from './steps.mjs';

const USAGE = `npm start -- [options]
  --no-browser     do not open a browser
  --port N         port of JupyterLab (8888, or the next free one)
  --demo           start the demo at once, a run that thinks beside one that does not, and open it
  --cpu-slots N    runs that may train on the CPU side by side (1)
  --notebook-dir DIR   folder that JupyterLab shows (.medr1/notebooks)`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        'no-browser': { type: 'boolean' },
        port: { type: 'string' },
        demo: { type: 'boolean' },
        'cpu-slots': { type: 'string' },
        'notebook-dir': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.port !== undefined && !(Number(values.port) >= 1 && Number(values.port) <= 65535))
      throw new Error(`--port ${values.port} is no port`);
    if (values['cpu-slots'] !== undefined && !/^[1-9]\d?$/.test(values['cpu-slots']))
      throw new Error(`--cpu-slots ${values['cpu-slots']} is no number from 1 to 99`);
    return values;
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function choosePort(asked) {
  if (asked === undefined) {
    const port = await freePort(8888);
    if (port !== 8888) console.log(`Port 8888 is taken; using ${port}.`);
    return port;
  }
  if (!(await portIsFree(Number(asked)))) {
    throw new SetupError(`port ${asked} is taken by another program`, `npm start -- --port ${await freePort(Number(asked) + 1)}`);
  }
  return Number(asked);
}

async function main() {
  const asked = options();
  if (asked.help) return console.log(USAGE);
  if (asked['cpu-slots']) process.env.MEDR1_CPU_SLOTS = asked['cpu-slots']; // JupyterLab hands it to the backend
  const port = await choosePort(asked.port);
  console.log('Set-up');
  const failures = await ensure(START);
  if (failures.length) return void (process.exitCode = 1);

  console.log('JupyterLab: starting ...');
  const lab = await startLab({ port, dir: asked['notebook-dir'] ?? notebooksDir, browser: !asked['no-browser'] && !asked.demo });
  lab.process.once('exit', (code) => (process.exitCode = code ?? 1));
  // Ctrl-C reaches the whole group by itself; what ends this process alone (npm passes SIGTERM on, a closed terminal) ends JupyterLab too.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => lab.process.kill('SIGTERM'));
  process.on('exit', () => lab.process.kill('SIGTERM'));
  const page = asked.demo ? await startDemo(lab) : lab.url;
  if (asked.demo && !asked['no-browser']) openInBrowser(page).catch(() => {}); // the address is printed too
  console.log(`\nMed-R1 Workbench: ${page}\nCtrl-C stops it; runs are checkpointed and can be resumed.\n`);
}

/** The address of the page that shows it, or of JupyterLab alone where the demo could not be started, which is said. */
async function startDemo({ base, token, url }) {
  try {
    const query = await command(node24(), [`${root}/kernel-bridge/setup/demo.ts`, base], { env: { JUPYTER_TOKEN: token } });
    console.log('Demo: two runs take turns, one that thinks and one that answers at once.');
    return `${url}&${query.trim()}`;
  } catch (error) {
    report(error);
    return url;
  }
}

function report(error) {
  console.error(`FAILED: ${error.message}${error.remedy ? `\n  Remedy: ${error.remedy}` : ''}`);
  process.exitCode = 1;
}

main().catch(report);
