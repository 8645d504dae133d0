/** `medr1 train run.yaml --plan`: what the run would take of this machine, without starting it. */
import type { Estimate, TrainConfig } from '../protocol/index.ts';
import { DevicePool } from '../server/device-pool.ts';
import { Jobs } from '../server/jobs.ts';
import { planOf } from '../server/plan.ts';
import { printJson, tell } from './output.ts';

export async function plan(home: string, config: TrainConfig, json: boolean): Promise<void> {
  const found = await planOf(home, new DevicePool(new Jobs()), config);
  if (json) printJson(found);
  else tell(...lines(found));
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function lines(found: Estimate): string[] {
  const {
    processes = 1,
    total_bytes,
    available_bytes,
    fits,
    memory,
    peak_phase,
    least_devices,
    seconds_per_step,
    seconds_from,
    rollouts_per_s,
  } = found;
  const each = processes > 1 ? `, each of ${processes} processes` : '';
  const parts = Object.entries(memory).filter(([, bytes]) => gib(bytes) !== gib(0));
  return [
    `memory        ${gib(total_bytes)} of ${gib(available_bytes)}${each}: ${fits ? 'fits' : 'does not fit'}`,
    `most needed   in ${peak_phase}: ${parts.map(([name, bytes]) => `${name} ${gib(bytes)}`).join(', ')}`,
    ...(least_devices === undefined
      ? []
      : [`devices       ${least_devices === null ? 'no number of devices like these is enough' : `${least_devices} at least`}`]),
    `steps         ${found.total_steps}, over ${found.train_items} questions`,
    seconds_per_step == null
      ? 'time          not known: no run on this device and in this precision has made steps'
      : `time          ${seconds_per_step.toPrecision(2)} s a step${rollouts_per_s ? `, ${rollouts_per_s.toPrecision(2)} rollouts a second` : ''}; measured on ${seconds_from}, within a factor of two for another model`,
    ...found.advice,
  ];
}
