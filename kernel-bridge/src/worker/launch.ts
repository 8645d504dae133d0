/**
 * How the processes of one run find each other: started by us, or by torchrun, srun or mpirun, whose variables are taken as they are. What was
 * found travels to the process that trains as one variable, MEDR1_LAUNCH, so that a server started inside such a job takes none of it for a run.
 */
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { Rendezvous } from '../torch/process-group.ts';

/** This process's place among those of its run. */
export interface Launch {
  rank: number;
  size: number;
  /** Number among the processes of this machine: its GPU. */
  localRank: number;
  rendezvous: Rendezvous;
  /** The process that gave it this place, if another did. */
  startedBy?: number;
  /** What a launcher's command line told this process to train by, or why that could not be read. Nothing where rank 0 alone was told. */
  told?: { config: TrainConfig } | { error: ErrorBody };
}

const VARIABLE = 'MEDR1_LAUNCH';
/** Port that PyTorch uses where nobody named one. */
const DEFAULT_PORT = 29500;

interface Launcher {
  name: string;
  rank: string;
  size: string;
  localRank: string;
  /** Set only in processes that this launcher started. */
  mark: string;
}

/** The first whose mark is set counts: torchrun inside srun is torchrun. */
const LAUNCHERS: readonly Launcher[] = [
  { name: 'torchrun', rank: 'RANK', size: 'WORLD_SIZE', localRank: 'LOCAL_RANK', mark: 'WORLD_SIZE' },
  {
    name: 'mpirun (Open MPI)',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    localRank: 'OMPI_COMM_WORLD_LOCAL_RANK',
    mark: 'OMPI_COMM_WORLD_SIZE',
  },
  { name: 'mpirun', rank: 'PMI_RANK', size: 'PMI_SIZE', localRank: 'MPI_LOCALRANKID', mark: 'PMI_SIZE' },
  { name: 'srun', rank: 'SLURM_PROCID', size: 'SLURM_NTASKS', localRank: 'SLURM_LOCALID', mark: 'SLURM_STEP_ID' },
];

type Env = Readonly<Record<string, string | undefined>>;

function invalid(launcher: string, seen: string): WorkbenchError {
  return new WorkbenchError({
    code: 'LAUNCH_VARIABLES',
    message: `The variables of ${launcher} cannot be used: ${seen}.`,
    remedy:
      'Start the command by the launcher itself, set all of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, or unset them to train in one process.',
    exit: 2,
  });
}

/**
 * What the variables of a launcher say; null without one, or where it started one process alone.
 * @throws WorkbenchError LAUNCH_VARIABLES where they are incomplete
 */
export function launchOf(env: Env): Launch | null {
  const launcher = LAUNCHERS.find(({ mark }) => env[mark] !== undefined && env[mark] !== '');
  if (launcher === undefined) return null;
  const whole = (name: string, least: number): number => {
    const text = env[name];
    if (text === undefined || !/^\d+$/.test(text) || Number(text) < least)
      throw invalid(launcher.name, text === undefined ? `${name} is not set` : `${name} is "${text}"`);
    return Number(text);
  };
  const size = whole(launcher.size, 1);
  if (size === 1) return null;
  const rank = whole(launcher.rank, 0);
  if (rank >= size) throw invalid(launcher.name, `${launcher.rank} is ${rank}, of ${launcher.size} ${size}`);
  const localRank = env[launcher.localRank] === undefined ? 0 : whole(launcher.localRank, 0);
  const address = env.MASTER_ADDR || firstHost(env.SLURM_STEP_NODELIST ?? env.SLURM_JOB_NODELIST) || localAddress(env, size);
  if (address === undefined) throw invalid(launcher.name, 'MASTER_ADDR is not set, and the processes are on several machines');
  const port = env.MASTER_PORT ? whole('MASTER_PORT', 1) : portOfJob(env.SLURM_JOB_ID);
  // An agent of torchrun may hold the store itself: then nobody else must open its port.
  const agentServes = env.TORCHELASTIC_USE_AGENT_STORE === 'True';
  return { rank, size, localRank, rendezvous: { address, port, serves: rank === 0 && !agentServes } };
}

/** `node[03-07,9],other` -> node03. */
function firstHost(list: string | undefined): string | undefined {
  const first = /^([^,[]+)(?:\[(\d+)[^\]]*\]([^,]*))?/.exec(list ?? '');
  return first ? `${first[1]}${first[2] ?? ''}${first[3] ?? ''}` : undefined;
}

/** Where all processes are on this machine they need no address of another. */
const localAddress = (env: Env, size: number): string | undefined =>
  [env.OMPI_COMM_WORLD_LOCAL_SIZE, env.MPI_LOCALNRANKS].includes(String(size)) ? '127.0.0.1' : undefined;

/** Two jobs on one machine get two ports. */
const portOfJob = (job: string | undefined): number => DEFAULT_PORT + (Number(job ?? 0) % 1000 || 0);

/** The variable that tells a process of ours its place. */
export const launchVariable = (launch: Launch): Record<string, string> => ({
  [VARIABLE]: JSON.stringify({ ...launch, startedBy: process.pid }),
});

/** The place that this process was given. */
export function givenLaunch(env: Env): Launch | null {
  const text = env[VARIABLE];
  return text ? (JSON.parse(text) as Launch) : null;
}
