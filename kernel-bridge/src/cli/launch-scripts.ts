/** What starts a run on a cluster: one script a launcher, which a person can read, change and start again by hand. */

export const LAUNCHERS = ['slurm', 'torchrun', 'ray'] as const;
export type LauncherName = (typeof LAUNCHERS)[number];

export interface Job {
  name: string;
  nodes: number;
  /** Processes on each node: one a GPU, or as many as are asked for on CPUs. */
  perNode: number;
  /** GPUs of each node; 0 trains on CPUs. */
  gpus: number;
  /** Of a process. */
  cpus: number | null;
  /** `medr1 train ...`, the same on all nodes. */
  command: readonly string[];
  home: string;
  /** Where all processes meet; null: the launcher says. */
  head: string | null;
  port: number;
  /** Lines of #SBATCH without it: "--partition=gpu". */
  sbatch: readonly string[];
}

export interface Script {
  /** Ending of its name. */
  ending: string;
  text: string;
}

/** Of a launcher; the first is the one to start. */
export const SCRIPTS: Readonly<Record<LauncherName, (job: Job, file: (ending: string) => string) => Script[]>> = {
  slurm: (job) => [{ ending: 'slurm.sh', text: slurm(job) }],
  torchrun: (job) => [{ ending: 'torchrun.sh', text: torchrun(job) }],
  ray: (job, file) => [
    { ending: 'ray.sh', text: raySymmetric(job, file('ray.py')) },
    { ending: 'ray.py', text: ray(job) },
  ],
};

/** A word of a shell. */
export const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
const line = (words: readonly string[]): string => words.map(quoted).join(' ');

const intro = (job: Job): string =>
  `# ${job.nodes * job.perNode} processes of one run on ${job.nodes} node${job.nodes === 1 ? '' : 's'}. Made by medr1 launch; change it as you like.`;

function slurm(job: Job): string {
  const { name, nodes, perNode, gpus, cpus, sbatch, port } = job;
  const asked = [
    `--job-name=${name}`,
    `--nodes=${nodes}`,
    `--ntasks-per-node=${perNode}`,
    ...(gpus > 0 ? [`--gpus-per-node=${gpus}`] : []),
    ...(cpus === null ? [] : [`--cpus-per-task=${cpus}`]),
    // all processes are told two minutes before the time is over: rank 0 writes a checkpoint and ends
    '--signal=TERM@120',
    '--output=%x-%j.log',
    ...sbatch,
  ];
  return `#!/bin/bash
${asked.map((one) => `#SBATCH ${one}`).join('\n')}
${intro(job)}
set -euo pipefail
export MEDR1_HOME=${quoted(job.home)}
MASTER_ADDR="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
export MASTER_ADDR
# two jobs on one node meet at two ports
export MASTER_PORT=$((${port} + SLURM_JOB_ID % 1000))
# a process that fails ends the others, which would wait for it
exec srun --kill-on-bad-exit=1 ${line(job.command)}
`;
}

function torchrun(job: Job): string {
  const { nodes, perNode, head, port, name } = job;
  const alone = nodes === 1;
  const meet = alone ? '--standalone' : `--nnodes ${nodes} --rdzv-backend c10d --rdzv-endpoint "$HEAD:${port}" --rdzv-id ${quoted(name)}`;
  const where = alone
    ? ''
    : head === null
      ? `# Start it on each of the ${nodes} machines, with the same HEAD: HEAD=node1 bash FILE\n: "\${HEAD:?the name of the first machine}"\n`
      : `# Start it on each of the ${nodes} machines.\nHEAD="\${HEAD:-${head}}"\n`;
  return `#!/bin/bash
${intro(job)}
set -euo pipefail
${where}export MEDR1_HOME=${quoted(job.home)}
# no restarts: a run goes on by medr1 train --resume, and not as a new one
exec torchrun --no-python --max-restarts 0 ${meet} --nproc-per-node ${perNode} \\
  ${line(job.command)}
`;
}

/** Starts Ray on all nodes, and there the processes. */
function raySymmetric(job: Job, program: string): string {
  const { nodes, head } = job;
  const where =
    nodes === 1
      ? 'exec python3'
      : `# Start it on each of the ${nodes} machines; Ray finds out by the address which one is the head.
HEAD="\${HEAD:${head === null ? '?the name of the first machine' : `-${head}`}}"
exec ray symmetric-run --address "$HEAD:6379" --min-nodes ${nodes} -- python3`;
  return `#!/bin/bash
${intro(job)}
set -euo pipefail
# Ray gives its tasks what processors have left, unless it is told otherwise.
export RAY_worker_niceness="\${RAY_worker_niceness:-0}"
# In a Ray cluster that is there already, start the program itself: RAY_ADDRESS=HEAD:6379 python3 ${quoted(program)}
${where} ${quoted(program)}
`;
}

function ray({ nodes, perNode, gpus, cpus, command, home, port }: Job): string {
  return `"""Starts the processes of one run by Ray: a task a node, which starts those of that node. Made by medr1 launch; change it as you like."""

import os
import socket
import subprocess
import sys
import time

import ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

NODES, PER_NODE, GPUS, CPUS = ${nodes}, ${perNode}, ${gpus}, ${(cpus ?? 1) * perNode}
PORT = ${port}
HOME = ${JSON.stringify(home)}
COMMAND = ${JSON.stringify(command)}


@ray.remote(max_retries=0)
def address() -> tuple[str, int]:
    """Of the node whose process has rank 0: its address, and a port that is free there."""
    for port in range(PORT, PORT + 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return ray.util.get_node_ip_address(), port
    raise RuntimeError(f"no port is free from {PORT} on")


@ray.remote(max_retries=0)
def processes(node: int, host: str, port: int, passed: dict[str, str]) -> int:
    """Those of one node. The first that fails ends the others, which would wait for it."""
    given = {"WORLD_SIZE": NODES * PER_NODE, "MASTER_ADDR": host, "MASTER_PORT": port, "MEDR1_HOME": HOME}
    own = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # Ray sets it for its tasks
    running = []
    for local in range(PER_NODE):
        place = {**given, **passed, "RANK": node * PER_NODE + local, "LOCAL_RANK": local}
        env = {**own, **{name: str(value) for name, value in place.items()}}
        running.append(subprocess.Popen(COMMAND, env=env))
    codes = [None] * PER_NODE
    while None in codes:
        codes = [process.poll() for process in running]
        if any(codes):
            for process in running:
                process.terminate()
            return next(code for code in codes if code)
        time.sleep(0.2)
    return 0


def main() -> int:
    passed = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MEDR1_REPORT_TOKEN") if name in os.environ}
    ray.init()
    bundle = {"CPU": CPUS, **({"GPU": GPUS} if GPUS else {})}
    group = placement_group([bundle] * NODES, strategy="STRICT_SPREAD")
    ray.get(group.ready())
    on = [
        {"scheduling_strategy": PlacementGroupSchedulingStrategy(placement_group=group, placement_group_bundle_index=node)}
        for node in range(NODES)
    ]
    host, port = ray.get(address.options(num_cpus=0, **on[0]).remote())
    tasks = [processes.options(num_cpus=CPUS, num_gpus=GPUS, **on[node]).remote(node, host, port, passed) for node in range(NODES)]
    waiting = tasks
    while waiting:
        done, waiting = ray.wait(waiting)
        if code := ray.get(done[0]):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
`;
}
