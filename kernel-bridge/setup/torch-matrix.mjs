/**
 * `npm run torch-matrix [-- VERSION...]`: builds the addon for several PyTorch versions and runs the tests that stand on it with each. Wheels go to
 * .medr1/torch-matrix/VERSION, without what the addon does not need of them (a GPU's libraries); the clone's own build and .venv are left alone.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command, SetupError } from './command.mjs';
import { home, node24, nodeModules, python, root } from './paths.mjs';

/** The oldest that is supported, the one that the set-up installs, and the newest that was tried. */
const VERSIONS = ['2.6.0', '2.11.0', '2.15.0'];
const TESTED = ['kernel-bridge/src/torch', 'kernel-bridge/src/models', 'kernel-bridge/src/rl'];

const install = (target, args) =>
  command(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '--target', target, ...args], {
    remedy: `${python} -m pip index versions torch shows which there are`,
  });

/** libtorch_cpu of the wheels on PyPI is linked against CUDA's runtime and its profiler; the wheel names the versions of both. */
function runtimeOf(dir) {
  const info = readdirSync(dir).find((name) => /^torch-.*\.dist-info$/.test(name));
  const needed = [...readFileSync(join(dir, info, 'METADATA'), 'utf8').matchAll(/^Requires-Dist: ([^;\n]+)/gm)].map(([, name]) =>
    name.trim(),
  );
  const toolkit = needed.map((name) => /^cuda-toolkit\[.*\](==\S+)$/.exec(name)?.[1]).find(Boolean);
  if (toolkit) return [`cuda-toolkit[cudart,cupti]${toolkit}`];
  return needed.filter((name) => /^nvidia-cuda-(runtime|cupti)/.test(name)).map((name) => name.replace(/[() ]/g, ''));
}

async function fetch(version) {
  const dir = join(home, 'torch-matrix', version);
  if (existsSync(join(dir, 'complete'))) return dir;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  await install(dir, ['--no-deps', `torch==${version}`]);
  const runtime = runtimeOf(dir);
  if (runtime.length > 0) await install(dir, runtime);
  mkdirSync(join(dir, 'complete'));
  return dir;
}

async function tryOut(version) {
  const row = { torch: version, built: 'no', passed: 0, failed: 0, seconds: 0 };
  const start = Date.now();
  try {
    const dir = await fetch(version);
    const env = { MEDR1_TORCH: join(dir, 'torch'), MEDR1_BUILD: join(dir, 'build'), OMP_NUM_THREADS: '2' };
    await command(node24(), [join(root, 'kernel-bridge/native/build.mjs')], { env, show: true });
    row.built = 'yes';
    const report = join(dir, 'report.json');
    rmSync(report, { force: true });
    const options = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    await command(node24(), [join(nodeModules, 'vitest/vitest.mjs'), 'run', '--project', 'unit', ...options, ...TESTED], {
      env,
      show: true,
    }).catch((error) => {
      if (!existsSync(report)) throw error;
    });
    const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
    Object.assign(row, { passed: numPassedTests, failed: Math.max(numFailedTests, numFailedTestSuites) });
  } catch (error) {
    console.error(error instanceof SetupError ? `${error.message}\n  remedy: ${error.remedy}` : error);
    row.failed = Math.max(1, row.failed);
  }
  return { ...row, seconds: Math.round((Date.now() - start) / 1000) };
}

const named = process.argv.slice(2);
const rows = [];
for (const version of named.length > 0 ? named : VERSIONS) {
  console.log(`\n== PyTorch ${version}`);
  rows.push(await tryOut(version));
}
console.table(rows);
process.exitCode = rows.some(({ failed }) => failed > 0) ? 1 : 0;
