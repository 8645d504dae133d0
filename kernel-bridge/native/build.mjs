// Builds the libtorch addon with g++ against the PyTorch that is installed; runs on Node 20 and needs no npm package but
// node-api-headers. `node build.mjs` builds what is out of date; `--force` builds all.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compilerEnvironment, compilerWords } from './compiler.mjs';
import { sha, sources, sourcesKey } from './sources.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
/** Where the addon is put and looked for; MEDR1_BUILD names another folder, as torch-matrix.mjs does for each PyTorch. */
const buildDir = process.env.MEDR1_BUILD ?? join(here, 'build');
const run = promisify(execFile);

const OLDEST_TORCH = [2, 6];
const INSTALL_TORCH = 'npm start  (or: pip install torch==2.11.0)';

/** A failure of the build: what was seen, and the command that mends it. */
export class BuildError extends Error {
  constructor(message, remedy) {
    super(`${message}\n  remedy: ${remedy}`);
    this.name = 'BuildError';
    this.remedy = remedy;
  }
}

/**
 * The PyTorch to build for: MEDR1_TORCH names a `torch` package folder, else the clone's own .venv is looked in.
 * @returns {{ dir: string, version: string } | null}
 */
export function findTorch() {
  const dir = process.env.MEDR1_TORCH ?? venvTorch();
  if (!dir || !existsSync(join(dir, 'version.py'))) return null;
  const version = /__version__ = '([^']+)'/.exec(readFileSync(join(dir, 'version.py'), 'utf8'))?.[1];
  return version ? { dir: realpathSync(dir), version } : null;
}

function venvTorch() {
  const lib = join(root, '.venv', 'lib');
  if (!existsSync(lib)) return null;
  for (const python of readdirSync(lib)) {
    const dir = join(lib, python, 'site-packages', 'torch');
    if (existsSync(dir)) return dir;
  }
  return null;
}

/** Folders with CUDA's headers (nvidia-cuda-runtime, -crt, -cccl beside torch, or a toolkit), or null where some are missing. */
function cudaIncludes(torchDir) {
  const nvidia = join(dirname(torchDir), 'nvidia');
  const wheels = existsSync(nvidia)
    ? readdirSync(nvidia)
        .filter((name) => /^cu\d+$/.test(name))
        .map((name) => join(nvidia, name))
    : [];
  const roots = [...wheels, process.env.CUDA_HOME, '/usr/local/cuda'].filter(Boolean);
  for (const dir of roots.map((path) => join(path, 'include')))
    if (existsSync(join(dir, 'cuda_runtime_api.h')) && existsSync(join(dir, 'crt', 'host_defines.h'))) {
      const cccl = join(dir, 'cccl');
      return existsSync(cccl) ? [dir, cccl] : [dir];
    }
  return null;
}

/** The folder of NCCL's header (nvidia-nccl beside torch, or the toolkit's), or null. */
function ncclInclude(torchDir) {
  const roots = [join(dirname(torchDir), 'nvidia', 'nccl'), process.env.CUDA_HOME, '/usr/local/cuda', '/usr'].filter(Boolean);
  return roots.map((path) => join(path, 'include')).find((dir) => existsSync(join(dir, 'nccl.h'))) ?? null;
}

/** What is built, for what, and whether it is up to date; `medr1 doctor` prints these. */
export function facts() {
  const torch = findTorch();
  const stamp = readStamp();
  const stale = staleness(torch, stamp);
  return {
    torch,
    addon: existsSync(target('medr1_torch')) ? target('medr1_torch') : null,
    builtFor: stamp?.torch ?? null,
    upToDate: stale === null,
    stale,
    cudaGraphs: existsSync(target('medr1_cuda')),
    processGroups: existsSync(target('medr1_c10d')),
    nccl: existsSync(target('medr1_nccl')),
    cudaHeaders: torch !== null && cudaIncludes(torch.dir) !== null,
  };
}

const target = (name) => join(buildDir, `${name}.node`);
const stampFile = join(buildDir, 'stamp.json');

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return null; // never built, or cut off while writing: build again
  }
}

/** Why what is built is not what would be built now, or null. */
function staleness(torch, stamp) {
  if (!torch) return 'no torch to build for';
  if (!existsSync(target('medr1_torch'))) return `not built for torch ${torch.version}`;
  if (!stamp) return 'the last build was cut off';
  if (stamp.torch.version !== torch.version) return `built for torch ${stamp.torch.version}, and torch is now ${torch.version}`;
  if (stamp.torch.dir !== torch.dir) return `built for the torch in ${stamp.torch.dir}, and torch is now in ${torch.dir}`;
  if (stamp.key === buildKey(torch)) return null;
  return stamp.sources === sourcesKey() ? 'built with other flags or headers than now' : 'its sources changed since it was built';
}

/** Everything that the result depends on: sources, flags, PyTorch's version and place. */
function buildKey(torch) {
  return sha(
    torch.version,
    String(cudaIncludes(torch.dir)),
    String(ncclInclude(torch.dir)),
    JSON.stringify(CAPABILITIES),
    ...compileFlags(torch),
    ...linkFlags(torch),
    sourcesKey(),
  );
}

function compileFlags(torch) {
  // Device's constructor takes a string: its symbol tells which std::string PyTorch was built with.
  const newAbi = readFileSync(join(torch.dir, 'lib', 'libc10.so')).includes('c106DeviceC1ERKNSt7__cxx11');
  const nodeHeaders = createRequire(import.meta.url)('node-api-headers').include_dir;
  const includes = [nodeHeaders, here, join(torch.dir, 'include'), join(torch.dir, 'include/torch/csrc/api/include')];
  return [
    '-std=c++20',
    '-O2',
    '-fPIC',
    '-fvisibility=hidden',
    '-fopenmp', // at::parallel_for; the runtime is PyTorch's own, beside libtorch
    '-DNAPI_VERSION=8',
    `-D_GLIBCXX_USE_CXX11_ABI=${newAbi ? 1 : 0}`,
    ...includes.flatMap((dir) => ['-isystem', dir]),
  ];
}

/**
 * PyTorch's folder as RPATH, not RUNPATH: before LD_LIBRARY_PATH, where another libtorch may lie. What libtorch_cpu itself depends on (CUDA's
 * runtime, even for CPU use) is found through its own. By -Xlinker, for a path may hold a comma.
 */
function linkFlags(torch) {
  const lib = join(torch.dir, 'lib');
  const linker = ['--disable-new-dtags', '-rpath', lib, '--no-as-needed'];
  return ['-shared', '-L', lib, ...linker.flatMap((word) => ['-Xlinker', word])];
}

async function gxx(args) {
  const [compiler, ...first] = compilerWords();
  try {
    await run(compiler, [...first, ...args], { maxBuffer: 64 << 20, env: compilerEnvironment() });
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new BuildError(
        `no C++ compiler: ${compiler} was not found${process.env.CXX ? ` (CXX is "${process.env.CXX}")` : ''}`,
        'apt-get install g++',
      );
    const firstError = /^.*error:.*$/m.exec(error.stderr ?? '')?.[0] ?? error.message;
    throw new BuildError(
      `${compiler} failed: ${firstError}\n${error.stderr ?? ''}`,
      'report it with the lines above; g++ 11 or newer is needed',
    );
  }
}

/** Instruction sets by kernels.h's names, and how the compiler is told. The plain one comes first: of shared code the linker keeps what it meets first. */
const CAPABILITIES = {
  Default: ['-DCPU_CAPABILITY=DEFAULT', '-DCPU_CAPABILITY_DEFAULT'],
  ...(process.arch === 'x64' && {
    Avx2: ['-DCPU_CAPABILITY=AVX2', '-DCPU_CAPABILITY_AVX2', '-mavx2', '-mfma', '-mf16c'],
    Avx512: [
      '-DCPU_CAPABILITY=AVX512',
      '-DCPU_CAPABILITY_AVX512',
      '-mavx512f',
      '-mavx512bw',
      '-mavx512vl',
      '-mavx512dq',
      '-mfma',
      '-mf16c',
    ],
  }),
};

/** kernels/vectors.cc once per instruction set, as object files in `dir`. */
function compileKernels(dir, flags) {
  const source = join(here, 'kernels', 'vectors.cc');
  const compile = async ([name, own]) => {
    const object = join(dir, `${name}.o`);
    await gxx([...flags, '-O3', ...own, `-DMEDR1_CAPABILITY=${name}`, '-c', source, '-o', object]);
    return object;
  };
  return Promise.all(Object.entries(CAPABILITIES).map(compile));
}

/**
 * Compiles the sources as one translation unit, for parsing PyTorch's headers is most of the work, and links them. The library
 * appears whole or not at all; two builds may run at once.
 */
async function makeLibrary(name, files, flags, torch, libraries, objects = []) {
  const unit = join(buildDir, `${name}.${process.pid}.cc`);
  const part = `${target(name)}.${process.pid}`;
  writeFileSync(unit, files.map((file) => `#include ${JSON.stringify(file)}\n`).join(''));
  try {
    await gxx([...flags, unit, ...objects, ...linkFlags(torch), ...libraries.map((library) => `-l${library}`), '-o', part]);
    renameSync(part, target(name));
  } finally {
    rmSync(unit, { force: true });
    rmSync(part, { force: true });
  }
}

/**
 * A library that uses classes which PyTorch does not promise to keep. Where it does not compile, all else works, and what needs it says the reason
 * that is returned here (null when it was built).
 */
async function tryLibrary(name, what, { folder, flags, torch, libraries }, log) {
  log(what);
  try {
    await makeLibrary(name, [join(here, 'common.cc'), ...sources(join(here, folder))], flags, torch, libraries);
    return null;
  } catch (error) {
    rmSync(target(name), { force: true });
    const reason = error.message.split('\n')[0];
    log(`no ${what} with PyTorch ${torch.version}: ${reason}`);
    return reason;
  }
}

/** For runs of several processes. */
const makeProcessGroups = (flags, torch, log) => {
  const parts = { folder: 'c10d', flags: [...flags, '-isystem', join(here, 'c10d')], torch, libraries: ['torch_cpu', 'c10'] };
  return tryLibrary('medr1_c10d', 'process groups', parts, log);
};

/** For such runs on several GPUs. `includes`: CUDA's. */
async function makeNccl(flags, includes, torch, log) {
  const nccl = ncclInclude(torch.dir);
  if (nccl === null) {
    rmSync(target('medr1_nccl'), { force: true });
    return "NCCL's header (nvidia-nccl) is not there";
  }
  const all = [...flags, ...[...includes, nccl].flatMap((dir) => ['-isystem', dir])];
  const libraries = ['torch_cuda', 'c10_cuda', 'torch_cpu', 'c10'];
  return tryLibrary('medr1_nccl', 'NCCL', { folder: 'nccl', flags: all, torch, libraries }, log);
}

/**
 * Builds the addon, and the libraries of CUDA graphs and NCCL where CUDA's headers are present.
 * @param {{ force?: boolean, log?: (line: string) => void }} [options]
 * @returns {Promise<{ built: boolean, addon: string }>} built: false when all was up to date
 * @throws {BuildError} with the command that mends it
 */
export async function build({ force = false, log = () => {} } = {}) {
  const torch = findTorch();
  if (!torch) {
    const seen = process.env.MEDR1_TORCH ? `MEDR1_TORCH=${process.env.MEDR1_TORCH} holds no torch package` : 'no PyTorch in .venv';
    throw new BuildError(seen, INSTALL_TORCH);
  }
  const [major, minor] = torch.version.split('.').map(Number);
  if (major < OLDEST_TORCH[0] || (major === OLDEST_TORCH[0] && minor < OLDEST_TORCH[1]))
    throw new BuildError(
      `PyTorch ${torch.version} in ${torch.dir} is too old: ${OLDEST_TORCH.join('.')} or newer is needed`,
      INSTALL_TORCH,
    );
  if (!force && facts().upToDate) return { built: false, addon: target('medr1_torch') };

  mkdirSync(buildDir, { recursive: true });
  const key = buildKey(torch);
  const built = sourcesKey(); // of what is read now: an edit during the build makes it stale
  const flags = compileFlags(torch);
  log(`addon for PyTorch ${torch.version}`);
  const dir = mkdtempSync(join(buildDir, 'objects-'));
  try {
    await makeLibrary('medr1_torch', sources(here), flags, torch, ['torch_cpu', 'c10'], await compileKernels(dir, flags));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }

  const cuda = cudaIncludes(torch.dir);
  let noNccl = "CUDA's headers, or PyTorch's CUDA library, were not there when the addon was built";
  if (cuda && existsSync(join(torch.dir, 'lib', 'libtorch_cuda.so'))) {
    log('CUDA graph library');
    const cudaFlags = [...flags, ...cuda.flatMap((dir) => ['-isystem', dir])];
    const files = [join(here, 'common.cc'), ...sources(join(here, 'cuda'))];
    await makeLibrary('medr1_cuda', files, cudaFlags, torch, ['torch_cuda', 'c10_cuda', 'torch_cpu', 'c10']);
    noNccl = await makeNccl(flags, cuda, torch, log);
  } else {
    for (const name of ['medr1_cuda', 'medr1_nccl']) rmSync(target(name), { force: true });
  }
  const noProcessGroups = await makeProcessGroups(flags, torch, log);
  writeFileSync(stampFile, JSON.stringify({ key, sources: built, torch, noProcessGroups, noNccl }, null, 2));
  return { built: true, addon: target('medr1_torch') };
}

// The device for tests (test-device/) -------------------------------------------------------------------------------------------------

const deviceStamp = join(buildDir, 'test-device.json');

/** Its sources, common.cc included, and what they are compiled with. */
const deviceKey = (torch) => {
  const dir = join(here, 'test-device');
  const files = [...sources(dir), join(dir, 'memory.h'), join(dir, 'links.h'), join(here, 'common.cc'), join(here, 'common.h')];
  return sha(torch.version, ...compileFlags(torch), ...linkFlags(torch), ...files.map((file) => readFileSync(file)));
};

/** Why the device for tests must be built, or null. It uses PyTorch's interface of allocators, which is there from 2.9 on. */
export function testDeviceState() {
  const torch = findTorch();
  if (!torch) return 'no torch to build for';
  if (!existsSync(target('medr1_test_device')) || !existsSync(deviceStamp)) return 'not built';
  return JSON.parse(readFileSync(deviceStamp, 'utf8')).key === deviceKey(torch)
    ? null
    : 'its sources, torch or the flags changed since it was built';
}

/** @throws {BuildError} */
export async function buildTestDevice() {
  const torch = findTorch();
  if (!torch) throw new BuildError('no PyTorch in .venv', INSTALL_TORCH);
  mkdirSync(buildDir, { recursive: true });
  const key = deviceKey(torch);
  const files = [join(here, 'common.cc'), ...sources(join(here, 'test-device'))];
  await makeLibrary('medr1_test_device', files, compileFlags(torch), torch, ['torch_cpu', 'c10']);
  writeFileSync(deviceStamp, JSON.stringify({ key }));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const { built, addon } = await build({ force: process.argv.includes('--force'), log: console.log });
    console.log(built ? `built ${addon}` : `up to date: ${addon}`);
  } catch (error) {
    console.error(error instanceof BuildError ? error.message : error);
    process.exitCode = 1;
  }
}
