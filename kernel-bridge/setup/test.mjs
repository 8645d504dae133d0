/**
 * `npm test`: brings about what the tests need, runs every suite in order and ends with one line "N passed, N failed" over all of them.
 *
 *     npm test -- unit e2e                  the named suites alone
 *     npm test -- quick                     before every commit: lint and types of all, the unit tests that train nothing
 *     npm test -- grpo                      the test files whose path contains this, of every suite and of Python
 *     npm test -- rl/grpo-trainer -t "KL"   of those the tests whose name contains this (-k for Python)
 *     npm test -- faults --whole -t D3      the fault matrix: all tries of its row D3 and not a minute's worth of all rows
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensure } from './ensure.mjs';
import { cleanEnvironment } from './environment.mjs';
import { home, node24, python, root, searchPath } from './paths.mjs';
import { AT_MOST, failedTests, toRunAgain, withSecondRun } from './second-run.mjs';
import { browserPath, CLUSTER, rayDir, sampleDir, TEST, testSteps, transformersDir } from './steps.mjs';
import { filesNamed, SLOW } from './test-files.mjs';

const output = join(root, 'test/output');
const bin = (name) => join(root, 'node_modules', name);
const pythonTests = join(root, 'test/python');
const report = (name) => join(output, `${name}.report`);

/** @typedef {import('./second-run.mjs').Count} Count */

/**
 * Exit status of a program whose output goes to the screen: as it comes, or all of it at the end, where another program runs beside it.
 * `threads` of one operator of PyTorch: one, for two test files share two cores.
 */
const run = (file, args, { atEnd = false, threads = 1 } = {}) =>
  new Promise((resolve) => {
    const env = {
      ...cleanEnvironment(),
      PATH: searchPath(),
      // Hundreds of Node processes load the same modules: what one has parsed, and stripped of its types, the others find there.
      NODE_COMPILE_CACHE: join(output, 'modules'),
      MEDR1_HOME: join(home, 'test'),
      MEDR1_SAMPLE: sampleDir,
      MEDR1_TRANSFORMERS: transformersDir,
      MEDR1_CHROMIUM: browserPath() ?? '',
      MEDR1_RAY: rayDir,
      OMP_NUM_THREADS: String(threads),
      ...(values.whole && { MEDR1_FAULTS: 'whole' }),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const child = spawn(file, args, { cwd: root, env, stdio: atEnd ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
    child.on('error', (error) => {
      console.error(`${file}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (status) => {
      process.stdout.write(Buffer.concat(said));
      resolve(status ?? 1);
    });
  });

/** A tool that passes or fails as a whole. @returns {Promise<Count>} */
async function check(file, args) {
  const failed = (await run(file, args, { atEnd: true })) === 0 ? 0 : 1;
  return { passed: 1 - failed, failed, skipped: 0 };
}

/** @param {Count[]} counts @returns {Count} */
const sum = (counts) =>
  counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }));

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string', short: 't' }, whole: { type: 'boolean' } },
});
const named = values.name ? ['-t', values.name] : [];

/** Under CI what failed runs once more (second-run.mjs). */
const again = process.env.CI === 'true';
/** Tests that failed first and passed alone. @type {string[]} */
const passedAlone = [];

/** One run of Vitest: its counts, and what its report says of each file. */
async function vitestOnce(name, projects, options, threads) {
  const file = report(name);
  rmSync(file, { force: true });
  const status = await run(
    node24(),
    [
      bin('vitest/vitest.mjs'),
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      '--passWithNoTests',
      ...options,
    ],
    { threads },
  );
  const found = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] };
  // A file that does not load, or an error outside any test, fails the suite without failing a test.
  const failed = Math.max(found.numFailedTests, status === 0 ? 0 : 1);
  const count = { passed: found.numPassedTests, failed, skipped: found.numPendingTests + (found.numTodoTests ?? 0) };
  return { count, files: found.testResults };
}

/** @returns {Promise<Count>} */
async function vitest(name, projects = [name], options = [], threads = 1) {
  const { count, files } = await vitestOnce(name, projects, options, threads);
  const failed = again ? toRunAgain(files, root) : [];
  if (failed.length === 0) return count;
  console.log(`\nOnce more, alone: ${failed.join(', ')}`);
  const alone = await vitestOnce(`${name}-alone`, projects, [...failed, '--maxWorkers=1'], threads);
  if (alone.count.failed === 0) passedAlone.push(...failedTests(files, root));
  return withSecondRun(count, files, alone.count);
}

/** One run of pytest: its counts, and the names of the tests that failed. */
async function pytestOnce(name, options) {
  const file = report(name);
  rmSync(file, { force: true });
  const status = await run(python, [
    '-m',
    'pytest',
    '-q',
    '-o',
    `cache_dir=${join(output, 'pytest')}`,
    '--rootdir',
    root,
    `--junitxml=${file}`,
    ...options,
  ]);
  const suite = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const number = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const skipped = number('skipped');
  const failed = number('failures') + number('errors');
  const names = [...suite.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error)\b/g)].map(
    ([, module, test]) => `${module} > ${test}`,
  );
  return { count: { passed: number('tests') - failed - skipped, failed: Math.max(failed, status === 0 ? 0 : 1), skipped }, names };
}

/** @returns {Promise<Count>} */
async function pytest(files, options = []) {
  const { count, names } = await pytestOnce('python', [...options, ...files]);
  if (!again || names.length === 0 || names.length > AT_MOST) return count;
  console.log(`\nOnce more, alone: ${names.join(', ')}`);
  const alone = await pytestOnce('python-alone', ['--last-failed', ...files]);
  if (alone.count.failed === 0) passedAlone.push(...names);
  return { passed: count.passed + alone.count.passed, failed: alone.count.failed, skipped: count.skipped + alone.count.skipped };
}

const tsc = (project) => {
  const seen = join(output, `${project.replaceAll('/', '-')}.tsbuildinfo`);
  return check(node24(), [bin('typescript/bin/tsc'), '-p', project, '--noEmit', '--incremental', '--tsBuildInfoFile', seen]);
};
/** `tsconfig.json` is what is built; `tsconfig.test.json` adds the tests, the fakes and the gallery. kernel-bridge's own has its tests. */
const PROJECTS = ['kernel-bridge', 'widgets', 'widgets/tsconfig.test.json', 'extension', 'extension/tsconfig.test.json'];

/** Tools that use one core each, two at a time. */
const twoAtATime = async (jobs) => {
  const waiting = [...jobs];
  const counts = [];
  const lane = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) counts.push(await job());
  };
  await Promise.all([lane(), lane()]);
  return sum(counts);
};

/** What the suite `cluster` alone needs; resolves to what was said of it. A test whose launcher is not there says so. */
async function setUpLaunchers() {
  const said = [];
  await ensure(CLUSTER, { steps: testSteps, print: (line) => said.push(line) });
  return said;
}
/** @type {Promise<string[]>} */
let launchers;

const suites = {
  lint: () =>
    twoAtATime([
      () => check(node24(), [bin('eslint/bin/eslint.js'), '.', '--max-warnings=0']),
      () => check(node24(), [bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.']),
      () => check(join(root, '.venv/bin/ruff'), ['check', '--quiet', '.']),
      () => check(join(root, '.venv/bin/ruff'), ['format', '--check', '--quiet', '.']),
    ]),
  types: () => twoAtATime(PROJECTS.map((project) => () => tsc(project))),
  // Three processes on two cores: tests of what is killed, refused or never answers wait as often as they compute.
  unit: () => vitest('unit', ['unit', 'widgets'], ['--maxWorkers=3']),
  // With two threads, so that sums over several are held against PyTorch's too.
  parity: () => vitest('parity', ['parity'], [], 2),
  // In two processes, each of which takes over what the other has left.
  python: () => pytest([pythonTests], ['-n', '2', '--dist', 'worksteal']),
  // Half of the time a file waits for processes that it started.
  server: () => vitest('server', ['server'], ['--maxWorkers=4']),
  cluster: async () => {
    for (const line of await launchers) console.log(line);
    return vitest('cluster');
  },
  // As above; not more at once, for some of its rows look at the memory of a process under load.
  faults: () => vitest('faults', ['faults'], ['--maxWorkers=3', ...(positionals.includes('faults') ? named : [])]),
  // A page waits for its server and its run as often as it draws.
  e2e: () => vitest('e2e', ['e2e'], ['--maxWorkers=3']),
};

const quick = {
  lint: suites.lint,
  types: suites.types,
  quick: () =>
    vitest(
      'quick',
      ['unit', 'widgets'],
      SLOW.flatMap((file) => ['--exclude', file]),
    ),
};

/** Test files by a part of their path, and of them the tests with this in their name. */
function chosen(parts) {
  const { vitest: files, python: modules } = filesNamed(parts);
  return {
    ...(files.length && { files: () => vitest('chosen', [], [...files, ...named]) }),
    ...(modules.length && { modules: () => pytest(modules, values.name ? ['-k', values.name] : []) }),
  };
}

/** Name -> what runs; null where the arguments name nothing. */
function asked() {
  if (positionals.length === 0) return suites;
  if (positionals.length === 1 && positionals[0] === 'quick') return quick;
  const parts = positionals.filter((part) => !(part in suites));
  const whole = Object.fromEntries(positionals.filter((part) => part in suites).map((part) => [part, suites[part]]));
  const wrong = parts.filter((part) => Object.keys(chosen([part])).length === 0);
  if (wrong.length === 0) return { ...whole, ...(parts.length && chosen(parts)) };
  console.error(`no test file has ${wrong.join(', ')} in its path; the suites are ${Object.keys(suites).join(', ')} and quick`);
  return null;
}

async function main() {
  const jobs = asked();
  if (jobs === null) {
    process.exitCode = 2;
    return;
  }
  mkdirSync(output, { recursive: true });
  console.log('Set-up');
  const failures = await ensure(TEST, { steps: testSteps });
  if (failures.length) {
    console.error('The set-up failed; no test was run.');
    process.exitCode = 1;
    return;
  }
  if ('cluster' in jobs) launchers = setUpLaunchers(); // mostly downloads: the suites before it do not wait for them
  const rows = [];
  for (const [name, job] of Object.entries(jobs)) {
    console.log(`\n== ${name}`);
    const start = Date.now();
    rows.push({ suite: name, ...(await job()), seconds: Math.round((Date.now() - start) / 1000) });
  }
  console.table(rows);
  const { passed, failed, skipped } = sum(rows);
  if (skipped) console.log(`${skipped} skipped (each names its reason above)`);
  for (const test of passedAlone) console.log(`failed beside others and passed alone: ${test}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

await main();
