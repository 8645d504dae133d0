/**
 * The set-up as a list of steps. Each knows what it needs, what state it is in, and how to bring it about:
 *   check() -> null when up to date, else why it must run;   run() -> does it, or throws a SetupError that names the remedy.
 * `npm start`, `npm test` and `medr1 doctor` read the same list, so they cannot disagree.
 */
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { ask, command, SetupError } from './command.mjs';
import { home, node24, nodeModules, python, requirementsDir, root, venv } from './paths.mjs';
import * as shim from './shim.mjs';
import { hashFiles, stamp, unlike } from './stamp.mjs';

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

// npm ------------------------------------------------------------------------------------------------------------------------------

const musl = () => {
  process.report.excludeNetwork = true;
  return !process.report.getReport().header.glibcVersionRuntime;
};
const fits = (wanted, here) => wanted === undefined || [wanted].flat().includes(here);
/** An optional package that is made for this machine is none: Node itself and the image library come so. */
const madeForHere = ({ os, cpu, libc }) =>
  os !== undefined && fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, musl() ? 'musl' : 'glibc');

/** npm keeps what it installed in a hidden lock file: every package of ours must stand there in the locked version. */
export function stalePackages(
  installed = json(join(nodeModules, '.package-lock.json')).packages,
  locked = json(join(root, 'package-lock.json')).packages,
) {
  return Object.entries(locked)
    .filter(
      ([path, entry]) =>
        path.startsWith('node_modules/') &&
        !entry.link &&
        (!entry.optional || madeForHere(entry)) &&
        installed[path]?.version !== entry.version,
    )
    .map(([path, { version }]) => `${path.slice('node_modules/'.length)} ${version}`);
}

const npm = {
  title: 'npm packages',
  needs: [],
  check() {
    if (!existsSync(join(nodeModules, '.package-lock.json'))) return 'node_modules is not there';
    const stale = stalePackages();
    return stale.length ? `${stale.length} to install, ${stale[0]} first` : null;
  },
  // `npm ci` starts from nothing; what is there already is brought up to date instead.
  // What is left out by a setting (omit=optional, NODE_ENV=production) is needed here all the same.
  run: () =>
    command('npm', [existsSync(nodeModules) ? 'install' : 'ci', '--no-audit', '--no-fund', '--include=optional', '--include=dev'], {
      remedy: 'npm ci --include=optional --include=dev, and read what it says',
      env: npmCache(),
    }),
};

/** npm does not work without a cache that it can write. */
function npmCache() {
  const own = process.env.npm_config_cache ?? join(homedir(), '.npm');
  try {
    mkdirSync(own, { recursive: true });
    accessSync(own, constants.W_OK);
    return {};
  } catch {
    return { npm_config_cache: join(home, 'cache/npm') };
  }
}

// Python ---------------------------------------------------------------------------------------------------------------------------

export const PYTHON_REMEDY = 'apt-get install -y python3 python3-venv (or any Python from 3.10 on with its venv module)';

async function makeVenv() {
  const version = await ask('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  if (!version) throw new SetupError('python3 is not installed', PYTHON_REMEDY);
  if (Number(version.split('.')[1]) < 10) throw new SetupError(`python3 is ${version}; 3.10 or newer is needed`, PYTHON_REMEDY);
  if ((await ask('python3', ['-c', 'import venv, ensurepip'])) === null) {
    throw new SetupError(`python3 ${version} lacks its venv module`, `apt-get install -y python3-venv`);
  }
  await command('python3', ['-m', 'venv', venv], { remedy: 'apt-get install -y python3-venv' });
  // JupyterLab's own scripts in there are CommonJS; the clone's package.json would make them modules.
  writeFileSync(join(venv, 'package.json'), '{ "type": "commonjs" }\n');
}

const installWithPip = (args, remedy) =>
  command(python, ['-m', 'pip', 'install', '--disable-pip-version-check', ...args], { remedy, env: { PIP_USER: '0' } });

let pipQueue = Promise.resolve();
/** pip is not made for two at a time in one environment. */
function pip(args, remedy) {
  const job = pipQueue.then(() => installWithPip(args, remedy));
  pipQueue = job.catch(() => {});
  return job;
}

const LISTS_CHANGED = 'the lists of pinned packages changed since it was installed';

/** One pinned requirements file installed into .venv. */
function requirementsStep(title, name, needs, options = []) {
  const mark = join(venv, `.medr1-${name}`);
  // All of the folder counts: one file may include another.
  const hash = () =>
    hashFiles(
      readdirSync(requirementsDir)
        .sort()
        .map((file) => join(requirementsDir, file)),
    );
  const file = join(requirementsDir, `${name}.txt`);
  return {
    title,
    needs,
    check() {
      if (!existsSync(python)) return '.venv is not there';
      return unlike(mark, hash(), 'not installed', LISTS_CHANGED);
    },
    async run() {
      if (!existsSync(python)) await makeVenv();
      await pip([...options, '-r', file], `${python} -m pip install -r ${file}, and read what it says`);
      stamp(mark, hash());
    },
  };
}

const venvStep = requirementsStep('Python packages', 'start', []);

// libtorch -------------------------------------------------------------------------------------------------------------------------

/** What nvidia-smi lists, or null where there is no GPU. */
export const gpu = () => ask('nvidia-smi', ['-L']);
const torchCpu = requirementsStep('libtorch', 'torch-cpu', ['venv'], ['--no-deps']);
const torchFull = requirementsStep('libtorch and its GPU libraries', 'torch-full', ['venv']);
const torchGpu = requirementsStep('libtorch for the GPU', 'torch-gpu', ['venv']);

/** Without a GPU its libraries (2.7 GB) are left out; nothing is installed when MEDR1_TORCH names the user's own torch. */
const torch = {
  title: 'libtorch 2.11.0',
  needs: ['venv'],
  async check() {
    if (process.env.MEDR1_TORCH) return null;
    if (await gpu()) return torchGpu.check();
    return torchFull.check() === null ? null : torchCpu.check();
  },
  run: async () => ((await gpu()) ? torchGpu : torchCpu).run(),
};

// What is built here ---------------------------------------------------------------------------------------------------------------

const addonBuild = () => import('../native/build.mjs');

const addon = {
  title: 'libtorch binding',
  needs: ['npm', 'torch'],
  async check() {
    return (await addonBuild()).facts().stale;
  },
  run: async () => void (await (await addonBuild()).build()),
};

const labextension = join(root, 'extension/medr1_workbench/labextension');
const extensionBuild = () => import('./build-extension.mjs');

const extension = {
  title: 'JupyterLab extension',
  needs: ['npm', 'venv'],
  check: async () => (await extensionBuild()).check(),
  run: async () => void (await (await extensionBuild()).build()),
};

/** Installed editable, with JupyterLab's folder linked, so that a rebuilt front end needs a page reload and nothing else. */
const installed = join(venv, 'share/jupyter/labextensions/@medr1/workbench');
const packageMark = join(venv, '.medr1-package');
const packageHash = () => hashFiles([join(root, 'extension/pyproject.toml')], root + JSON.stringify(LAB_DEFAULTS));
/** Defaults that a user can change: JupyterLab asks nothing of the outside, and asks nobody whether it may. */
const LAB_DEFAULTS = { '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false } };

/**
 * pip writes the clone's path to a .pth file, which Python reads in the locale's letters: in the C locale one other letter keeps every Python of
 * .venv from starting. Relative to its folder the path has none.
 */
function linkByRelativePath() {
  const [version] = readdirSync(join(venv, 'lib')).filter((name) => name.startsWith('python3'));
  const packages = join(venv, 'lib', version, 'site-packages');
  writeFileSync(join(packages, '_medr1_workbench.pth'), `${relative(packages, join(root, 'extension'))}\n`);
}

const pythonPackage = {
  title: 'medr1_workbench in Python',
  needs: ['extension'],
  check: () =>
    existsSync(join(installed, 'package.json'))
      ? (unlike(packageMark, packageHash(), 'not installed', 'installed from another folder or pyproject.toml') ?? shim.check())
      : 'its front end is not in .venv',
  async run() {
    await pip(['--no-deps', '--no-build-isolation', '-e', join(root, 'extension')]);
    linkByRelativePath();
    rmSync(installed, { recursive: true, force: true });
    mkdirSync(dirname(installed), { recursive: true });
    symlinkSync(labextension, installed);
    const settings = join(venv, 'share/jupyter/lab/settings');
    mkdirSync(settings, { recursive: true });
    writeFileSync(join(settings, 'overrides.json'), JSON.stringify(LAB_DEFAULTS, null, 2));
    shim.write();
    stamp(packageMark, packageHash());
  },
};

// What a first start finds ---------------------------------------------------------------------------------------------------------

export const sampleDir = join(home, 'sample');
const sample = {
  title: 'sample data (made, not real)',
  needs: ['npm'],
  check: () => (existsSync(join(sampleDir, 'QA_information')) ? null : 'not written yet'),
  run: () => command(node24(), [join(root, 'kernel-bridge/bin/medr1.mjs'), 'sample', sampleDir]),
};

export const notebooksDir = join(home, 'notebooks');
const examples = () => readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ipynb'));

/** Copies, so that work in them changes no tracked file. A copy that exists already is the user's and stays. */
const notebooks = {
  title: 'example notebooks',
  needs: [],
  check: () => (examples().every((name) => existsSync(join(notebooksDir, name))) ? null : 'not copied yet'),
  async run() {
    mkdirSync(notebooksDir, { recursive: true });
    for (const name of examples()) {
      if (!existsSync(join(notebooksDir, name))) copyFileSync(join(root, 'examples', name), join(notebooksDir, name));
    }
  },
};

// What only the tests need ---------------------------------------------------------------------------------------------------------

const testPackages = requirementsStep('Python packages for the tests', 'test', ['torch']);

/** Older transformers in folders of their own, put before .venv's by PYTHONPATH: checkpoints must load in each (test/parity/saved-models.test.ts). */
export const transformersDir = join(home, 'transformers');
function olderTransformers(name) {
  const file = join(requirementsDir, `transformers-${name}.txt`);
  const target = join(transformersDir, name);
  const mark = join(target, '.medr1');
  return {
    title: `transformers ${name} for the tests`,
    needs: ['venv'],
    check: () => unlike(mark, hashFiles([file]), 'not installed', LISTS_CHANGED),
    async run() {
      rmSync(target, { recursive: true, force: true });
      // Not one of the queue, for it leaves .venv alone. What they need beside these will be in .venv. Few of their modules are ever loaded.
      await installWithPip(
        ['--no-deps', '--no-compile', '--target', target, '-r', file],
        `${python} -m pip install -r ${file}, and read what it says`,
      );
      stamp(mark, hashFiles([file]));
    },
  };
}
const transformers449 = olderTransformers('4.49');
const transformers457 = olderTransformers('4.57');

export const browserPath = () =>
  [process.env.MEDR1_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
export const CHROMIUM_REMEDY = 'apt-get install -y chromium (as root), or set MEDR1_CHROMIUM to a Chromium or Chrome';
const chromium = {
  title: 'Chromium',
  needs: [],
  check: () => (browserPath() ? null : 'no Chromium'),
  async run() {
    await debian(['chromium', 'fonts-dejavu-core'], 'no Chromium for the end-to-end tests', CHROMIUM_REMEDY);
  },
};

async function debian(packages, lacks, remedy) {
  if (process.getuid?.() !== 0 || (await ask('apt-get', ['--version'])) === null) throw new SetupError(lacks, remedy);
  await command('apt-get', ['update'], { remedy });
  await command('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
    remedy,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

// What the suite `cluster` alone needs; where it cannot be had, the tests that want it are skipped with the reason ---------------------

const SLURM = ['slurmctld', 'slurmd', 'slurm-client', 'munge'];
const SLURM_REMEDY = `apt-get install -y ${SLURM.join(' ')} (as root)`;
const found = (name) => ['/usr/sbin', '/usr/bin', '/sbin'].some((folder) => existsSync(join(folder, name)));
const slurm = {
  title: 'Slurm for the tests',
  needs: [],
  check: () => (['slurmctld', 'slurmd', 'srun', 'munged'].every(found) ? null : 'not installed'),
  run: () => debian(SLURM, 'no Slurm', SLURM_REMEDY),
};
const mpi = {
  title: 'Open MPI for the tests',
  needs: ['slurm'], // apt-get takes one at a time
  check: () => (found('mpirun') ? null : 'not installed'),
  run: () => debian(['openmpi-bin'], 'no Open MPI', 'apt-get install -y openmpi-bin (as root)'),
};
const networks = {
  title: 'ip, for networks of the tests',
  needs: ['mpi'],
  check: () => (found('ip') ? null : 'not installed'),
  run: () => debian(['iproute2'], 'no ip', 'apt-get install -y iproute2 (as root)'),
};
export const rayDir = join(home, 'ray');
const ray = {
  title: 'Ray for the tests',
  needs: [],
  check: () => unlike(join(rayDir, '.medr1'), hashFiles([join(requirementsDir, 'ray.txt')]), 'not installed', LISTS_CHANGED),
  async run() {
    const file = join(requirementsDir, 'ray.txt');
    const remedy = `${join(rayDir, 'bin/python')} -m pip install -r ${file}, and read what it says`;
    await command('python3', ['-m', 'venv', '--clear', rayDir], { remedy });
    await command(join(rayDir, 'bin/python'), ['-m', 'pip', 'install', '--disable-pip-version-check', '-r', file], {
      remedy,
      env: { PIP_USER: '0' },
    });
    stamp(join(rayDir, '.medr1'), hashFiles([file]));
  },
};
const testDevice = {
  title: 'a device for the tests',
  needs: ['addon'],
  check: async () => (await addonBuild()).testDeviceState(),
  run: async () => (await addonBuild()).buildTestDevice(),
};
export const steps = {
  npm,
  venv: venvStep,
  torch,
  addon,
  extension,
  pythonPackage,
  sample,
  notebooks,
  testPackages,
  transformers449,
  transformers457,
  testDevice,
  chromium,
  slurm,
  mpi,
  networks,
  ray,
};
export const START = ['npm', 'venv', 'torch', 'addon', 'extension', 'pythonPackage', 'sample', 'notebooks'];
export const TEST = [...START, 'testPackages', 'transformers449', 'transformers457', 'testDevice', 'chromium'];
export const CLUSTER = ['slurm', 'mpi', 'networks', 'ray'];
/** The tests compare with Python's torch, which does not load without the GPU libraries, GPU or none. */
export const testSteps = { ...steps, torch: torchFull };
/** What is packed for a GPU machine holds the CUDA graph library, which needs CUDA's headers. */
export const gpuSteps = { ...steps, torch: torchGpu };
